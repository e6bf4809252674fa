"""A server of our own for bulk writes of clients, with limits small enough to be reached."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

from bsonx.objectid import ObjectId
from fake_mongod import HANG_UP, SILENCE, FakeMongod, Request

LIMITS = {"maxBsonObjectSize": 1000, "maxMessageSizeBytes": 5000, "maxWriteBatchSize": 3}
_NAMESPACE = "admin.$cmd.bulkWrite"
_RETRYABLE = ["RetryableWriteError"]

#: What a load balancer has connected to.
SERVICE = ObjectId()


def done(request: Request, **other: Any) -> dict[str, Any]:
    """The reply to a command whose operations all succeeded; `other` fields replace its own."""
    return {
        "ok": 1,
        "cursor": batch(),
        "nErrors": 0,
        "nInserted": len(request.body["ops"]),
        "nUpserted": 0,
        "nMatched": 0,
        "nModified": 0,
        "nDeleted": 0,
        **other,
    }


def batch(*results: dict[str, Any], id: int = 0, field: str = "firstBatch") -> dict[str, Any]:
    """The cursor of a reply, with these results."""
    return {"id": id, field: list(results), "ns": _NAMESPACE}


def succeeded(index: int, **other: Any) -> dict[str, Any]:
    return {"ok": 1, "idx": index, "n": 1, **other}


def failed(index: int, code: int = 11000) -> dict[str, Any]:
    return {"ok": 0, "idx": index, "code": code, "errmsg": "E", "n": 0}


# What servers do: functions of a request and of its number, from 1, among those that matter.


def all_done(request: Request, number: int) -> Any:
    return done(request)


def each_done(request: Request, number: int) -> Any:
    """Every operation has a result."""
    results = [succeeded(index) for index in range(len(request.body["ops"]))]
    return done(request, cursor=batch(*results))


def each_upserted(request: Request, number: int) -> Any:
    count = len(request.body["ops"])
    results = [succeeded(i, nModified=0, upserted={"_id": i}) for i in range(count)]
    return done(request, nInserted=0, nUpserted=count, cursor=batch(*results))


def second_by_get_more(request: Request, number: int) -> Any:
    """Of a command's two results the second needs a getMore."""
    if request.name == "getMore":
        return {"ok": 1, "cursor": batch(succeeded(1), field="nextBatch")}
    return done(request, cursor=batch(succeeded(0), id=77))


def get_more_fails(request: Request, number: int) -> Any:
    if request.name == "getMore":
        return {"ok": 0, "code": 8, "errmsg": "no"}
    return second_by_get_more(request, number)


def cursor_is_gone(request: Request, number: int) -> Any:
    if request.name == "getMore":
        return {"ok": 0, "code": 43, "errmsg": "gone"}
    return second_by_get_more(request, number)


def get_more_is_silent(request: Request, number: int) -> Any:
    return SILENCE if request.name == "getMore" else second_by_get_more(request, number)


def get_more_breaks(request: Request, number: int) -> Any:
    return HANG_UP if request.name == "getMore" else second_by_get_more(request, number)


def both_fail_one_by_get_more(request: Request, number: int) -> Any:
    if request.name == "getMore":
        return {"ok": 1, "cursor": batch(failed(1), field="nextBatch")}
    return done(request, nErrors=2, nInserted=0, cursor=batch(failed(0), id=77))


def second_fails(request: Request, number: int) -> Any:
    """In every command the second operation fails."""
    return done(request, nErrors=1, nInserted=1, cursor=batch(failed(1)))


def first_fails(request: Request, number: int) -> Any:
    return done(request, nErrors=1, nInserted=0, cursor=batch(failed(0)))


def concern_unmet(request: Request, number: int) -> Any:
    return done(request, writeConcernError={"code": 91, "errmsg": f"down {number}"})


def concern_late(request: Request, number: int) -> Any:
    error = {"code": 64, "errmsg": "late", "errInfo": {"wtimeout": True}}
    return done(request, writeConcernError=error)


def concern_unmet_again(request: Request, number: int) -> Any:
    return {**concern_unmet(request, number), "errorLabels": _RETRYABLE}


def concern_unmet_once(request: Request, number: int) -> Any:
    return concern_unmet_again(request, number) if number == 1 else done(request)


def breaks(request: Request, number: int) -> Any:
    return HANG_UP


def second_breaks(request: Request, number: int) -> Any:
    return HANG_UP if number == 2 else done(request)


def breaks_from_second(request: Request, number: int) -> Any:
    return HANG_UP if number > 1 else done(request)


def second_refused(request: Request, number: int) -> Any:
    return {"ok": 0, "code": 8, "errmsg": "no"} if number == 2 else done(request)


def no_primary(request: Request, number: int) -> Any:
    return {"ok": 0, "code": 10107, "errmsg": "not primary", "errorLabels": _RETRYABLE}


def too_long(request: Request, number: int) -> Any:
    return {"ok": 0, "code": 50, "errmsg": "too long"}


def overloaded_once(request: Request, number: int) -> Any:
    labels = ["SystemOverloadedError", "RetryableError"]
    reply = {"ok": 0, "code": 462, "errmsg": "shed", "errorLabels": labels}
    return reply if number == 1 else done(request)


def without_counts(request: Request, number: int) -> Any:
    return {"ok": 1, "cursor": batch()}


def transient_once(request: Request, number: int) -> Any:
    labels = ["TransientTransactionError"]
    if number == 1:
        return {"ok": 0, "code": 251, "errmsg": "gone", "errorLabels": labels}
    return done(request)


class BulkServer(FakeMongod):
    """The only member of a replica set, or another kind of server.

    :param act: one of the functions above, for `bulkWrite` and `getMore`.
    :param hello: fields that differ from what the hello of a primary of 8.0 has.
    """

    def __init__(self, act: Callable[[Request, int], Any] = all_done, **hello: Any) -> None:
        self._act = act
        self._number = 0
        super().__init__(None, self._answer)
        name = "{}:{}".format(*self.address)
        self.hello = {
            "ok": 1,
            "minWireVersion": 0,
            "maxWireVersion": 25,
            "isWritablePrimary": True,
            "logicalSessionTimeoutMinutes": 30,
            "setName": "rs",
            "hosts": [name],
            "me": name,
            **LIMITS,
            **hello,
        }

    def _answer(self, request: Request) -> Any:
        if request.name not in ("bulkWrite", "getMore"):
            return {"ok": 1}
        self._number += 1
        return self._act(request, self._number)

    @property
    def seen(self) -> list[str]:
        """The commands of the bulk write, in order, with the number of their operations."""
        found = self.of("bulkWrite", "getMore", "killCursors")
        return [f"{r.name} {len(r.body['ops'])}" if "ops" in r.body else r.name for r in found]


@contextlib.contextmanager
def bulk_server(
    act: Callable[[Request, int], Any] = all_done, **hello: Any
) -> Iterator[BulkServer]:
    """A `BulkServer` for the length of a with block."""
    with BulkServer(act, **hello) as server:
        yield server
