"""A collection in memory whose failures are scripted: outcomes that no server gives on order.

It stands behind the executor: what the operations of an ingestion build is taken apart and stored,
and they parse what it replies.
"""

import threading
from collections.abc import Callable
from typing import Any

import bsonx
from bsonx.codec_options import CodecOptions
from bsonx.raw_bson import RawBSONDocument
from mongodriver.execution.encode import choose
from mongodriver.io.blocking import BlockingBackend
from mongodriver.ops.write import WriteTarget
from mongodriver.read_concern import ReadConcern
from mongodriver.read_preferences import ReadPreference
from mongodriver.write_concern import WriteConcern

Documents = list[dict[str, Any]]
Reply = dict[str, Any]


class Connection:
    """The limits of a server."""

    max_bson_size = 16 << 20
    max_message_size = 48_000_000
    max_write_batch_size = 100_000
    max_wire_version = 21
    address = ("fake", 27017)
    service_id = None
    pinned = None


class Attempt:
    """What an operation may know of an attempt, and tell it."""

    session = None
    operation: Any = None

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.stop = 0
        self.keep_session = False


class FakeCollection:
    """Stores documents; `script` holds one function for each of the first commands.

    Such a function gets the collection and the documents (or statements) and returns the reply, or
    raises; `store` is what happens without one.
    """

    full_name = "db.fake"
    codec_options: CodecOptions[Any] = CodecOptions()
    read_preference = ReadPreference.SECONDARY

    def __init__(
        self,
        *script: Callable[["FakeCollection", Documents], Reply | None],
        write_concern: WriteConcern | None = None,
    ) -> None:
        self.script = list(script)
        self.stored: dict[Any, dict[str, Any]] = {}
        self.calls: list[int] = []
        self.commands: list[dict[str, Any]] = []
        self.connection = Connection()
        self.write_concern = write_concern or WriteConcern(w="majority")
        self.backend = BlockingBackend()
        self.executor = self
        self._core = self
        self._lock = threading.Lock()

    def _writing(self) -> WriteTarget:
        return WriteTarget("db", "fake", self.codec_options, self.write_concern)

    async def execute(self, operation: Any) -> Any:
        """Run an operation, as the executor does."""
        while True:
            attempt = Attempt(self.connection)
            command = operation.build(attempt)
            if operation.name == "find":
                return operation.parse(self._find(operation, command.body), attempt)
            documents, start = command.documents, command.start
            attempt.operation = operation
            choose(attempt, self.connection, command)
            given = [bsonx.decode(documents.document(i)) for i in range(start, attempt.stop)]
            with self._lock:
                self.commands.append({**command.body, "name": operation.name})
                self.calls.append(len(given))
                act = self.script.pop(0) if self.script else FakeCollection.store
            reply = act(self, given)
            if reply is None:
                reply = {"ok": 1, "n": len(given)}
            result = operation.parse(reply, attempt)
            if not operation.more():
                return result

    def store(self, documents: Documents) -> Reply:
        """Insert what is new, tell duplicate key errors of the rest, like a server."""
        errors = []
        with self._lock:
            for index, document in enumerate(documents):
                if document["_id"] in self.stored:
                    errors.append(
                        {
                            "index": index,
                            "code": 11000,
                            "errmsg": "E11000",
                            "keyPattern": {"_id": 1},
                        }
                    )
                    if self.commands[-1]["ordered"]:
                        return {"ok": 1, "n": index, "writeErrors": errors}
                else:
                    self.stored[document["_id"]] = document
        reply: Reply = {"ok": 1, "n": len(documents) - len(errors)}
        if errors:
            reply["writeErrors"] = errors
        return reply

    def _find(self, operation: Any, body: dict[str, Any]) -> Reply:
        # Whatever the URI says: only the primary knows for sure what has been stored.
        assert operation.read_preference == ReadPreference.PRIMARY
        assert operation.read_concern == ReadConcern("local")
        ids = body["filter"]["_id"]["$in"]
        assert body["limit"] == len(ids)
        found = [RawBSONDocument(bsonx.encode(self.stored[i])) for i in ids if i in self.stored]
        return {"ok": 1, "cursor": {"id": 0, "ns": "db.fake", "firstBatch": found}}
