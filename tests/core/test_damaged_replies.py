"""Whatever a server says ends as a value or as an error of the driver or the codec.

The replies are those of a real server to every command the driver sends. A server of our own says
them again, with one field after the other missing, of each wrong type, or out of all bounds.
"""

from __future__ import annotations

import inspect
import re
from itertools import product
from typing import Any

import pytest

import bsonx
from bsonx.errors import BSONError
from core_kit import Recorder
from damage import VALUES, Path, damaged, path_text, paths
from fake_mongod import FakeMongod
from flavours import CLIENTS, FLAVOURS, run_on
from mongodriver import MongoClient
from mongodriver.errors import NetworkTimeout, PyMongoError
from mongodriver.monitoring import CommandFailedEvent, CommandSucceededEvent
from mongodriver.operations import DeleteOne, IndexModel, InsertOne, UpdateOne
from mongodriver.write_concern import WriteConcern

DATABASE = "damaged"
UNMET = WriteConcern(2, wtimeout=1)
DOCUMENTS = [{"_id": n, "a": n, "b": {"c": [n]}} for n in range(6)]
SET = {"$set": {"a": 1}}


async def done(outcome: Any) -> Any:
    """What a call of either flavour comes to: cursors are read to their end."""
    if inspect.isawaitable(outcome):
        outcome = await outcome
    return await done(outcome.to_list()) if hasattr(type(outcome), "to_list") else outcome


async def in_a_session(db, t):
    session = db.client.start_session()
    try:
        await done(t.insert_one({}, session=session))
        await done(t.find_one({}, session=session))
    finally:
        await done(session.end_session())


async def given_up(db, t):
    cursor = t.find({}, batch_size=2)
    await done(cursor.to_list(1))
    await done(cursor.close())


#: What is called, on a database and its collection.
CALLS: dict[str, Any] = {
    "ping": lambda db, t: db.command("ping"),
    "find_one": lambda db, t: t.find_one({}),
    "find_one with a sort": lambda db, t: t.find_one({}, sort=[("a", 1)]),
    "find": lambda db, t: t.find({}, batch_size=2, limit=5),
    "find_raw_batches": lambda db, t: t.find_raw_batches({}, batch_size=4),
    "given up": given_up,
    "exhaust": lambda db, t: t.find({}, batch_size=4, cursor_type=64),
    "in a session": in_a_session,
    "aggregate": lambda db, t: t.aggregate([{"$match": {}}], batchSize=4),
    "aggregate_raw_batches": lambda db, t: t.aggregate_raw_batches([]),
    "aggregate of a database": lambda db, t: db.aggregate([{"$documents": [{"a": 1}]}]),
    "$out": lambda db, t: t.aggregate([{"$out": "out"}]),
    "count_documents": lambda db, t: t.count_documents({}),
    "estimated_document_count": lambda db, t: t.estimated_document_count(),
    "distinct": lambda db, t: t.distinct("a"),
    "explain": lambda db, t: t.find().explain(),
    "insert_one": lambda db, t: t.insert_one({}),
    "insert_many": lambda db, t: t.insert_many([{}, {}]),
    "update_one": lambda db, t: t.update_one({"z": 1}, SET, upsert=True),
    "update_many": lambda db, t: t.update_many({}, SET),
    "replace_one": lambda db, t: t.replace_one({"_id": 1}, {"a": 5}),
    "delete_one": lambda db, t: t.delete_one({"_id": 2}),
    "delete_many": lambda db, t: t.delete_many({"none": 1}),
    "bulk_write": lambda db, t: t.bulk_write(
        [InsertOne({}), UpdateOne({"_id": 1}, SET), DeleteOne({"_id": 3})]
    ),
    "upserts": lambda db, t: t.bulk_write([UpdateOne({"y": 1}, SET, upsert=True)]),
    "find_one_and_update": lambda db, t: t.find_one_and_update({"_id": 1}, SET),
    "find_one_and_delete": lambda db, t: t.find_one_and_delete({"_id": 4}),
    "list_collections": lambda db, t: db.list_collections(),
    "list_collection_names": lambda db, t: db.list_collection_names(),
    "options": lambda db, t: t.options(),
    "list_databases": lambda db, t: db.client.list_databases(),
    "list_database_names": lambda db, t: db.client.list_database_names(),
    "create_index": lambda db, t: t.create_index("a"),
    "create_indexes": lambda db, t: t.create_indexes([IndexModel("a")]),
    "list_indexes": lambda db, t: t.list_indexes(),
    "index_information": lambda db, t: t.index_information(),
    "drop_index": lambda db, t: t.drop_index("a_1"),
    "cursor_command": lambda db, t: db.cursor_command({"find": t.name, "batchSize": 4}),
    "validate_collection": lambda db, t: db.validate_collection(t.name),
    "create_collection": lambda db, t: db.create_collection("created"),
    "rename": lambda db, t: db.get_collection("created").rename("renamed"),
    "drop_collection": lambda db, t: db.drop_collection("renamed"),
    "server_info": lambda db, t: db.client.server_info(),
    # The replies of failures.
    "no such command": lambda db, t: db.command("none"),
    "duplicate key": lambda db, t: t.insert_one({"_id": 0}),
    "duplicate keys": lambda db, t: t.insert_many([{"_id": 0}, {"_id": 0}], ordered=False),
    "bad pipeline": lambda db, t: t.aggregate([{"$none": 1}]),
    "unmet write concern": lambda db, t: t.with_options(write_concern=UNMET).insert_one({}),
    "drop_database": lambda db, t: db.client.drop_database(db.name),
}

