"""The operations that the runner knows, by the kind of entity they belong to."""

from __future__ import annotations

from collections.abc import Mapping

from ..failures import Unsupported
from . import bucket, client, collection, cursor, database, encryption, session, test_runner
from .base import Operation

#: By kind and name. Kinds are those of entities, and the test runner.
OPERATIONS: dict[str, Mapping[str, Operation]] = {
    "testRunner": test_runner.OPERATIONS,
    "client": client.OPERATIONS,
    "database": database.OPERATIONS,
    "collection": collection.OPERATIONS,
    "session": session.OPERATIONS,
    "findCursor": cursor.FIND_CURSOR,
    "commandCursor": cursor.COMMAND_CURSOR,
    "changeStream": cursor.CHANGE_STREAM,
    "bucket": bucket.OPERATIONS,
    "clientEncryption": encryption.OPERATIONS,
    "thread": {},
    "topologyDescription": {},
    "value": {},
}


def operation_of(kind: str, name: str) -> Operation:
    """An operation; Unsupported if entities of that kind have none of that name."""
    found = OPERATIONS[kind].get(name)
    if found is None:
        raise Unsupported(f"there is no operation {kind}.{name}")
    return found
