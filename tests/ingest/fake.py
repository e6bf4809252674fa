"""A collection in memory whose failures are scripted: outcomes that no server gives on order."""

from collections.abc import Callable
from typing import Any

import bsonx
from bsonx.objectid import ObjectId
from bsonx.raw_bson import RawBSONDocument
from mongodriver.errors import BulkWriteError
from mongodriver.read_concern import ReadConcern
from mongodriver.read_preferences import ReadPreference
from mongodriver.write_concern import WriteConcern

Documents = list[dict[str, Any]]


class FakeCollection:
    """Stores documents; `script` holds one function for each of the first insert_many calls.

    Such a function gets the collection and the documents and does what the call is to do;
    `store` is what happens without one.
    """

    full_name = "db.fake"
    #: Whether all documents are encoded before anything is stored.
    encodes = True
    write_concern = WriteConcern(w="majority")

    def __init__(self, *script: Callable[["FakeCollection", Documents], None]) -> None:
        self.script = list(script)
        self.stored: dict[Any, dict[str, Any]] = {}
        self.calls: list[int] = []

    def insert_many(self, documents: Documents, *, ordered: bool) -> None:
        assert not ordered
        self.calls.append(len(documents))
        for document in documents:
            document.setdefault("_id", ObjectId())
        for document in documents if self.encodes else ():
            bsonx.encode(document)
        (self.script.pop(0) if self.script else FakeCollection.store)(self, documents)

    def store(self, documents: Documents) -> None:
        """Insert what is new, raise duplicate key errors for the rest, like a server."""
        errors = []
        for index, document in enumerate(documents):
            if document["_id"] in self.stored:
                errors.append(
                    {"index": index, "code": 11000, "errmsg": "E11000", "keyPattern": {"_id": 1}}
                )
            else:
                self.stored[document["_id"]] = dict(document)
        if errors:
            raise BulkWriteError({"writeErrors": errors, "writeConcernErrors": []})

    def with_options(
        self, *, codec_options: Any, read_preference: Any, read_concern: Any
    ) -> "FakeCollection":
        assert codec_options.document_class is RawBSONDocument
        # Whatever the URI says: only the primary knows for sure what has been stored.
        assert read_preference == ReadPreference.PRIMARY
        assert read_concern == ReadConcern("local")
        return self

    def find(self, query: dict[str, Any]) -> list[RawBSONDocument]:
        ids = query["_id"]["$in"]
        return [RawBSONDocument(bsonx.encode(self.stored[i])) for i in ids if i in self.stored]
