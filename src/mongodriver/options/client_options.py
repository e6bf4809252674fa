"""The options of a client."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from bsonx.binary import UuidRepresentation
from bsonx.codec_options import CodecOptions, DatetimeConversion
from mongodriver.events.listeners import EventListeners
from mongodriver.options.compressors import CompressionSettings
from mongodriver.options.pool_options import PoolOptions
from mongodriver.options.uri_options import CaseInsensitiveDict
from mongodriver.values import limits
from mongodriver.values.errors import ConfigurationError
from mongodriver.values.proxy import DEFAULT_PROXY_PORT, MAX_PROXY_LOGIN, Proxy
from mongodriver.values.public_names import known_as
from mongodriver.values.read_concern import DEFAULT_READ_CONCERN, ReadConcern
from mongodriver.values.read_preferences import (
    _ServerMode,
    make_read_preference,
    read_pref_mode_from_name,
)
from mongodriver.values.server_selectors import any_server_selector
from mongodriver.values.write_concern import WriteConcern

if TYPE_CHECKING:
    from collections.abc import Callable

    from mongodriver.auth.credentials import MongoCredential
    from mongodriver.events.listeners import _EventListener
    from mongodriver.io.tls import Tls
    from mongodriver.options.encryption_options import AutoEncryptionOpts
    from mongodriver.values.server_description import ServerDescription

    _ServerSelector = Callable[[list[ServerDescription]], list[ServerDescription]]

__all__ = ["ClientOptions"]

# Options that only make sense with TLS, in the order an error lists them. The second group asks
# for TLS only where it is False.
_TLS_FILES = (
    "tlscertificatekeyfile",
    "tlscertificatekeyfilepassword",
    "tlscafile",
    "tlscrlfile",
)
_TLS_CHECKS = (
    "tlsallowinvalidcertificates",
    "tlsallowinvalidhostnames",
    "tlsdisableocspendpointcheck",
)


def _codec_options(options: Mapping[str, Any]) -> CodecOptions[Any]:
    return CodecOptions(
        document_class=options.get("document_class", dict),
        tz_aware=options.get("tz_aware", False),
        uuid_representation=options.get("uuidrepresentation", UuidRepresentation.UNSPECIFIED),
        unicode_decode_error_handler=options.get("unicode_decode_error_handler", "strict"),
        tzinfo=options.get("tzinfo"),
        type_registry=options.get("type_registry"),
        datetime_conversion=options.get("datetime_conversion", DatetimeConversion.DATETIME),
    )


def _read_preference(options: Mapping[str, Any]) -> _ServerMode:
    given: _ServerMode | None = options.get("read_preference")
    if given is not None:
        return given
    return make_read_preference(
        read_pref_mode_from_name(options.get("readpreference", "primary")),
        options.get("readpreferencetags"),
        options.get("maxstalenessseconds", -1),
    )


def _write_concern(options: Mapping[str, Any]) -> WriteConcern:
    return WriteConcern(
        options.get("w"),
        options.get("wtimeoutms"),
        options.get("journal"),
        options.get("fsync"),
    )


def _credential(
    options: Mapping[str, Any], username: str | None, password: str | None, database: str | None
) -> MongoCredential | None:
    mechanism = options.get("authmechanism", "DEFAULT" if username else None)
    if not username and mechanism is None:
        return None
    from mongodriver.auth.credentials import build_credential

    return build_credential(
        mechanism,
        options.get("authsource"),
        username,
        password,
        options.get("authmechanismproperties"),
        database,
    )


def _tls(options: Mapping[str, Any]) -> Tls | None:
    """Return the TLS that the options ask for, or None for plain connections."""
    asked = [name for name in _TLS_FILES if options.get(name)]
    asked += [name for name in _TLS_CHECKS if options.get(name) is False]
    enabled = options.get("tls")
    if enabled is None:
        enabled = bool(asked)
    if not enabled:
        if asked:
            raise ConfigurationError(
                "TLS has not been enabled but the following tls parameters have been set: "
                f"{', '.join(asked)}. Please set `tls=True` or remove."
            )
        return None
    # Here, because a client without TLS needs neither the module nor OpenSSL.
    from mongodriver.io.tls import make_context, make_tls

    context = make_context(
        certificate_key_file=options.get("tlscertificatekeyfile"),
        password=options.get("tlscertificatekeyfilepassword"),
        ca_file=options.get("tlscafile"),
        crl_file=options.get("tlscrlfile"),
        allow_invalid_certificates=options.get("tlsallowinvalidcertificates", False),
        allow_invalid_hostnames=options.get("tlsallowinvalidhostnames", False),
    )
    disabled = options.get("tlsdisableocspendpointcheck")
    if options.get("tlsinsecure") is False:
        disabled = None  # it stands for what is the case without it
    if disabled is None and options.get("tlscrlfile"):
        disabled = True  # the list says all that is to be known
    return make_tls(context, None if disabled is None else not disabled)


def _proxy(options: Mapping[str, Any]) -> Proxy | None:
    """Return the proxy the options ask for (socks5-support); empty ones ask for nothing."""
    host = options.get("proxyhost")
    if not host:
        for name in ("proxyPort", "proxyUsername", "proxyPassword"):
            if options.get(name):
                raise ConfigurationError(f"{name} requires proxyHost")
        return None
    username, password = (options.get(f"proxy{name}") or None for name in ("username", "password"))
    if (username is None) is not (password is None):
        raise ConfigurationError("proxyUsername and proxyPassword require each other")
    for name, value in (("proxyUsername", username), ("proxyPassword", password)):
        if value is not None and len(value.encode()) > MAX_PROXY_LOGIN:
            raise ConfigurationError(f"{name} must be at most {MAX_PROXY_LOGIN} bytes long")
    return Proxy(host, options.get("proxyport") or DEFAULT_PROXY_PORT, username, password)


def _pool_options(
    options: Mapping[str, Any], credential: MongoCredential | None, is_sync: bool
) -> PoolOptions:
    max_size = options.get("maxpoolsize", limits.MAX_POOL_SIZE)
    min_size = options.get("minpoolsize", limits.MIN_POOL_SIZE)
    if max_size and min_size > max_size:
        raise ValueError("minPoolSize must be smaller or equal to maxPoolSize")
    pool_options = PoolOptions(
        max_size,
        min_size,
        options.get("maxidletimems", limits.MAX_IDLE_TIME_SEC),
        connect_timeout=options.get("connecttimeoutms", limits.CONNECT_TIMEOUT),
        socket_timeout=options.get("sockettimeoutms"),
        wait_queue_timeout=options.get("waitqueuetimeoutms", limits.WAIT_QUEUE_TIMEOUT),
        tls_allow_invalid_hostnames=options.get("tlsallowinvalidhostnames", False),
        event_listeners=EventListeners(options.get("event_listeners", ())),
        appname=options.get("appname"),
        driver=options.get("driver"),
        compression_settings=CompressionSettings(
            list(options.get("compressors", ())), options.get("zlibcompressionlevel", -1)
        ),
        max_connecting=options.get("maxconnecting", limits.MAX_CONNECTING),
        server_api=options.get("server_api"),
        load_balanced=options.get("loadbalanced"),
        credentials=credential,
        is_sync=is_sync,
    )
    pool_options._reach_by(_tls(options), _proxy(options))
    return pool_options


class ClientOptions:
    """The checked options of a client, read-only. All times are in seconds unless named MS.

    `options` are checked option values by name (case does not matter); `database` is the one of
    the connection string. Raises ConfigurationError, ValueError or TypeError if they do not go
    together.
    """

    def __init__(
        self,
        username: str | None,
        password: str | None,
        database: str | None,
        options: Mapping[str, Any],
        is_sync: bool = True,
    ) -> None:
        given = (
            options if isinstance(options, CaseInsensitiveDict) else CaseInsensitiveDict(options)
        )
        if is_sync and given.get("trio_nursery") is not None:
            raise ConfigurationError("trio_nursery is an option of AsyncMongoClient alone")
        self._options = given
        # In the order in which PyMongo finds faults.
        self._codec_options = _codec_options(given)
        self._login = username, password, database
        credential = _credential(given, *self._login)
        self._pool_options = _pool_options(given, credential, is_sync)
        self._read_preference = _read_preference(given)
        self._write_concern = _write_concern(given)
        level = given.get("readconcernlevel")
        self._read_concern = DEFAULT_READ_CONCERN if level is None else ReadConcern(level)

    def _complete(self, options: CaseInsensitiveDict) -> None:
        """Take the options as they are with those that DNS gives, before anything is connected."""
        credential = _credential(options, *self._login)
        self._options = options
        self._pool_options._complete(credential, options.get("loadbalanced"))

    @property
    def _credentials(self) -> MongoCredential | None:
        return self._pool_options._credentials

    @property
    def codec_options(self) -> CodecOptions[Any]:
        """How documents are encoded and decoded."""
        return self._codec_options

    @property
    def pool_options(self) -> PoolOptions:
        """The options of connections and their pools."""
        return self._pool_options

    @property
    def connect(self) -> bool | None:
        """Whether to look for the servers at once; None for the default."""
        connect: bool | None = self._options.get("connect")
        return connect

    @property
    def direct_connection(self) -> bool | None:
        """Whether to talk to the given server alone, whatever it is part of."""
        direct: bool | None = self._options.get("directconnection")
        return direct

    @property
    def local_threshold_ms(self) -> int:
        """The width of the latency window, in milliseconds."""
        threshold: int = self._options.get("localthresholdms", limits.LOCAL_THRESHOLD_MS)
        return threshold

    @property
    def server_selection_timeout(self) -> int:
        """How long an operation waits for a suitable server."""
        timeout: int = self._options.get(
            "serverselectiontimeoutms", limits.SERVER_SELECTION_TIMEOUT
        )
        return timeout

    @property
    def _server_selection_fail_fast(self) -> bool:
        """Whether selection ends at once where waiting for a server is in vain."""
        fail_fast: bool = self._options.get("serverselectionfailfast", True)
        return fail_fast

    @property
    def server_selector(self) -> _ServerSelector:
        """The application's own choice among suitable servers."""
        selector: _ServerSelector = self._options.get("server_selector", any_server_selector)
        return selector

    @property
    def heartbeat_frequency(self) -> int:
        """The interval of server checks."""
        frequency: int = self._options.get("heartbeatfrequencyms", limits.HEARTBEAT_FREQUENCY)
        return frequency

    @property
    def replica_set_name(self) -> str | None:
        """The name the replica set must have, or None."""
        name: str | None = self._options.get("replicaset")
        return name

    @property
    def read_preference(self) -> _ServerMode:
        """Which members answer reads."""
        return self._read_preference

    @property
    def write_concern(self) -> WriteConcern:
        """How writes are acknowledged."""
        return self._write_concern

    @property
    def read_concern(self) -> ReadConcern:
        """What reads may see."""
        return self._read_concern

    @property
    def timeout(self) -> float | None:
        """The time limit of whole operations (timeoutMS), or None."""
        timeout: float | None = self._options.get("timeoutms")
        return timeout

    @property
    def retry_writes(self) -> bool:
        """Whether writes are tried again after a network error."""
        retry: bool = self._options.get("retrywrites", limits.RETRY_WRITES)
        return retry

    @property
    def retry_reads(self) -> bool:
        """Whether reads are tried again after a network error."""
        retry: bool = self._options.get("retryreads", limits.RETRY_READS)
        return retry

    @property
    def auto_encryption_opts(self) -> AutoEncryptionOpts | None:
        """The options of automatic encryption, or None."""
        given: AutoEncryptionOpts | None = self._options.get("auto_encryption_opts")
        return given

    @property
    def tracing(self) -> Mapping[str, Any] | None:
        """What was given as ``tracing``, or None; see `mongodriver.options.tracing`."""
        tracing: Mapping[str, Any] | None = self._options.get("tracing")
        return tracing

    @property
    def trio_nursery(self) -> Any:
        """The nursery for what runs in the background, or None."""
        return self._options.get("trio_nursery")

    @property
    def load_balanced(self) -> bool | None:
        """Whether the client talks to a load balancer."""
        balanced: bool | None = self._options.get("loadbalanced")
        return balanced

    @property
    def event_listeners(self) -> Sequence[_EventListener]:
        """The listeners: those registered for all clients, then this client's own."""
        return self._pool_options._event_listeners.event_listeners()

    @property
    def server_monitoring_mode(self) -> str:
        """How servers are checked: "auto", "stream" or "poll"."""
        mode: str = self._options.get("servermonitoringmode", limits.SERVER_MONITORING_MODE)
        return mode

    @property
    def max_adaptive_retries(self) -> int:
        """How often an operation is tried again because the server was overloaded."""
        retries: int = self._first(
            "max_adaptive_retries", "maxadaptiveretries", limits.MAX_ADAPTIVE_RETRIES
        )
        return retries

    @property
    def enable_overload_retargeting(self) -> bool:
        """Whether an operation an overloaded server refused goes to another server."""
        enabled: bool = self._first(
            "enable_overload_retargeting",
            "enableoverloadretargeting",
            limits.ENABLE_OVERLOAD_RETARGETING,
        )
        return enabled

    def _first(self, name: str, other: str, default: Any) -> Any:
        return self._options.get(name, self._options.get(other, default))


known_as("mongodriver.client_options", globals())
