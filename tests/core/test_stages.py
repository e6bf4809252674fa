"""What may stand at the borders of an operation's stages."""

from __future__ import annotations

import pytest

from bsonx import op_msg
from bsonx.codec_options import DEFAULT_CODEC_OPTIONS
from core_kit import PING, Find, Insert, Recorder, Run, use
from mongodriver.errors import OperationFailure
from mongodriver.events.observer import KINDS, Observer
from mongodriver.events.stages import OperationEnded, OperationStarted
from mongodriver.monitoring import CommandStartedEvent, CommandSucceededEvent
from mongodriver.ops.base import Command


class Reversing:
    """Stores the texts of a field backwards, after a moment."""

    def __init__(self, backend):
        self._backend = backend
        self.seen = []

    async def encrypt(self, execution, command):
        await self._backend.sleep(0)
        self.seen.append(execution.operation.name)
        if command.documents is None:
            return command
        documents = [{**d, "text": d["text"][::-1]} for d in command.documents[command.start :]]
        return Command(command.body, documents, command.identifier)

    async def decrypt(self, execution, message):
        await self._backend.sleep(0)
        flags, reply = op_msg.decode_message(message, DEFAULT_CODEC_OPTIONS)
        for document in reply.get("cursor", {}).get("firstBatch", ()):
            document["text"] = document["text"][::-1]
        return op_msg.encode_message(1, flags, reply, DEFAULT_CODEC_OPTIONS)


@pytest.mark.parametrize("watched", [False, True])
def test_something_may_stand_between_commands_and_the_wire(server, flavour, watched):
    recorder = Recorder()

    async def main(client):
        drop = Run({"drop": "reversed"}, "core_tests", is_write=True, allowable_errors=(26,))
        await client.execute(drop)
        cipher = client.executor.cipher = Reversing(client.backend)
        await client.execute(Insert("reversed", [{"_id": 1, "text": "abc"}]))
        read = await client.execute(Find("reversed"))
        client.executor.cipher = None
        return cipher.seen, read, await client.execute(Find("reversed"))

    options = {"event_listeners": [recorder]} if watched else {}
    seen, read, stored = use(flavour, server.uri, main, **options)
    assert seen == ["insert", "find"]
    assert read == [{"_id": 1, "text": "abc"}]
    assert stored == [{"_id": 1, "text": "cba"}]


def test_operations_can_be_watched_with_their_commands(server, flavour):
    seen = []

    def keep(event):
        seen.append(event)
        if type(event) is OperationStarted:
            event.execution.span = len(seen)

    async def main(client):
        client.observer.subscribe("operations", keep)
        client.observer.subscribe("commands", seen.append)
        await client.execute(Run(PING))
        with pytest.raises(OperationFailure):
            await client.execute(Run({"noSuchCommand": 1}))

    use(flavour, server.uri, main)
    first, command, reply, last = seen[:4]
    assert [type(event) for event in seen[:4]] == [
        OperationStarted,
        CommandStartedEvent,
        CommandSucceededEvent,
        OperationEnded,
    ]
    assert first.execution is last.execution
    assert last.execution.span == 1
    assert last.error is None
    assert command.request_id == reply.request_id == first.execution.request_id
    assert isinstance(seen[7].error, OperationFailure)


def test_kinds_of_events():
    observer = Observer()
    for kind in KINDS:
        observer.subscribe(kind, print)
        assert getattr(observer, kind) == [print]
    with pytest.raises(ValueError, match="'cursors'"):
        observer.subscribe("cursors", print)
