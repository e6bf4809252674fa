"""What decoders and document classes of the user's raise is no error of the connection."""

from __future__ import annotations

import pytest
from recording import Commands

from bsonx.codec_options import CodecOptions, TypeDecoder, TypeRegistry
from mongodriver import CursorType
from mongodriver.monitoring import ConnectionPoolListener

ERRORS = [
    PermissionError(13, "no access"),  # an OSError, as those of sockets are
    TimeoutError("too late"),
    ConnectionResetError(104, "reset"),
    ValueError("no value"),
]


class Pools(ConnectionPoolListener):
    """Counts what happens to connections."""

    def __init__(self):
        self.created = self.lost = 0

    def connection_created(self, event):
        self.created += 1

    def connection_closed(self, event):
        self.lost += 1

    def pool_cleared(self, event):
        self.lost += 1

    def _ignore(self, event):
        pass

    pool_created = pool_ready = pool_closed = connection_ready = _ignore
    connection_check_out_started = connection_check_out_failed = _ignore
    connection_checked_out = connection_checked_in = _ignore


def failing_decoder(error):
    class Failing(TypeDecoder):
        bson_type = str

        def transform_bson(self, value):
            if value == "bad":
                raise error
            return value

    return CodecOptions(type_registry=TypeRegistry([Failing()]))


def failing_class(error):
    class Failing(dict):
        def __setitem__(self, key, value):
            if value == "bad":
                raise error
            super().__setitem__(key, value)

    return CodecOptions(document_class=Failing)


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("options", [failing_decoder, failing_class])
async def test_the_error_passes_and_the_connection_stays(make_client, db, error, options):
    pools, commands = Pools(), Commands()
    client = make_client(event_listeners=[pools, commands], maxPoolSize=1)
    documents = [{"_id": number, "text": "good"} for number in range(6)]
    await db["things"].insert_many([*documents, {"_id": 6, "text": "bad"}])
    coll = client[db.name].get_collection("things", options(error))
    await coll.find_one({"_id": 1})
    created = pools.created
    commands.clear()
    for call in (
        lambda: coll.find_one({"_id": 6}),
        lambda: coll.find_one_and_update({"_id": 6}, {"$set": {"x": 1}}),
        lambda: coll.find(batch_size=3).sort("_id").to_list(),
    ):
        with pytest.raises(type(error)) as caught:
            await call()
        assert caught.value is error
    # Nothing is sent again, as after an error of the network.
    assert commands.work == ["find", "findAndModify", "find", "getMore", "getMore"]
    assert (await coll.find_one({"_id": 2}))["text"] == "good"
    assert (pools.created, pools.lost) == (created, 0)


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
async def test_a_connection_with_more_to_come_is_not_used_again(make_client, db, error):
    client = make_client(maxPoolSize=1)
    documents = [{"_id": number, "text": "bad" if number == 3 else "good"} for number in range(20)]
    await db["things"].insert_many(documents)
    coll = client[db.name].get_collection("things", failing_decoder(error))
    cursor = coll.find(cursor_type=CursorType.EXHAUST, batch_size=2).sort("_id")
    with pytest.raises(type(error)) as caught:
        await cursor.to_list()
    assert caught.value is error
    assert (await coll.find_one({"_id": 2}))["text"] == "good"
    assert await coll.count_documents({}) == 20