#: Those that the server refuses.
FAIL = ("no such command", "duplicate key", "duplicate keys", "bad pipeline", "unmet write concern")

#: Fields that the driver passes on unread, or that every reply has and two calls look at.
_UNREAD = re.compile(r"(electionId|opTime)\b")
_TIMES = re.compile(r"(\$clusterTime|operationTime)\b")
_WITH_TIMES = ("ping", "in a session", "no such command", "bulk_write")

_WHOLE = {"zero", "int", "huge", "least", "negative"}
_COUNT = {"zero", "int", "huge"}
_TEXT = {"string", "empty string", "long string"}
_DOCUMENT = {"empty document", "document", "deep"}
_LEFT_OUT = {"missing", "null"}

#: What the driver reads, by call and path, and the damages that leave something it can rely on.
#: The most special pattern comes first; all other damages of these fields must be errors.
READ: list[tuple[str, str, set[str]]] = [
    ("", r"ok", {"true"}),
    ("", r"\$clusterTime", _LEFT_OUT),
    ("", r"\$clusterTime.clusterTime", {"timestamp"}),
    ("in a session", r"operationTime", {*_LEFT_OUT, "timestamp"}),
    ("count_documents", r"cursor.firstBatch", {"empty list"}),
    ("count_documents", r"cursor.firstBatch\[0\]", {"missing"}),
    ("count_documents", r"cursor.firstBatch\[0\].n", _WHOLE),
    ("list_collection_names", r"cursor.firstBatch", {"empty list"}),
    ("list_collection_names", r"cursor.firstBatch\[0\]", {"missing"}),
    ("list_collection_names", r"cursor.firstBatch\[0\].name", _TEXT),
    ("create_collection", r"cursor.firstBatch", {"empty list"}),
    ("create_collection", r"cursor.firstBatch\[0\]", {"missing"}),
    ("create_collection", r"cursor.firstBatch\[0\].name", _TEXT),
    ("options", r"cursor.firstBatch\[0\].options", {*_LEFT_OUT, *_DOCUMENT}),
    ("index_information", r"cursor.firstBatch", {"empty list"}),
    ("index_information", r"cursor.firstBatch\[0\]", {"missing"}),
    ("index_information", r"cursor.firstBatch\[0\].name", _TEXT),
    ("index_information", r"cursor.firstBatch\[0\].key", _DOCUMENT),
    ("", r"cursor", set()),
    ("", r"cursor.id", _WHOLE),
    ("", r"cursor.(first|next)Batch", {"empty list", "list of documents"}),
    ("", r"cursor.(first|next)Batch\[0\]", {"missing", *_DOCUMENT}),
    ("estimated", r"n", _WHOLE),
    ("insert_one", r"n", _COUNT | _LEFT_OUT),
    ("in a session", r"n", _COUNT | _LEFT_OUT),
    ("update_one", r"n", _COUNT - {"zero"}),
    ("upserts", r"n", _COUNT - {"zero"}),
    ("", r"n", _COUNT),
    ("", r"nModified", _COUNT | _LEFT_OUT),
    ("", r"upserted", {*_LEFT_OUT, "empty list"}),
    ("", r"upserted\[0\]", {"missing"}),
    ("", r"upserted\[0\].index", {"zero"}),
    ("distinct", r"values", {"empty list", "list", "list of lists", "list of documents"}),
    ("find_one_and", r"value", {"null", *_DOCUMENT}),
    ("list_database", r"databases", {"empty list"}),
    ("list_database", r"databases\[0\]", {"missing"}),
    ("list_database", r"databases\[0\].name", _TEXT),
    ("validate", r"valid", {"true"}),
    ("duplicate", r"writeErrors", {*_LEFT_OUT, "empty list"}),
    ("duplicate keys", r"writeErrors\[0\].index", set()),
    ("unmet", r"writeConcernError", _LEFT_OUT),
]


