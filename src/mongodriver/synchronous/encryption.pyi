"""Explicit client-side encryption, synchronous.

What type checkers and editors see. Written by tests/typing/stubs.py: change the module it is of,
or the asynchronous one, and run ``make stubs``.
"""

from collections.abc import Callable, Mapping, Sequence
from socket import socket
from types import TracebackType
from typing import Any, Self, TypeVar
from uuid import UUID

from bsonx._documents import Document
from bsonx.binary import Binary
from bsonx.codec_options import CodecOptions
from bsonx.raw_bson import RawBSONDocument
from mongodriver.public.client_encryption_base import ClientEncryptionBase
from mongodriver.synchronous.collection import Collection
from mongodriver.synchronous.cursor import Cursor
from mongodriver.synchronous.database import Database
from mongodriver.synchronous.mongo_client import MongoClient
from mongodriver.values.encryption import Algorithm, QueryType, RewrapManyDataKeyResult
from mongodriver.values.encryption_options import KMSConnectContext, RangeOpts, StringOpts
from mongodriver.values.results import DeleteResult

__all__ = ["Algorithm", "ClientEncryption", "QueryType", "RewrapManyDataKeyResult"]
DocumentT = TypeVar("DocumentT", bound="Document")
OtherT = TypeVar("OtherT", bound="Document")

class ClientEncryption(ClientEncryptionBase[DocumentT]):
    """Explicit encryption: of values, and of the keys for them.

    :param kms_providers: credentials by key management service, see `AutoEncryptionOpts`.
    :param key_vault_namespace: "database.collection" of the data keys.
    :param key_vault_client: stores the data keys.
    :param codec_options: how values are encoded before they are encrypted, and decoded after they
        were decrypted.
    :param kms_tls_options: TLS options of clients by key management service.
    :param key_expiration_ms: how long data keys are kept in memory; None: a minute, 0: for ever.
    :param kms_connect_callback: connects with a key management service, see `AutoEncryptionOpts`.
    :raises ConfigurationError: without the library pymongocrypt, and for wrong options; so
        TypeError and ValueError.

    Its methods raise `EncryptionError` for whatever goes wrong with keys and encryption, and
    `InvalidOperation` once it is closed.
    """

    def __init__(
        self,
        kms_providers: Mapping[str, Any],
        key_vault_namespace: str,
        key_vault_client: MongoClient[OtherT],
        codec_options: CodecOptions[DocumentT],
        kms_tls_options: Mapping[str, Any] | None = None,
        key_expiration_ms: int | None = None,
        kms_connect_callback: Callable[[KMSConnectContext], socket] | None = None,
    ) -> None: ...
    def create_data_key(
        self,
        kms_provider: str,
        master_key: Mapping[str, Any] | None = None,
        key_alt_names: Sequence[str] | None = None,
        key_material: bytes | None = None,
    ) -> Binary:
        """Make a data key and store it; its id, a UUID.

        :param kms_provider: the service whose master key encrypts it: "aws", "azure", "gcp",
            "kmip", "local", or one of them with a name ("local:mine").
        :param master_key: which of the service's keys that is; none for "local".
        :param key_alt_names: names by which values can refer to the key as well.
        :param key_material: the 96 bytes of the key; they are random if left out.
        """

    def rewrap_many_data_key(
        self,
        filter: Mapping[str, Any],
        provider: str | None = None,
        master_key: Mapping[str, Any] | None = None,
    ) -> RewrapManyDataKeyResult:
        """Decrypt data keys, and encrypt them again with another master key.

        :param filter: which ones: a query.
        :param provider: the service whose master key encrypts them; None: that of each.
        :param master_key: which of the service's keys that is.
        :raises ConfigurationError: for a master key of no service.
        """

    def get_key(self, id: Binary) -> RawBSONDocument | None:
        """Return a data key by its id, or None."""

    def get_keys(self) -> Cursor[RawBSONDocument]:
        """Return a cursor over all data keys."""

    def delete_key(self, id: Binary) -> DeleteResult:
        """Delete a data key by its id."""

    def add_key_alt_name(self, id: Binary, key_alt_name: str) -> Any:
        """Give a data key one more name.

        :returns: the key as it was before, or None if there is no such key.
        """

    def get_key_by_alt_name(self, key_alt_name: str) -> RawBSONDocument | None:
        """Return a data key by one of its names, or None."""

    def remove_key_alt_name(self, id: Binary, key_alt_name: str) -> RawBSONDocument | None:
        """Take a name from a data key; with the last one goes the list of names.

        :returns: the key as it was before, or None if there is no such key.
        """

    def encrypt(
        self,
        value: Any,
        algorithm: str,
        key_id: Binary | UUID | None = None,
        key_alt_name: str | None = None,
        query_type: str | None = None,
        contention_factor: int | None = None,
        range_opts: RangeOpts | None = None,
        string_opts: StringOpts | None = None,
    ) -> Binary:
        """Encrypt a value.

        :param algorithm: one of `Algorithm`.
        :param key_id: of the data key; or
        :param key_alt_name: a name of it.
        :param query_type: one of `QueryType`, for a value that is queried for; None for one that
            is stored.
        :param contention_factor: of indexed algorithms; more make inserts faster and queries
            slower.
        :param range_opts: of `Algorithm.RANGE`.
        :param string_opts: of `Algorithm.STRING`.
        :returns: a Binary of subtype 6.
        """

    def encrypt_expression(
        self,
        expression: Mapping[str, Any],
        algorithm: str,
        key_id: Binary | UUID | None = None,
        key_alt_name: str | None = None,
        query_type: str | None = None,
        contention_factor: int | None = None,
        range_opts: RangeOpts | None = None,
    ) -> dict[str, Any]:
        """Encrypt the bounds of a range in a query or an aggregation.

        :param expression: such as ``{"$and": [{"age": {"$gt": 20}}, {"age": {"$lt": 40}}]}``.

        Other arguments are those of `encrypt`.
        """

    def decrypt(self, value: Binary) -> Any:
        """Return what was encrypted.

        :raises TypeError: for what is no Binary of subtype 6.
        """

    def close(self) -> None:
        """Let go of the keys in memory. It cannot be used again; the client can."""

    def create_encrypted_collection(
        self,
        database: Database[OtherT],
        name: str,
        encrypted_fields: Mapping[str, Any],
        kms_provider: str | None = None,
        master_key: Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> tuple[Collection[OtherT], Mapping[str, Any]]:
        """Create a collection for queryable encryption, and the data keys its fields lack.

        :param encrypted_fields: where a ``keyId`` is None, a data key is made for it.
        :param kms_provider: of those keys, see `create_data_key`.
        :param master_key: of those keys, see `create_data_key`.
        :param kwargs: of `Database.create_collection`.
        :returns: the collection, and the encrypted fields with all keys.
        :raises EncryptedCollectionError: which has the keys that were made before it failed.

        Clients that encrypt automatically are not told of it.
        """

    def __enter__(self) -> Self: ...
    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_val: BaseException | None,
        exc_tb: TracebackType | None,
    ) -> None: ...
