"""Explicit client-side encryption, asynchronous."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import deepcopy
from typing import TYPE_CHECKING, Any, Self, TypeVar

from bsonx import decode, encode
from bsonx.binary import Binary
from mongodriver.public.client_encryption_base import ClientEncryptionBase
from mongodriver.public.flavour import own_methods
from mongodriver.values.encryption import Algorithm, QueryType, RewrapManyDataKeyResult
from mongodriver.values.errors import (
    ConfigurationError,
    EncryptedCollectionError,
    EncryptionError,
)
from mongodriver.values.results import BulkWriteResult, DeleteResult

from .database import AsyncDatabase
from .mongo_client import AsyncMongoClient

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from socket import socket
    from types import TracebackType
    from uuid import UUID

    from bsonx._documents import Document
    from bsonx.codec_options import CodecOptions
    from bsonx.raw_bson import RawBSONDocument
    from mongodriver.values.encryption_options import KMSConnectContext, RangeOpts, StringOpts

    from .collection import AsyncCollection
    from .cursor import AsyncCursor

__all__ = ["Algorithm", "AsyncClientEncryption", "QueryType", "RewrapManyDataKeyResult"]

DocumentT = TypeVar("DocumentT", bound="Document")
OtherT = TypeVar("OtherT", bound="Document")

#: A binary value that is encrypted (BSON specification, subtype 6).
_ENCRYPTED = 6


@own_methods
class AsyncClientEncryption(ClientEncryptionBase[DocumentT]):
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

    _client_class = AsyncMongoClient
    _database_class = AsyncDatabase
    _is_sync = False

    if TYPE_CHECKING:

        def __init__(
            self,
            kms_providers: Mapping[str, Any],
            key_vault_namespace: str,
            key_vault_client: AsyncMongoClient[OtherT],
            codec_options: CodecOptions[DocumentT],
            kms_tls_options: Mapping[str, Any] | None = None,
            key_expiration_ms: int | None = None,
            kms_connect_callback: Callable[[KMSConnectContext], Awaitable[socket]] | None = None,
        ) -> None: ...

    # -- keys --

    async def create_data_key(
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
        explicit = self._opened()
        made: Binary = await explicit.create_data_key(
            kms_provider, master_key, key_alt_names, key_material
        )
        return made

    async def rewrap_many_data_key(
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
        if master_key is not None and provider is None:
            raise ConfigurationError("A provider must be given if a master_key is given")
        result = await self._opened().rewrap(filter, provider, master_key)
        return RewrapManyDataKeyResult(None if result is None else BulkWriteResult(result, True))

    async def get_key(self, id: Binary) -> RawBSONDocument | None:
        """Return a data key by its id, or None."""
        found: RawBSONDocument | None = await self._keys().find_one({"_id": id})
        return found

    def get_keys(self) -> AsyncCursor[RawBSONDocument]:
        """Return a cursor over all data keys."""
        self._opened()
        cursor: AsyncCursor[RawBSONDocument] = self._key_vault.find({})
        return cursor

    async def delete_key(self, id: Binary) -> DeleteResult:
        """Delete a data key by its id."""
        return DeleteResult(await self._keys().delete({"_id": id}), True)

    async def add_key_alt_name(self, id: Binary, key_alt_name: str) -> Any:
        """Give a data key one more name.

        :returns: the key as it was before, or None if there is no such key.
        """
        change = {"$addToSet": {"keyAltNames": key_alt_name}}
        return await self._keys().update({"_id": id}, change)

    async def get_key_by_alt_name(self, key_alt_name: str) -> RawBSONDocument | None:
        """Return a data key by one of its names, or None."""
        found: RawBSONDocument | None
        found = await self._keys().find_one({"keyAltNames": key_alt_name})
        return found

    async def remove_key_alt_name(self, id: Binary, key_alt_name: str) -> RawBSONDocument | None:
        """Take a name from a data key; with the last one goes the list of names.

        :returns: the key as it was before, or None if there is no such key.
        """
        others = {"$filter": {"input": "$keyAltNames", "cond": {"$ne": ["$$this", key_alt_name]}}}
        is_last = {"$eq": ["$keyAltNames", [key_alt_name]]}
        change = [{"$set": {"keyAltNames": {"$cond": [is_last, "$$REMOVE", others]}}}]
        before: RawBSONDocument | None = await self._keys().update({"_id": id}, change)
        return before

    # -- values --

    async def encrypt(
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
        explicit = self._opened()
        arguments = self._encrypt_arguments(
            algorithm,
            key_id,
            key_alt_name,
            query_type,
            contention_factor,
            range_opts,
            string_opts,
        )
        document = encode({"v": value}, codec_options=self._codec_options)
        encrypted: Binary = decode(await explicit.encrypt(document, arguments))["v"]
        return encrypted

    async def encrypt_expression(
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
        explicit = self._opened()
        arguments = self._encrypt_arguments(
            algorithm, key_id, key_alt_name, query_type, contention_factor, range_opts
        )
        document = encode({"v": expression}, codec_options=self._codec_options)
        encrypted = await explicit.encrypt(document, {**arguments, "is_expression": True})
        found: dict[str, Any] = decode(encrypted)["v"]
        return found

    async def decrypt(self, value: Binary) -> Any:
        """Return what was encrypted.

        :raises TypeError: for what is no Binary of subtype 6.
        """
        explicit = self._opened()
        if not isinstance(value, Binary) or value.subtype != _ENCRYPTED:
            raise TypeError("value to decrypt must be a bson.binary.Binary with subtype 6")
        decrypted = await explicit.decrypt(encode({"v": value}))
        return decode(decrypted, codec_options=self._codec_options)["v"]

    # -- collections --

    async def create_encrypted_collection(
        self,
        database: AsyncDatabase[OtherT],
        name: str,
        encrypted_fields: Mapping[str, Any],
        kms_provider: str | None = None,
        master_key: Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> tuple[AsyncCollection[OtherT], Mapping[str, Any]]:
        """Create a collection for queryable encryption, and the data keys its fields lack.

        :param encrypted_fields: where a ``keyId`` is None, a data key is made for it.
        :param kms_provider: of those keys, see `create_data_key`.
        :param master_key: of those keys, see `create_data_key`.
        :param kwargs: of `AsyncDatabase.create_collection`.
        :returns: the collection, and the encrypted fields with all keys.
        :raises EncryptedCollectionError: which has the keys that were made before it failed.

        Clients that encrypt automatically are not told of it.
        """
        created: tuple[AsyncCollection[OtherT], Mapping[str, Any]]
        created = await create_encrypted_collection(
            self, database, name, encrypted_fields, kms_provider, master_key, kwargs
        )
        return created

    # -- the end --

    async def close(self) -> None:
        """Let go of the keys in memory. It cannot be used again; the client can."""
        explicit, self._explicit = self._explicit, None
        if explicit is not None:
            explicit.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc_val: BaseException | None,
        exc_tb: TracebackType | None,
    ) -> None:
        explicit, self._explicit = self._explicit, None
        if explicit is not None:
            explicit.close()


# No method: `encryption` and `database` are of either flavour.


async def create_encrypted_collection(
    encryption: ClientEncryptionBase[Any],
    database: Any,
    name: str,
    encrypted_fields: Mapping[str, Any],
    kms_provider: str | None,
    master_key: Mapping[str, Any] | None,
    options: Mapping[str, Any],
) -> tuple[Any, Mapping[str, Any]]:
    """Create a collection and the data keys it lacks; both, see there."""
    encryption._check_database(database)
    fields: Any = deepcopy(encrypted_fields)
    for field in fields["fields"]:
        if isinstance(field, dict) and field.get("keyId") is None:
            try:
                explicit = encryption._opened()
                made = await explicit.create_data_key(kms_provider, master_key, None, None)
            except EncryptionError as exc:
                raise EncryptedCollectionError(exc, fields) from exc
            field["keyId"] = made
    options = {**options, "encryptedFields": fields, "check_exists": False}
    try:
        collection = await AsyncDatabase.create_collection(database, name, **options)
    except Exception as exc:
        raise EncryptedCollectionError(exc, fields) from exc
    return collection, fields
