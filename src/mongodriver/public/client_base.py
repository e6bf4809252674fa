"""What a client is, apart from what it can do: options, children, comparison."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, Generic, NoReturn, TypeVar

from bsonx._impl import run_coroutine
from mongodriver.client.client import Client
from mongodriver.client.other_vendors import log_other_vendors
from mongodriver.execution.timeouts import current_deadline
from mongodriver.ops.cursor import ReadTarget
from mongodriver.options.client_options import ClientOptions
from mongodriver.sdam.topology_rules import TOPOLOGY_TYPE
from mongodriver.values.errors import ConfigurationError
from mongodriver.values.inherited_options import BaseObject
from mongodriver.values.limits import SRV_SERVICE_NAME
from mongodriver.values.session_options import SessionOptions

from ..options.client_arguments import client_arguments, shown_options

if TYPE_CHECKING:
    from bsonx._documents import Document
    from bsonx.codec_options import CodecOptions, TypeRegistry
    from bsonx.timestamp import Timestamp
    from mongodriver.topology_description import TopologyDescription
    from mongodriver.values.read_concern import ReadConcern
    from mongodriver.values.read_preferences import _ServerMode
    from mongodriver.values.session_options import TransactionOptions
    from mongodriver.values.write_concern import WriteConcern

__all__ = ["ClientBase"]

DocumentT = TypeVar("DocumentT", bound="Document")
#: The database of the flavour, of these documents, and its session.
DatabaseT = TypeVar("DatabaseT")
SessionT = TypeVar("SessionT")

Address = tuple[str, int | None]

_MAX_FRAMES = 20

#: Of a connection string that stands in a line of source code.
_USER_INFO = r"//[^\s/@]*:[^\s@]*@"


class CallSite:
    """Where a client was made, kept as line numbers and put into words only when asked."""

    __slots__ = ("_frames",)

    def __init__(self, depth: int) -> None:
        frames: list[tuple[str, int, str]] = []
        frame = sys._getframe(depth) if hasattr(sys, "_getframe") else None
        while frame is not None and len(frames) < _MAX_FRAMES:
            code = frame.f_code
            frames.append((code.co_filename, frame.f_lineno, code.co_name))
            frame = frame.f_back
        self._frames = frames

    def __str__(self) -> str:
        getline = _getline()
        lines = []
        for filename, number, name in reversed(self._frames):
            source = re.sub(_USER_INFO, "//<redacted>@", getline(filename, number).strip())
            lines.append(f'  File "{filename}", line {number}, in {name}\n')
            if source:
                lines.append(f"    {source}\n")
        return "".join(lines)


def _getline() -> Callable[[str, int], str]:
    """Reads lines of source code; at the interpreter's end only if that was loaded before.

    An import would then wait for ever for a thread that stands still in the middle of one.
    """
    if sys.is_finalizing():
        return _line_at_the_end
    from linecache import getline  # only for warnings

    return getline


def _line_at_the_end(filename: str, number: int) -> str:
    linecache = sys.modules.get("linecache")
    # From 3.13 on it imports these for each file.
    needed = ("os", "sys", "tokenize") if sys.version_info >= (3, 13) else ()
    if linecache is None or not all(map(sys.modules.get, needed)):
        return ""
    try:
        return str(linecache.getline(filename, number))
    except TypeError:  # it looks for the file along sys.path, which is taken away before it
        return ""


class ClientBase(BaseObject, Generic[DocumentT, DatabaseT, SessionT]):
    """A client's options and its core. It is shared freely; everything is made from it."""

    HOST = "localhost"
    PORT = 27017

    #: The classes of this flavour that a client makes.
    _database_class: ClassVar[Any]
    #: Makes the backend of this flavour.
    _backend: ClassVar[Callable[..., Any]]
    #: Whether it blocks; then the constructor itself may start monitoring.
    _is_sync: ClassVar[bool]

    @staticmethod
    def _session_class() -> Any:
        """Import and return its class of sessions, which few programs need."""
        raise NotImplementedError

    def __init__(
        self,
        host: str | Sequence[str] | None = None,
        port: int | None = None,
        document_class: type[DocumentT] | None = None,
        tz_aware: bool | None = None,
        connect: bool | None = None,
        type_registry: TypeRegistry | None = None,
        **kwargs: Any,
    ) -> None:
        """`host` is a host name, a connection string, or a list of them; `port` is for hosts that
        have none.

        Options are keyword arguments, or part of a connection string if they are of text; case
        does not matter. Keyword arguments come before the string. Names that end in MS are times
        in milliseconds.

        Servers:

        - ``directConnection``: talk to the given server alone, whatever it is part of.
        - ``replicaSet``: the name the replica set must have.
        - ``loadBalanced``: a load balancer stands before the servers.
        - ``serverSelectionTimeoutMS`` (30000): how long an operation waits for a suitable server.
        - ``serverSelectionFailFast`` (True): not where waiting is in vain.
        - ``localThresholdMS`` (15): how much slower than the nearest a server may be.
        - ``heartbeatFrequencyMS`` (10000): how often servers are asked for their state.
        - ``serverMonitoringMode`` ("auto"): "stream" has them tell of changes, "poll" has not.
        - ``server_selector``: a function that picks of the suitable servers.
        - ``srvServiceName``, ``srvMaxHosts``, ``srvAllowedHostsSuffix``, ``srv_host_validator``: of
          hosts from DNS, "mongodb+srv://".

        Connections:

        - ``maxPoolSize`` (100; 0 for any number), ``minPoolSize`` (0), ``maxConnecting`` (2),
          ``maxIdleTimeMS``, ``waitQueueTimeoutMS``: of the pool of each server.
        - ``connectTimeoutMS`` (20000), ``socketTimeoutMS``: of opening one and of each reply.
        - ``timeoutMS``: of an operation as a whole, with all it waits for.
        - ``compressors`` ("zstd,snappy,zlib": what is offered), ``zlibCompressionLevel``.
        - ``proxyHost``, ``proxyPort``, ``proxyUsername``, ``proxyPassword``: a SOCKS5 proxy.
        - ``appname``, ``driver`` (`DriverInfo`): what the server's log shows.
        - ``server_api``: a `ServerApi`, the version of commands.

        TLS:

        - ``tls`` or ``ssl``: encrypt.
        - ``tlsCAFile``, ``tlsCRLFile``, ``tlsCertificateKeyFile``,
          ``tlsCertificateKeyFilePassword``: files in PEM format.
        - ``tlsAllowInvalidCertificates``, ``tlsAllowInvalidHostnames``, ``tlsInsecure`` (both):
          trust whoever answers.
        - ``tlsDisableOCSPEndpointCheck``: do not ask whether a certificate was revoked.

        Login:

        - ``username``, ``password``, ``authSource``: who, and in which database.
        - ``authMechanism``, ``authMechanismProperties``: how; see docs/authentication.md.

        Reads and writes:

        - ``readPreference``, ``readPreferenceTags``, ``maxStalenessSeconds``, or
          ``read_preference`` as an object: which members answer reads.
        - ``readConcernLevel``: what reads may see.
        - ``w``, ``wTimeoutMS``, ``journal``, ``fsync``: how writes are acknowledged.
        - ``retryReads``, ``retryWrites`` (True): once more after a network error.
        - ``maxAdaptiveRetries`` (2), ``enableOverloadRetargeting``, also with underscores as
          ``max_adaptive_retries`` and ``enable_overload_retargeting``: of what an overloaded server
          refuses, and whether another server is asked then.

        Documents:

        - ``document_class``, ``tz_aware``, ``type_registry``, ``tzinfo``,
          ``uuidRepresentation``, ``unicode_decode_error_handler``, ``datetime_conversion``: see
          `bsonx.codec_options.CodecOptions`.
        - ``auto_encryption_opts``: `AutoEncryptionOpts`, to encrypt fields automatically.

        Programs:

        - ``connect`` (True): look for the servers at once.
        - ``event_listeners``: listeners of `mongodriver.monitoring`.
        - ``tracing``: OpenTelemetry; see docs/monitoring.md.
        - ``trio_nursery``: for what an `AsyncMongoClient` runs in the background; see docs/trio.md.
        """
        arguments = client_arguments(
            self.HOST if host is None else host,
            self.PORT if port is None else port,
            document_class,
            tz_aware,
            connect,
            type_registry,
            kwargs,
        )
        options = ClientOptions(
            arguments.username,
            arguments.password,
            arguments.database,
            arguments.options,
            is_sync=self._is_sync,
        )
        super().__init__(
            options.codec_options,
            options.read_preference,
            options.write_concern,
            options.read_concern,
        )
        self._options = options
        self._srv = arguments.srv
        self._default_database_name = arguments.database
        nursery = options.trio_nursery
        self._core = core = Client(
            options,
            arguments.seeds,
            type(self)._backend() if nursery is None else type(self)._backend(nursery),
            name=type(self).__name__,
            opened_at=CallSite(2),
            srv=arguments.srv,
        )
        log_other_vendors(host for host, _ in arguments.seeds)
        if options.auto_encryption_opts is not None:
            from mongodriver.crypt.auto import auto_cipher  # of an optional library

            core.executor.cipher = auto_cipher(core, options.auto_encryption_opts, self._srv)
        if options.connect and self._is_sync:
            run_coroutine(core.ready(current_deadline(options.timeout)))

    # -- the deployment --

    @staticmethod
    def _topology_class() -> Any:
        """Import and return its class of topologies, which few programs need."""
        raise NotImplementedError

    @cached_property
    def _topology(self) -> Any:
        """The deployment, for libraries that look behind the client."""
        *_, fqdn, service = self.eq_props()
        return self._topology_class()._of(self._core, fqdn, service)

    @property
    def topology_description(self) -> TopologyDescription:
        """What is known of the deployment, without asking it."""
        return self._core.description

    @property
    def nodes(self) -> frozenset[Address]:
        """Addresses of the servers known so far; empty before the first use."""
        servers = self._core.description.known_servers
        return frozenset(server.address for server in servers)

    def _members(self, server_type: int) -> set[Address]:
        """Addresses of a replica set's known members of one type."""
        description = self._core.description
        if description.topology_type not in (
            TOPOLOGY_TYPE.ReplicaSetWithPrimary,
            TOPOLOGY_TYPE.ReplicaSetNoPrimary,
        ):
            return set()
        servers = description.server_descriptions().values()
        return {server.address for server in servers if server.server_type == server_type}

    def _reading(self) -> ReadTarget:
        """The target of reads of the whole deployment."""
        return ReadTarget(
            "admin", "", self._codec_options, self._read_preference, self._read_concern
        )

    # -- public --

    @property
    def options(self) -> ClientOptions:
        """The client's options."""
        return self._options

    def eq_props(
        self,
    ) -> tuple[tuple[Address, ...], str | None, str | None, str]:
        """Return what makes two clients equal: seeds, replica set name, SRV name and service."""
        srv = self._srv
        return (
            tuple(sorted(self._core.seeds, key=str)),
            self._options.replica_set_name,
            None if srv is None else srv.fqdn,
            SRV_SERVICE_NAME if srv is None else srv.srv_service_name,
        )

    def start_session(
        self,
        causal_consistency: bool | None = None,
        default_transaction_options: TransactionOptions | None = None,
        snapshot: bool | Timestamp | None = False,
    ) -> SessionT:
        """Start a session; no I/O.

        :param causal_consistency: reads see what the session has done before; the default.
        :param default_transaction_options: `TransactionOptions` of its transactions.
        :param snapshot: all reads see the data of one point in time: a `Timestamp`, or with True
            that of the first read.
        :raises ConfigurationError: for options that contradict each other.
        """
        options = SessionOptions(causal_consistency, default_transaction_options, snapshot)
        core = self._core.start_session(
            options.causal_consistency, bool(options.snapshot), options.snapshot_time
        )
        session: SessionT = self._session_class()(self, core, options, False)
        return session

    def get_database(
        self,
        name: str | None = None,
        codec_options: CodecOptions[Any] | None = None,
        read_preference: _ServerMode | None = None,
        write_concern: WriteConcern | None = None,
        read_concern: ReadConcern | None = None,
    ) -> Any:
        """Return a database with options of its own; None takes the client's.

        :param name: left out, the database of the connection string.
        :raises ConfigurationError: if there is neither.
        """
        if name is None:
            if self._default_database_name is None:
                raise ConfigurationError("No default database defined")
            name = self._default_database_name
        return self._database_class(
            self, name, codec_options, read_preference, write_concern, read_concern
        )

    def get_default_database(
        self,
        default: str | None = None,
        codec_options: CodecOptions[Any] | None = None,
        read_preference: _ServerMode | None = None,
        write_concern: WriteConcern | None = None,
        read_concern: ReadConcern | None = None,
    ) -> Any:
        """Return the database of the connection string, or `default` if it names none."""
        name = self._default_database_name or default
        if name is None:
            raise ConfigurationError("No default database name defined or provided.")
        return self._database_class(
            self, name, codec_options, read_preference, write_concern, read_concern
        )

    def __getattr__(self, name: str) -> DatabaseT:
        if name.startswith("_"):
            raise AttributeError(
                f"{type(self).__name__} has no attribute {name!r}. To access the {name}"
                f" database, use client[{name!r}]."
            )
        database: DatabaseT = self._database_class(self, name)
        return database

    def __getitem__(self, name: str) -> DatabaseT:
        database: DatabaseT = self._database_class(self, name)
        return database

    def __repr__(self) -> str:
        discovery = self._core.discovery
        fqdn = None if discovery is None else discovery.name.fqdn
        shown = ", ".join(shown_options(self._core.seeds, self._options, fqdn))
        return f"{type(self).__name__}({shown})"

    def __eq__(self, other: object) -> bool:
        if isinstance(other, type(self)):
            return self.eq_props() == other.eq_props()
        return NotImplemented

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        return hash(self.eq_props())

    # A class with __getitem__ would be iterable by index otherwise.
    __iter__ = None

    def __next__(self) -> NoReturn:
        raise TypeError(f"'{type(self).__name__}' object is not iterable")

    next = __next__
