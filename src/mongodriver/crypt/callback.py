"""What the state machine of libmongocrypt asks of the driver, in both flavours."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from pymongocrypt.asynchronous.state_machine import AsyncMongoCryptCallback
from pymongocrypt.synchronous.state_machine import MongoCryptCallback

from bsonx import encode
from bsonx._impl import run_coroutine
from bsonx.binary import UUID_SUBTYPE, Binary
from bsonx.raw_bson import DEFAULT_RAW_BSON_OPTIONS as RAW
from bsonx.raw_bson import RawBSONDocument

from ..ops.catalogue import ListCollections
from ..values.errors import InvalidOperation
from .key_vault import all_documents

if TYPE_CHECKING:
    from .key_vault import FindCore, KeyVault
    from .kms import KeyServices
    from .mongocryptd import Mongocryptd

__all__ = ["AsyncCallback", "BlockingCallback", "Outside"]


class Outside:
    """What lies outside of libmongocrypt: servers, and services that manage keys.

    :param vault: where the data keys are.
    :param services: how master keys are used.
    :param find_metadata: gives the client that lists collections; None: nobody asks for them.
    :param mongocryptd: analyses commands; None: a library does, or nobody.
    """

    def __init__(
        self,
        vault: KeyVault,
        services: KeyServices,
        find_metadata: FindCore | None = None,
        mongocryptd: Mongocryptd | None = None,
    ) -> None:
        self.vault = vault
        self._services = services
        self._find_metadata = find_metadata
        self.mongocryptd = mongocryptd

    async def kms_request(self, context: Any) -> None:
        """Carry out a request to a key management service."""
        await self._services.request(context)

    async def collection_info(self, database: str, filter: bytes) -> list[bytes]:
        """The descriptions of collections."""
        core = None if self._find_metadata is None else self._find_metadata()
        if core is None:
            raise InvalidOperation("the client is gone")
        operation = ListCollections(database, RAW, {}, RawBSONDocument(filter, RAW))
        operation.reply_options = RAW
        return [found.raw for found in await all_documents(core, operation)]

    async def mark_command(self, database: str, command: bytes) -> bytes:
        """A command whose values that are to be encrypted are marked."""
        if self.mongocryptd is None:
            raise InvalidOperation("nothing is there that could analyse commands")
        return await self.mongocryptd.mark(database, command)

    async def fetch_keys(self, filter: bytes) -> list[bytes]:
        """Data keys."""
        return [key.raw for key in await self.vault.find(RawBSONDocument(filter, RAW))]

    async def insert_data_key(self, data_key: bytes) -> Binary:
        """Store a new data key, and return its id."""
        document = RawBSONDocument(data_key, RAW)
        key_id = document["_id"]
        if not isinstance(key_id, Binary) or key_id.subtype != UUID_SUBTYPE:
            raise TypeError("data_key _id must be Binary with a UUID subtype")
        await self.vault.insert(document)
        return key_id


class AsyncCallback(AsyncMongoCryptCallback):
    """The callback of an asynchronous client."""

    def __init__(self, outside: Outside) -> None:
        self._outside = outside

    async def kms_request(self, kms_context: Any) -> None:
        await self._outside.kms_request(kms_context)

    async def collection_info(self, database: str, filter: bytes) -> list[bytes]:
        return await self._outside.collection_info(database, filter)

    async def mark_command(self, database: str, cmd: bytes) -> bytes:
        return await self._outside.mark_command(database, cmd)

    async def fetch_keys(self, filter: bytes) -> AsyncIterator[bytes]:
        for key in await self._outside.fetch_keys(filter):
            yield key

    async def insert_data_key(self, data_key: bytes) -> Binary:
        return await self._outside.insert_data_key(data_key)

    async def close(self) -> None:
        pass  # nothing here is open

    def bson_encode(self, doc: Mapping[str, Any]) -> bytes:
        return encode(doc)


class BlockingCallback(MongoCryptCallback):
    """The callback of a synchronous client: none of the coroutines ever suspends."""

    def __init__(self, outside: Outside) -> None:
        self._outside = outside

    def kms_request(self, kms_context: Any) -> None:
        run_coroutine(self._outside.kms_request(kms_context))

    def collection_info(self, database: str, filter: bytes) -> list[bytes]:
        return run_coroutine(self._outside.collection_info(database, filter))

    def mark_command(self, database: str, cmd: bytes) -> bytes:
        return run_coroutine(self._outside.mark_command(database, cmd))

    def fetch_keys(self, filter: bytes) -> Iterator[bytes]:
        return iter(run_coroutine(self._outside.fetch_keys(filter)))

    def insert_data_key(self, data_key: bytes) -> Binary:
        return run_coroutine(self._outside.insert_data_key(data_key))

    def bson_encode(self, doc: Mapping[str, Any]) -> bytes:
        return encode(doc)

    def close(self) -> None:
        pass  # nothing here is open
