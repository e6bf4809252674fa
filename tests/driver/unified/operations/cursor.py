"""The operations of cursors and change streams that tests have opened."""

from __future__ import annotations

from typing import Any

from mongodriver.errors import PyMongoError

from .. import inside
from ..failures import Mismatch
from .base import Call, Operation


async def _close(call: Call) -> None:
    try:
        await call.target.close()
    except PyMongoError:
        pass  # drivers may or may not raise what went wrong


async def _until_document(call: Call) -> Any:
    try:
        return await call.target.next()
    except StopAsyncIteration:
        raise Mismatch("the cursor has no other document") from None


async def _once(call: Call) -> Any:
    return await call.target.try_next()


async def _once_of_find(call: Call) -> Any:
    # Cursors of queries have no try_next, for only tailable ones need it.
    return await inside.one_batch(call.target)


def _operations(owner: str, once: Operation) -> dict[str, Operation]:
    return {
        "close": Operation(_close, "", "timeoutMS", needs=f"{owner}.close"),
        "iterateOnce": once,
        "iterateUntilDocumentOrError": Operation(_until_document, needs=f"{owner}.next"),
    }


FIND_CURSOR = _operations("Cursor", Operation(_once_of_find, needs="Cursor.next"))
COMMAND_CURSOR = _operations("CommandCursor", Operation(_once, needs="CommandCursor.try_next"))
# A change stream's class is there as soon as something can be watched.
CHANGE_STREAM = _operations("Collection.watch", Operation(_once))
for _operation in CHANGE_STREAM.values():
    _operation.needs = ["Collection.watch"]
