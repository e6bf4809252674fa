"""The operations of sessions."""

from __future__ import annotations

from typing import Any

from flavour import neutral, step

from ..options import transaction_options
from .base import Call, Operation

_OPTIONS = "readConcern writeConcern readPreference maxCommitTimeMS timeoutMS"


async def _end(call: Call) -> None:
    await call.target.end_session()


async def _start(call: Call) -> None:
    begun = call.target.start_transaction(**transaction_options(call.arguments))
    if hasattr(begun, "__await__"):
        await begun


async def _commit(call: Call) -> None:
    await call.target.commit_transaction()


async def _abort(call: Call) -> None:
    await call.target.abort_transaction()


async def _with_transaction(call: Call) -> Any:
    operations = call.arguments.pop("callback")
    run = call.world.run_operations

    async def callback(session: Any) -> None:
        await run(operations)

    def blocking_callback(session: Any) -> None:
        step(callback(neutral(session)))

    chosen = blocking_callback if call.world.flavour.is_sync else callback
    return await call.target.with_transaction(chosen, **transaction_options(call.arguments))


async def _snapshot_time(call: Call) -> Any:
    return call.target.snapshot_time


OPERATIONS = {
    "abortTransaction": Operation(_abort, "", "timeoutMS", needs="ClientSession.abort_transaction"),
    "commitTransaction": Operation(
        _commit, "", "timeoutMS", needs="ClientSession.commit_transaction"
    ),
    "endSession": Operation(_end, needs="ClientSession.end_session"),
    "getSnapshotTime": Operation(_snapshot_time),
    "startTransaction": Operation(_start, "", _OPTIONS, needs="ClientSession.start_transaction"),
    "withTransaction": Operation(
        _with_transaction, "callback", _OPTIONS, needs="ClientSession.with_transaction"
    ),
}
