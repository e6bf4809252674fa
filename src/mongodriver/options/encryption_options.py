"""The options of automatic encryption."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from ..values.errors import ConfigurationError
from ..values.public_names import known_as
from ..values.validators import validate_is_mapping

if TYPE_CHECKING:
    from ..values.encryption_options import KMSConnectContext

__all__ = ["AutoEncryptionOpts", "check_min_pymongocrypt"]

#: Of pymongocrypt: the first one that knows all of the options here (``string_opts``).
_MIN_PYMONGOCRYPT = (1, 19)
_IDLE = "--idleShutdownTimeoutSecs"


def check_min_pymongocrypt() -> None:
    """Raise ConfigurationError where pymongocrypt is missing, or too old."""
    require_pymongocrypt("client side encryption")
    from importlib.metadata import version

    found = version("pymongocrypt")
    numbers = tuple(int(part) for part in found.split(".")[:2] if part.isdigit())
    if numbers < _MIN_PYMONGOCRYPT:
        least = ".".join(map(str, _MIN_PYMONGOCRYPT))
        raise ConfigurationError(
            f"client side encryption requires pymongocrypt>={least}, found version {found}. "
            "Use python -m pip install --upgrade 'mongodriverx[encryption]' to upgrade."
        )


def require_pymongocrypt(what: str) -> None:
    """Raise ConfigurationError if pymongocrypt is not installed.

    :param what: needs it.
    """
    if find_spec("pymongocrypt") is None:
        raise ConfigurationError(
            f"{what} requires the pymongocrypt library: install a compatible version with: "
            "python -m pip install 'mongodriverx[encryption]'"
        )


class AutoEncryptionOpts:
    """Options of automatic encryption: ``auto_encryption_opts`` of a client.

    Automatic encryption is an enterprise only feature that only applies to operations on a
    collection. Automatic encryption is not supported for operations on a database or view, and
    operations that are not bypassed will result in error. To bypass automatic encryption for all
    operations, set ``bypass_auto_encryption=True``: what is received is still decrypted.

    It requires the authenticated user to have the listCollections privilege action. If automatic
    encryption fails on an operation, use a client with ``bypass_auto_encryption=True``
    and `ClientEncryption.encrypt`.

    :param kms_providers: credentials by key management service: "aws", "azure", "gcp", "kmip",
        "local", or one of them with a name ("local:mine"). Empty credentials of the first three
        are looked up where the program runs, when they are needed.
    :param key_vault_namespace: "database.collection" of the data keys.
    :param key_vault_client: reads the data keys; None: the client itself, or one like it.
    :param schema_map: JSON schemas by namespace. Supplying one provides more security than relying
        on JSON schemas obtained from the server. It protects against a malicious server advertising
        a false JSON schema, which could trick the client into sending unencrypted data that should
        be encrypted. Schemas supplied here only apply to configuring automatic encryption; other
        validation rules in them will not be enforced by the driver and will result in an error.
    :param bypass_auto_encryption: encrypt nothing.
    :param mongocryptd_uri: where the process that analyses commands listens.
    :param mongocryptd_bypass_spawn: do not start that process.
    :param mongocryptd_spawn_path: its program.
    :param mongocryptd_spawn_args: its arguments; it ends after a minute without use if they do not
        say otherwise.
    :param kms_tls_options: TLS options of clients by key management service.
    :param crypt_shared_lib_path: of the library that analyses commands instead of a process. All
        clients in one process should use the same, as no two can be loaded.
    :param crypt_shared_lib_required: refuse to go on without that library.
    :param bypass_query_analysis: encrypt nothing but what indexed queryable encryption needs for
        values that were encrypted explicitly; neither process nor library are needed then.
    :param encrypted_fields_map: ``encryptedFields`` by namespace. Supplying one provides more
        security than relying on an ``encryptedFields`` obtained from the server.
    :param key_expiration_ms: how long data keys are kept in memory; None: a minute, 0: for ever.
    :param kms_connect_callback: connects with a key management service, given a
        `KMSConnectContext`: returns a connected socket that does not speak TLS yet, such as
        `HTTPProxyKMSConnect` does. Of an asynchronous client it may be a coroutine function.
    :raises ConfigurationError: without pymongocrypt; TypeError: for arguments of wrong types.

    If the client's ``maxPoolSize`` is not 0 and either no `key_vault_client` is given or
    `bypass_auto_encryption` is False, a second client with the same options reads keys and
    schemas. Encryption makes the batches of writes smaller, 2 MiB at most.
    """

    def __init__(
        self,
        kms_providers: Mapping[str, Any],
        key_vault_namespace: str,
        key_vault_client: Any = None,
        schema_map: Mapping[str, Any] | None = None,
        bypass_auto_encryption: bool = False,
        mongocryptd_uri: str = "mongodb://localhost:27020",
        mongocryptd_bypass_spawn: bool = False,
        mongocryptd_spawn_path: str = "mongocryptd",
        mongocryptd_spawn_args: list[str] | None = None,
        kms_tls_options: Mapping[str, Any] | None = None,
        crypt_shared_lib_path: str | None = None,
        crypt_shared_lib_required: bool = False,
        bypass_query_analysis: bool = False,
        encrypted_fields_map: Mapping[str, Any] | None = None,
        key_expiration_ms: int | None = None,
        kms_connect_callback: Callable[[KMSConnectContext], Any] | None = None,
    ) -> None:
        check_min_pymongocrypt()
        if encrypted_fields_map:
            validate_is_mapping("encrypted_fields_map", encrypted_fields_map)
        check_connect_callback(kms_connect_callback)
        self._encrypted_fields_map = encrypted_fields_map
        self._crypt_shared_lib_path = crypt_shared_lib_path
        self._crypt_shared_lib_required = crypt_shared_lib_required
        self._kms_providers = kms_providers
        self._key_vault_namespace = key_vault_namespace
        self._key_vault_client = key_vault_client
        self._schema_map = schema_map
        self._bypass_auto_encryption = bypass_auto_encryption
        self._mongocryptd_uri = mongocryptd_uri
        self._mongocryptd_bypass_spawn = mongocryptd_bypass_spawn
        self._mongocryptd_spawn_path = mongocryptd_spawn_path
        self._mongocryptd_spawn_args = _spawn_args(mongocryptd_spawn_args)
        self._kms_tls_options = kms_tls_options
        self._bypass_query_analysis = bypass_query_analysis
        self._key_expiration_ms = key_expiration_ms
        self._kms_connect_callback = kms_connect_callback


def check_connect_callback(callback: Any) -> None:
    """Raise TypeError for what is no ``kms_connect_callback``."""
    if callback is not None and not callable(callback):
        raise TypeError(f"kms_connect_callback must be callable, not {type(callback)}")


def _spawn_args(given: list[str] | None) -> list[str]:
    if given is None:
        given = []
    if not isinstance(given, list):
        raise TypeError(f"mongocryptd_spawn_args must be a list, not {type(given)}")
    if not any(arg.startswith(_IDLE) for arg in given):
        given.append(f"{_IDLE}=60")  # to the user's own list, as PyMongo does
    return given


known_as("mongodriver.encryption_options", globals())
