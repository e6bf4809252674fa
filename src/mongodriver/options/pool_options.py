"""The options of connections and their pools."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any, cast

from bsonx import has_c
from mongodriver.events.listeners import EventListeners
from mongodriver.options.client_metadata import client_metadata, environment
from mongodriver.values.limits import (
    MAX_CONNECTING,
    MAX_IDLE_TIME_SEC,
    MAX_POOL_SIZE,
    MIN_POOL_SIZE,
    WAIT_QUEUE_TIMEOUT,
)
from mongodriver.values.public_names import known_as

if TYPE_CHECKING:
    from ssl import SSLContext

    from mongodriver.auth.credentials import MongoCredential
    from mongodriver.io.tls import Tls
    from mongodriver.options.compressors import CompressionSettings
    from mongodriver.values.driver_info import DriverInfo
    from mongodriver.values.proxy import Proxy
    from mongodriver.values.server_api import ServerApi

__all__ = ["PoolOptions"]

_IMPLEMENTATIONS = {"cpython": "CPython", "pypy": "PyPy", "graalpy": "GraalVM"}
_DOCKER_MARK = "/.dockerenv"


def _os_facts() -> dict[str, str]:
    if sys.platform == "linux":
        system, _, release, _, machine = os.uname()
    else:
        import platform  # takes a while, and says no more of Linux

        system, machine = platform.system(), platform.machine()
        release = platform.mac_ver()[0] if system == "Darwin" else platform.release()
    return {
        "type": system or "unknown",
        "name": "macOS" if system == "Darwin" else system or "unknown",
        "architecture": machine,
        "version": release,
    }


def _interpreter() -> str:
    version = ".".join(map(str, sys.version_info))
    name = sys.implementation.name
    return f"{_IMPLEMENTATIONS.get(name, name)} {version}"


class PoolOptions:
    """Read-only options of a client's pools. All times are in seconds."""

    __slots__ = (
        "_appname",
        "_compression_settings",
        "_connect_timeout",
        "_credentials",
        "_drivers",
        "_event_listeners",
        "_is_sync",
        "_load_balanced",
        "_max_connecting",
        "_max_idle_time_seconds",
        "_max_pool_size",
        "_metadata",
        "_min_pool_size",
        "_pause_enabled",
        "_proxy",
        "_server_api",
        "_socket_timeout",
        "_ssl_context",
        "_tls",
        "_tls_allow_invalid_hostnames",
        "_wait_queue_timeout",
    )

    def __init__(
        self,
        max_pool_size: int | None = MAX_POOL_SIZE,
        min_pool_size: int = MIN_POOL_SIZE,
        max_idle_time_seconds: float | None = MAX_IDLE_TIME_SEC,
        connect_timeout: float | None = None,
        socket_timeout: float | None = None,
        wait_queue_timeout: float | None = WAIT_QUEUE_TIMEOUT,
        ssl_context: SSLContext | None = None,
        tls_allow_invalid_hostnames: bool = False,
        event_listeners: EventListeners | None = None,
        appname: str | None = None,
        driver: DriverInfo | None = None,
        compression_settings: CompressionSettings | None = None,
        max_connecting: int = MAX_CONNECTING,
        pause_enabled: bool = True,
        server_api: ServerApi | None = None,
        load_balanced: bool | None = None,
        credentials: MongoCredential | None = None,
        is_sync: bool | None = True,
    ) -> None:
        self._max_pool_size = max_pool_size
        self._min_pool_size = min_pool_size
        self._max_idle_time_seconds = max_idle_time_seconds
        self._connect_timeout = connect_timeout
        self._socket_timeout = socket_timeout
        self._wait_queue_timeout = wait_queue_timeout
        self._ssl_context = ssl_context
        self._tls_allow_invalid_hostnames = tls_allow_invalid_hostnames
        self._event_listeners = event_listeners or EventListeners()
        self._appname = appname
        self._compression_settings = compression_settings
        self._max_connecting = max_connecting
        self._pause_enabled = pause_enabled
        self._server_api = server_api
        self._load_balanced = load_balanced
        self._credentials = credentials
        self._is_sync = bool(is_sync)
        self._tls: Tls | None = None
        self._proxy: Proxy | None = None
        self._drivers: tuple[DriverInfo, ...] = () if driver is None else (driver,)
        self._metadata = self._describe()

    def _describe(self) -> dict[str, Any]:
        return client_metadata(
            appname=self._appname,
            drivers=self._drivers,
            is_sync=self._is_sync,
            has_c=has_c(),
            os=_os_facts(),
            platform=_interpreter(),
            env=environment(os.environ, os.path.exists(_DOCKER_MARK)),
        )

    def _reach_by(self, tls: Tls | None, proxy: Proxy | None) -> None:
        """Take from the client's options what PyMongo's options of pools do not tell."""
        self._proxy = proxy
        if tls is not None:
            self._tls = tls
            self._ssl_context = tls.context

    def _complete(self, credentials: MongoCredential | None, load_balanced: bool | None) -> None:
        """Take what options that DNS gives come to, before anything is connected."""
        self._credentials = credentials
        self._load_balanced = load_balanced

    def append_metadata(self, driver_info: DriverInfo) -> None:
        """Add a library to what connections opened from now on tell the server.

        A library that is already there is not added again.
        """
        if driver_info not in self._drivers:
            self._drivers = (*self._drivers, driver_info)
            self._metadata = self._describe()

    @property
    def non_default_options(self) -> dict[str, Any]:
        """The options of the pool that differ from their defaults, by their names in URIs."""
        options: dict[str, Any] = {}
        if self._max_pool_size != MAX_POOL_SIZE:
            options["maxPoolSize"] = self._max_pool_size
        if self._min_pool_size != MIN_POOL_SIZE:
            options["minPoolSize"] = self._min_pool_size
        if self._max_idle_time_seconds != MAX_IDLE_TIME_SEC:
            options["maxIdleTimeMS"] = _milliseconds(self._max_idle_time_seconds)
        if self._wait_queue_timeout != WAIT_QUEUE_TIMEOUT:
            options["waitQueueTimeoutMS"] = _milliseconds(self._wait_queue_timeout)
        if self._max_connecting != MAX_CONNECTING:
            options["maxConnecting"] = self._max_connecting
        return options

    @property
    def max_pool_size(self) -> float:
        """How many connections to one server may be open; 0 and None for no limit."""
        return cast("float", self._max_pool_size)

    @property
    def min_pool_size(self) -> int:
        """How many connections to one server are kept open."""
        return self._min_pool_size

    @property
    def max_connecting(self) -> int:
        """How many connections to one server may be opened at the same time."""
        return self._max_connecting

    @property
    def pause_enabled(self) -> bool:
        """Whether pools pause while their server is unknown."""
        return self._pause_enabled

    @property
    def max_idle_time_seconds(self) -> float | None:
        """How long a connection may be idle before it is closed, or None."""
        return self._max_idle_time_seconds

    @property
    def connect_timeout(self) -> float | None:
        """The time limit of opening a connection, or None."""
        return self._connect_timeout

    @property
    def socket_timeout(self) -> float | None:
        """The time limit of sending and receiving, or None."""
        return self._socket_timeout

    @property
    def wait_queue_timeout(self) -> float | None:
        """The time limit of waiting for a connection, or None."""
        return self._wait_queue_timeout

    @property
    def tls_allow_invalid_hostnames(self) -> bool:
        """Whether the server's certificate may be for another host."""
        return self._tls_allow_invalid_hostnames

    @property
    def appname(self) -> str | None:
        """The name the application gave itself, or None."""
        return self._appname

    @property
    def driver(self) -> DriverInfo | None:
        """The library built on the driver, as given to the client, or None."""
        return self._drivers[0] if self._drivers else None

    @property
    def metadata(self) -> dict[str, Any]:
        """The `client` document of the handshake."""
        return self._metadata.copy()

    @property
    def server_api(self) -> ServerApi | None:
        """The declared API version, or None."""
        return self._server_api

    @property
    def load_balanced(self) -> bool | None:
        """Whether the client talks to a load balancer."""
        return self._load_balanced


def _milliseconds(seconds: float | None) -> float | None:
    return None if seconds is None else seconds * 1000


known_as("mongodriver.pool_options", globals())
