"""What the parts of the core need of a client's options, as plain values.

Times are in seconds, None for no limit.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from time import monotonic
from typing import TYPE_CHECKING, Any

from ..cmap.failures import Limits
from ..options.client_metadata import faas_name
from ..sdam.topology_description import TopologySettings
from ..values.limits import CONNECT_TIMEOUT, SRV_SERVICE_NAME
from ..values.server_selectors import any_server_selector

if TYPE_CHECKING:
    from ..io.base import Address, Backend
    from ..options.client_options import ClientOptions
    from ..options.connection_string import ParsedURI
    from ..options.srv import SrvName
    from ..sdam.srv_monitor import SrvMonitor


class PoolSettings:
    """Limits of a pool; times in seconds, 0 connections or None for no limit."""

    __slots__ = (
        "event_options",
        "load_balanced",
        "max_connecting",
        "max_idle_time",
        "max_size",
        "min_size",
        "wait_queue_timeout",
    )

    def __init__(
        self,
        max_size: int | None = 100,
        min_size: int = 0,
        max_connecting: int = 2,
        max_idle_time: float | None = None,
        wait_queue_timeout: float | None = None,
        load_balanced: bool = False,
        event_options: dict[str, Any] | None = None,
    ) -> None:
        self.max_size: float = max_size or float("inf")
        self.min_size = min_size
        self.max_connecting = max_connecting
        self.max_idle_time = max_idle_time
        self.wait_queue_timeout = wait_queue_timeout
        self.load_balanced = load_balanced
        self.event_options = event_options or {}


class ExecutorSettings:
    """What the client's options say about every operation; times in seconds, None for no limit."""

    __slots__ = (
        "adaptive_retries",
        "limits",
        "overload_retargeting",
        "retry_reads",
        "retry_writes",
        "selection_timeout",
        "socket_timeout",
        "timeout",
    )

    def __init__(
        self,
        retry_reads: bool = True,
        retry_writes: bool = True,
        selection_timeout: float = 30.0,
        socket_timeout: float | None = None,
        connect_timeout: float | None = 20.0,
        adaptive_retries: int = 2,
        overload_retargeting: bool = False,
        timeout: float | None = None,
    ) -> None:
        self.retry_reads = retry_reads
        self.retry_writes = retry_writes
        self.selection_timeout = selection_timeout
        self.socket_timeout = socket_timeout
        #: Repetitions of operations an overloaded server has shed, where their retries are on.
        self.adaptive_retries = adaptive_retries
        #: Repeat what an overloaded server has shed on another one, where there is one.
        self.overload_retargeting = overload_retargeting
        #: Of a whole operation.
        self.timeout = timeout
        self.limits = Limits(socket_timeout, connect_timeout)


class MonitorSettings:
    """What all monitors of a client have in common; times in seconds.

    :param hello_command: builds the body of the command from whether the server knows its name
        of today, and the topologyVersion to wait beyond (None: answer at once).
    :param connect_timeout: None for no limit.
    :param streaming: whether answers may be streamed.
    """

    __slots__ = ("connect_timeout", "heartbeat_frequency", "hello_command", "streaming")

    def __init__(
        self,
        hello_command: Callable[[bool, Any], dict[str, Any]],
        heartbeat_frequency: float = 10.0,
        connect_timeout: float | None = 20.0,
        streaming: bool = True,
    ) -> None:
        self.hello_command = hello_command
        self.heartbeat_frequency = heartbeat_frequency
        self.connect_timeout = connect_timeout
        self.streaming = streaming

    def deadline(self, awaiting: bool) -> float | None:
        """When to give up on an answer that is asked for now."""
        if self.connect_timeout is None:
            return None
        wait = self.heartbeat_frequency if awaiting else 0.0
        return monotonic() + self.connect_timeout + wait


def sorted_seeds(seeds: Iterable[Address]) -> tuple[Address, ...]:
    """Seeds in an order that does not change from run to run."""
    return tuple(sorted(seeds, key=str))


def topology_settings(
    options: ClientOptions, seeds: tuple[Address, ...], srv: ParsedURI | None = None
) -> TopologySettings:
    """The part of the options the topology needs.

    :param srv: what the seeds were looked up by.
    """
    selector: Any = options.server_selector
    return TopologySettings(
        seeds=seeds,
        fqdn=None if srv is None else srv.fqdn,
        srv_service_name=SRV_SERVICE_NAME if srv is None else srv.srv_service_name,
        srv_max_hosts=0 if srv is None else srv.srv_max_hosts,
        replica_set_name=options.replica_set_name,
        direct_connection=options.direct_connection,
        load_balanced=options.load_balanced,
        heartbeat_frequency=options.heartbeat_frequency,
        local_threshold_ms=options.local_threshold_ms,
        server_selection_timeout=options.server_selection_timeout,
        # The default selector selects everything: None lets the topology skip it.
        server_selector=None if selector is any_server_selector else selector,
        server_monitoring_mode=options.server_monitoring_mode,
        fail_fast=options._server_selection_fail_fast,
    )


def pool_settings(options: ClientOptions) -> PoolSettings:
    """The part of the options the pools need."""
    pool_options = options.pool_options
    return PoolSettings(
        max_size=pool_options._max_pool_size,
        min_size=pool_options.min_pool_size,
        max_connecting=pool_options.max_connecting,
        max_idle_time=pool_options.max_idle_time_seconds,
        wait_queue_timeout=pool_options.wait_queue_timeout,
        load_balanced=bool(options.load_balanced),
        event_options=pool_options.non_default_options,
    )


def executor_settings(options: ClientOptions) -> ExecutorSettings:
    """The part of the options the executor needs."""
    return ExecutorSettings(
        retry_reads=options.retry_reads,
        retry_writes=options.retry_writes,
        selection_timeout=options.server_selection_timeout,
        socket_timeout=options.pool_options.socket_timeout,
        connect_timeout=options.pool_options.connect_timeout,
        adaptive_retries=options.max_adaptive_retries,
        overload_retargeting=options.enable_overload_retargeting,
        timeout=options.timeout,
    )


def monitor_settings(
    options: ClientOptions, hello_command: Callable[[bool, Any], dict[str, Any]]
) -> MonitorSettings:
    """The part of the options the monitors need."""
    return MonitorSettings(
        hello_command,
        options.heartbeat_frequency,
        options.pool_options.connect_timeout,
        streaming=streaming_allowed(options.server_monitoring_mode),
    )


def srv_monitor(options: ClientOptions, name: SrvName, ttl: float, backend: Backend) -> SrvMonitor:
    """What asks DNS again for the hosts of a client."""
    from ..sdam.srv_monitor import SrvMonitor

    return SrvMonitor(
        name.query,
        name.believed,
        ttl,
        options.pool_options.connect_timeout or CONNECT_TIMEOUT,
        options.heartbeat_frequency,
        backend,
    )


def streaming_allowed(mode: str) -> bool:
    """Whether monitors may stream: not in mode poll, in auto not on a FaaS platform."""
    if mode == "auto":
        return faas_name(os.environ) is None
    return mode == "stream"
