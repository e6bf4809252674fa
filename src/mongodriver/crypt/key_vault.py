"""The key vault: the collection of the data keys (client-side encryption, "Key Vault collection").

Reads have read concern majority and writes have write concern majority. Nothing of it takes part
in a session that the user has bound.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from bsonx.raw_bson import DEFAULT_RAW_BSON_OPTIONS as RAW
from bsonx.raw_bson import RawBSONDocument

from ..ops.bulk import BulkWrite
from ..ops.cursor import CursorReply, Find, FindOne, GetMore, ReadTarget
from ..ops.write import Delete, FindAndModify, InsertOne, WriteTarget
from ..values.errors import InvalidOperation
from ..values.read_concern import ReadConcern
from ..values.read_preferences import ReadPreference
from ..values.write_concern import WriteConcern

if TYPE_CHECKING:
    from ..client.client import Client
    from ..ops.base import Operation

__all__ = ["FindCore", "KeyVault", "all_documents", "run"]

ResultT = TypeVar("ResultT")

MAJORITY = ReadConcern("majority")

#: Gives a client's core, None when it is gone: it may be the one that encrypts, and owns all this.
FindCore = Callable[[], "Client | None"]


async def run(core: Client, operation: Operation[ResultT]) -> ResultT:
    """Run an operation in a session that is nobody else's."""
    session = core.sessions.acquire()
    try:
        return await core.execute(operation, session)
    finally:
        core.sessions.release(session)


async def all_documents(core: Client, operation: Operation[CursorReply]) -> list[Any]:
    """All documents of a cursor, in a session that is nobody else's."""
    session = core.sessions.acquire()
    try:
        reply = await core.execute(operation, session)
        found: list[Any] = reply.batch
        while reply.cursor_id:
            more = GetMore(reply.namespace, reply.cursor_id, RAW)
            reply = await core.execute(
                more, session, address=reply.address, connection=reply.connection
            )
            found += reply.batch
        return found
    finally:
        core.sessions.release(session)


class KeyVault:
    """The data keys, as raw documents.

    :param namespace: "database.collection".
    :param find_core: gives the client that stores them.
    """

    def __init__(self, namespace: str, find_core: FindCore) -> None:
        database, collection = namespace.split(".", 1)
        self.database = database
        self.collection = collection
        self._find_core = find_core
        self._reading = ReadTarget(database, collection, RAW, ReadPreference.PRIMARY, MAJORITY)
        self._writing = WriteTarget(database, collection, RAW, WriteConcern("majority"))

    @property
    def core(self) -> Client:
        """The client that stores the keys."""
        core = self._find_core()
        if core is None:
            raise InvalidOperation("the client is gone")
        return core

    async def find(self, filter: Any) -> list[Any]:
        """The keys that match."""
        return await all_documents(self.core, Find(self._reading, {"filter": filter}))

    async def find_one(self, filter: Mapping[str, Any]) -> Any:
        """The first key that matches, or None."""
        return await run(self.core, FindOne(self._reading, filter))

    async def insert(self, key: RawBSONDocument) -> None:
        """Store a new key."""
        await run(self.core, InsertOne(self._writing, key))

    async def delete(self, filter: Mapping[str, Any]) -> dict[str, Any]:
        """Delete a key; the server's reply."""
        reply: dict[str, Any] = await run(self.core, Delete(self._writing, filter))
        return reply

    async def update(self, filter: Mapping[str, Any], change: Any) -> Any:
        """Change a key; the key as it was before, or None."""
        operation = FindAndModify.update(
            self._writing, filter, change, {}, None, None, None, None, None, False
        )
        return await run(self.core, operation)

    async def bulk_write(self, requests: Sequence[Any]) -> dict[str, Any]:
        """Change many keys; the counts of what was done."""
        return await run(self.core, BulkWrite.of(self._writing, requests, True))
