"""Explicit client-side encryption, synchronous."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self, TypeVar

from bsonx._impl import run_coroutine
from bsonx.raw_bson import RawBSONDocument  # noqa: F401  # PyMongo's module has it as well
from mongodriver.asynchronous.encryption import (
    AsyncClientEncryption,
    create_encrypted_collection,
)
from mongodriver.public.client_encryption_base import ClientEncryptionBase
from mongodriver.public.flavour import blocking, own_methods, sibling
from mongodriver.values.encryption import Algorithm, QueryType, RewrapManyDataKeyResult

from .collection import Collection
from .database import Database
from .mongo_client import MongoClient

if TYPE_CHECKING:
    from collections.abc import Callable
    from socket import socket
    from types import TracebackType

    from bsonx._documents import Document
    from bsonx.codec_options import CodecOptions
    from mongodriver.values.encryption_options import KMSConnectContext

__all__ = ["Algorithm", "ClientEncryption", "QueryType", "RewrapManyDataKeyResult"]

DocumentT = TypeVar("DocumentT", bound="Document")
OtherT = TypeVar("OtherT", bound="Document")


@own_methods
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

    _client_class = MongoClient
    _database_class = Database
    _is_sync = True

    if TYPE_CHECKING:

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

    create_data_key = blocking(AsyncClientEncryption.create_data_key)
    rewrap_many_data_key = blocking(AsyncClientEncryption.rewrap_many_data_key)
    get_key = blocking(AsyncClientEncryption.get_key)
    get_keys = sibling(AsyncClientEncryption.get_keys)
    delete_key = blocking(AsyncClientEncryption.delete_key)
    add_key_alt_name = blocking(AsyncClientEncryption.add_key_alt_name)
    get_key_by_alt_name = blocking(AsyncClientEncryption.get_key_by_alt_name)
    remove_key_alt_name = blocking(AsyncClientEncryption.remove_key_alt_name)
    encrypt = blocking(AsyncClientEncryption.encrypt)
    encrypt_expression = blocking(AsyncClientEncryption.encrypt_expression)
    decrypt = blocking(AsyncClientEncryption.decrypt)
    close = blocking(AsyncClientEncryption.close)

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
        return run_coroutine(
            create_encrypted_collection(
                self, database, name, encrypted_fields, kms_provider, master_key, kwargs
            )
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_val: BaseException | None,
        exc_tb: TracebackType | None,
    ) -> None:
        self.close()
