"""Events that a server of 7.0 or newer splits because they are large: fragments come one by one,
and a stream resumes after the last one that was given out. As PyMongo does, on a server of our own.
"""

from __future__ import annotations

import contextlib

import pytest
from comparison.sides import Side
from comparison.wanted import Verdict

from bsonx.timestamp import Timestamp
from fake_mongod import HANG_UP, STANDALONE, FakeMongod

SPLIT = {"$changeStreamSplitLargeEvent": {}}
EVENTS = [("a", 1, 3), ("a", 2, 3), ("a", 3, 3), ("b", 1, 1), ("c", 1, 2), ("c", 2, 2)]


def fragment(event, number, of):
    """A fragment, whose token is its own."""
    part = {"splitEvent": {"fragment": number, "of": of}} if of > 1 else {}
    first = {"operationType": "insert", "documentKey": {"_id": event}} if number == 1 else {}
    return {"_id": {"_data": f"{event}{number}"}, **part, **first, f"field{number}": "x"}


TOKENS = [fragment(*event)["_id"] for event in EVENTS]


class Split:
    """A member of a set that sends one fragment a batch, and fails where it is told.

    :param failures: before which fragment -> what the server does then, once.
    """

    def __init__(self, failures):
        self._failures = dict(failures)
        self.commands = []

    def __call__(self, request):
        body = request.body
        if request.name == "aggregate":
            options = body["pipeline"][0]["$changeStream"]
            self.commands.append((dict(options), body["pipeline"][1:]))
            after = options.get("resumeAfter") or options.get("startAfter")
            self._next = 0 if after is None else TOKENS.index(after) + 1
            return self._reply("firstBatch", [])
        if request.name != "getMore":
            return {"ok": 1}
        failure = self._failures.pop(self._next, None)
        if failure is not None:
            return failure
        batch = [fragment(*EVENTS[self._next])] if self._next < len(EVENTS) else []
        self._next += 1
        return self._reply("nextBatch", batch)

    def _reply(self, field, batch):
        cursor = {"id": 5, "ns": "d.t", field: batch}
        return {"ok": 1, "cursor": cursor, "operationTime": Timestamp(5, 1)}


@contextlib.contextmanager
def server(answer):
    address = []
    hello = {
        **STANDALONE,
        "maxWireVersion": 21,
        "setName": "rs",
        "setVersion": 1,
        "logicalSessionTimeoutMinutes": 30,
    }

    def say_hello(request):
        return {**hello, "hosts": address, "me": address[0], "primary": address[0]}

    with contextlib.closing(FakeMongod(say_hello, answer)) as fake:
        address.append(f"127.0.0.1:{fake.address[1]}")
        yield fake.uri


async def whole(s):
    async with await s.t.watch([SPLIT], batch_size=1) as stream:
        for _ in EVENTS:
            s.show(await stream.next(), stream.resume_token)


async def from_a_fragment_on(s):
    for options in ({"resume_after": TOKENS[1]}, {"start_after": TOKENS[4]}):
        async with await s.t.watch([SPLIT], **options) as stream:
            s.show(await stream.next(), stream.resume_token)


RESUMABLE = {"ok": 0, "code": 91, "errmsg": "E", "errorLabels": ["ResumableChangeStreamError"]}
CASES = [
    (from_a_fragment_on, {}),
    (whole, {}),
    *((whole, {place: how}) for place in (0, 2, 5) for how in (RESUMABLE, HANG_UP)),
]


@pytest.mark.parametrize(("scenario", "failures"), CASES)
def test_fragments(flavour, scenario, failures, record_property):
    records, commands = [], []
    for driver in ("pymongo", "mongodriver"):
        answer = Split(failures)
        with server(answer) as uri:
            side = Side(driver, flavour, uri, serverSelectionTimeoutMS=10_000)
            records.append(side.record(scenario, "d")["steps"])
            commands.append(answer.commands)
            side.close()
    verdict = Verdict("split events", flavour.name)
    verdict.judge(f"{scenario.__name__} {failures}", *records)
    verdict.finish(record_property)
    assert commands[0] == commands[1]
    assert all(pipeline == [SPLIT] for _, pipeline in commands[1])
    if scenario is whole:
        assert len(records[1]) == len(EVENTS)  # none twice, none lost
        assert len(commands[1]) == 1 + len(failures)
        for place in failures:
            resumed = commands[1][1][0]
            assert resumed.get("resumeAfter") == (TOKENS[place - 1] if place else None)