#: Calls that leave no cursor behind, whose namespace would matter.
_NO_CURSOR = {"find_one", "find_one with a sort", "in a session", "count_documents"}


def allowed(call: str, path: str, reply: Any) -> set[str] | None:
    """The damages to a field that may be accepted; None where the driver does not read it."""
    if path == "cursor.ns":
        if call in _NO_CURSOR:
            return None
        if not reply["cursor"]["id"]:
            return _LEFT_OUT | _TEXT  # nobody will ask for more
        return set() if call == "cursor_command" else {*_LEFT_OUT, "empty string"}
    for calls, pattern, damages in READ:
        if call.startswith(calls) and re.fullmatch(pattern, path):
            return damages
    return None


def paths_of(call: str, reply: Any) -> list[Path]:
    """The fields of one reply that are damaged."""
    found = []
    for path in paths(reply):
        text = path_text(path)
        # What is deep within the user's or the server's documents is nobody's affair.
        if len(path) > 5 or _UNREAD.match(text):
            continue
        if call in _WITH_TIMES or not _TIMES.match(text):
            found.append(path)
    return found


class Replies(Recorder):
    """Keeps the commands of calls and the replies they got."""

    def of_calls(self) -> list[tuple[str, Any]]:
        found = self.of(CommandSucceededEvent, CommandFailedEvent)
        return [
            (event.command_name, as_sent(getattr(event, "reply", None) or event.failure))
            for event in found
        ]


def as_sent(reply: Any) -> Any:
    """A reply as the server has sent it: events of raw cursors have their batches as bytes."""
    cursor = reply.get("cursor")
    if isinstance(cursor, dict):
        for name, batch in cursor.items():
            if isinstance(batch, list) and batch and isinstance(batch[0], bytes):
                cursor = {**cursor, name: bsonx.decode_all(batch[0])}
                reply = {**reply, "cursor": cursor}
    return reply


@pytest.fixture(scope="module")
def recorded(server):
    """What a real server says to each call: names of commands and replies, in order."""
    recorder = Replies()
    heard = {}
    with MongoClient(server.uri, event_listeners=[recorder]) as client:
        db = client.get_database(DATABASE)
        t = db.get_collection("t")

        async def main(backend):
            for name, function in CALLS.items():
                recorder.clear()
                try:
                    await done(function(db, t))
                except PyMongoError:
                    assert recorder.of(CommandSucceededEvent, CommandFailedEvent), name
                heard[name] = recorder.of_calls()

        t.insert_many(DOCUMENTS)
        hello = client.admin.command("hello")
        run_on("blocking", main)
    return hello, heard


