"""What a client encryption is, apart from what it can do: its options and its parts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar
from uuid import UUID

from bsonx import encode
from bsonx.binary import UUID_SUBTYPE, Binary
from bsonx.codec_options import CodecOptions
from bsonx.raw_bson import DEFAULT_RAW_BSON_OPTIONS
from mongodriver.options.encryption_options import check_connect_callback, require_pymongocrypt
from mongodriver.values.errors import InvalidOperation
from mongodriver.values.read_concern import ReadConcern
from mongodriver.values.write_concern import WriteConcern

if TYPE_CHECKING:
    from bsonx._documents import Document
    from mongodriver.client.client import Client
    from mongodriver.crypt.key_vault import KeyVault
    from mongodriver.values.encryption_options import KMSConnectContext, RangeOpts, StringOpts

__all__ = ["ClientEncryptionBase"]

DocumentT = TypeVar("DocumentT", bound="Document")


class ClientEncryptionBase(Generic[DocumentT]):
    """The options of explicit encryption, and what carries it out."""

    #: The classes of this flavour.
    _client_class: ClassVar[Any]
    _database_class: ClassVar[Any]
    _is_sync: ClassVar[bool]

    def __init__(
        self,
        kms_providers: Mapping[str, Any],
        key_vault_namespace: str,
        key_vault_client: Any,
        codec_options: CodecOptions[DocumentT],
        kms_tls_options: Mapping[str, Any] | None = None,
        key_expiration_ms: int | None = None,
        kms_connect_callback: Callable[[KMSConnectContext], Any] | None = None,
    ) -> None:
        require_pymongocrypt("client-side field level encryption")
        check_connect_callback(kms_connect_callback)
        if not isinstance(codec_options, CodecOptions):
            raise TypeError(
                "codec_options must be an instance of bson.codec_options.CodecOptions, "
                f"not {type(codec_options)}"
            )
        _check_class(self._client_class, key_vault_client)
        database, collection = key_vault_namespace.split(".", 1)
        self._codec_options = codec_options
        self._core: Client = key_vault_client._core
        self._key_vault = key_vault_client.get_database(database).get_collection(
            collection,
            codec_options=DEFAULT_RAW_BSON_OPTIONS,
            write_concern=WriteConcern("majority"),
            read_concern=ReadConcern("majority"),
        )
        from mongodriver.crypt.explicit import Explicit  # of an optional library

        self._explicit: Explicit | None = Explicit(
            self._is_sync,
            self._core,
            key_vault_namespace,
            kms_providers,
            kms_tls_options,
            key_expiration_ms,
            kms_connect_callback,
        )

    def _opened(self) -> Any:
        """What carries it out. Raises InvalidOperation once it is closed."""
        if self._explicit is None:
            name = "ClientEncryption" if self._is_sync else "AsyncClientEncryption"
            raise InvalidOperation(f"Cannot use closed {name}")
        return self._explicit

    def _keys(self) -> KeyVault:
        """The data keys. Raises InvalidOperation once it is closed."""
        vault: KeyVault = self._opened().vault
        return vault

    def _check_database(self, database: Any) -> None:
        _check_class(self._database_class, database)

    def _encrypt_arguments(
        self,
        algorithm: str,
        key_id: Binary | UUID | None,
        key_alt_name: str | None,
        query_type: str | None,
        contention_factor: int | None,
        range_opts: RangeOpts | None,
        string_opts: StringOpts | None = None,
    ) -> dict[str, Any]:
        """The arguments of an encryption, as libmongocrypt has them.

        :raises TypeError: for what is no id of a key.
        """
        return {
            "algorithm": algorithm,
            "key_id": _key_bytes(key_id),
            "key_alt_name": key_alt_name,
            "query_type": query_type,
            "contention_factor": contention_factor,
            "range_opts": self._option_bytes(range_opts),
            "string_opts": self._option_bytes(string_opts),
        }

    def _option_bytes(self, options: RangeOpts | StringOpts | None) -> bytes | None:
        if not options:
            return None
        return encode(options.document, codec_options=self._codec_options)


def _check_class(expected: Any, given: Any) -> None:
    if not isinstance(given, expected):
        raise TypeError(f"{expected.__name__} required but given {type(given).__name__}")


def _key_bytes(key_id: Any) -> bytes | None:
    if key_id is None:
        return None
    if isinstance(key_id, UUID):
        return key_id.bytes
    if not isinstance(key_id, Binary) or key_id.subtype != UUID_SUBTYPE:
        raise TypeError("key_id must be a bson.binary.Binary with subtype 4")
    return bytes(key_id)