class Script:
    """Answers a call with what a real server has said, one of the replies damaged."""

    def __init__(self, replies: list[tuple[str, Any]]) -> None:
        self._replies = replies
        self.begin(None, None)

    def begin(self, index: int | None, damaged: Any) -> None:
        self._place = 0
        self._index = index
        self._damaged = damaged

    def __call__(self, request: Any) -> Any:
        if self._place < len(self._replies) and self._replies[self._place][0] == request.name:
            place = self._place
            self._place += 1
            return self._damaged if place == self._index else self._replies[place][1]
        if request.name == "getMore":
            return {"ok": 1, "cursor": {"id": 0, "ns": "d.t", "nextBatch": []}}
        return {"ok": 1}


def standing_alone(hello: Any) -> dict[str, Any]:
    """A hello as if the server were no member of a set, whose other members would be looked for."""
    fields = {name: hello[name] for name in LIMITS}
    return {"ok": 1, "isWritablePrimary": True, "logicalSessionTimeoutMinutes": 30, **fields}


async def outcome_of(call: Any, db: Any) -> tuple[Any, BaseException | None]:
    """What a call comes to: a value, or an error of the driver or the codec."""
    try:
        return await done(call(db, db.get_collection("t"))), None
    except (PyMongoError, BSONError) as exc:
        assert not isinstance(exc, NetworkTimeout)  # nothing hangs
        return None, exc


@pytest.fixture(params=FLAVOURS)
def flavour(request):
    return request.param


@pytest.mark.parametrize("name", CALLS)
def test_every_damage_to_a_reply_is_noticed_or_does_no_harm(recorded, flavour, name):
    hello, heard = recorded
    script = Script(heard[name])
    tried: set[Any] = set()
    wrong: list[str] = []

    async def main(backend):
        client = CLIENTS[flavour](fake.uri, sockettimeoutms=20_000)
        db = client.get_database(DATABASE)
        try:
            for index, (command, reply) in enumerate(heard[name]):
                for where, damage in product(paths_of(name, reply), VALUES):
                    path = path_text(where)
                    script.begin(index, damaged(reply, where, VALUES[damage]))
                    _, error = await outcome_of(CALLS[name], db)
                    tried.add((path, damage))
                    permitted = allowed(name, path, reply)
                    if permitted is None or command == "killCursors":
                        continue
                    if error is None and damage not in permitted:
                        wrong.append(f"{path} {damage}: accepted")
                    if error is not None and damage in permitted and name not in FAIL:
                        wrong.append(f"{path} {damage}: {error}")
                script.begin(None, None)
                assert (await done(client.admin.command("ping")))["ok"] == 1
        finally:
            script.begin(None, None)
            await done(client.close())

    with FakeMongod(standing_alone(hello), script) as fake:
        run_on(flavour, main)
    assert len(tried) > 20
    assert wrong == []


def test_how_many_exchanges_that_were(recorded):
    _, heard = recorded
    replies = [(name, reply) for name, heard_of in heard.items() for _, reply in heard_of]
    count = len(VALUES) * sum(len(paths_of(name, reply)) for name, reply in replies)
    commands = {command for replies in heard.values() for command, _ in replies}
    assert count > 2 * 774
    assert len(commands) >= 20
    print(f"{count} damaged replies to {len(commands)} commands, in each flavour")


def test_a_client_can_be_closed_whatever_the_server_says(flavour):
    """endSessions, and killCursors of what was left behind."""
    damage: Any = {}

    def answer(request):
        if request.name == "find":
            return {"ok": 1, "cursor": {"id": 5, "ns": "d.t", "firstBatch": [{}]}}
        return damage if request.name in ("endSessions", "killCursors") else {"ok": 1}

    async def main(backend):
        client = CLIENTS[flavour](fake.uri)
        await done(client.d.t.find().to_list(1))  # the cursor is left to the collector
        await done(client.admin.command("ping"))
        await done(client.close())

    with FakeMongod(standing_alone(LIMITS), answer) as fake:
        for name in VALUES:
            damage = damaged({"ok": 1}, ("ok",), VALUES[name])
            run_on(flavour, main)
            assert fake.of("endSessions")
            fake.requests.clear()


LIMITS = {
    "maxBsonObjectSize": 16777216,
    "maxMessageSizeBytes": 48000000,
    "maxWriteBatchSize": 100000,
    "maxWireVersion": 17,
}
