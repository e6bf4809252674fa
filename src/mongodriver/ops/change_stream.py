"""The aggregation of a change stream, and which errors it goes on after.

Change streams specification.
"""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping, Sequence
from typing import Any

from ..replies.fields import timestamp
from ..values.errors import ConnectionFailure, CursorNotFound, OperationFailure, PyMongoError
from .base import Attempt, present
from .cursor import CursorReply, ReadTarget
from .read import Aggregate

__all__ = ["Watch", "is_resumable"]

_LABEL = "ResumableChangeStreamError"
#: Servers of this wire version (MongoDB 4.4) and later put the label on.
_LABELLED = 9
_RESUMABLE_CODES = frozenset(
    {6, 7, 63, 89, 91, 133, 150, 189, 234, 262, 9001, 10107, 11600, 11602, 13388, 13435, 13436}
)


def is_resumable(error: PyMongoError) -> bool:
    """Whether a change stream goes on after this failure of a getMore."""
    if isinstance(error, (ConnectionFailure, CursorNotFound)):
        return True
    if not isinstance(error, OperationFailure):
        return False
    version = error._max_wire_version
    if version is None or version >= _LABELLED:
        return error.has_error_label(_LABEL)
    return error.code in _RESUMABLE_CODES


class Watch(Aggregate):
    """aggregate with a ``$changeStream`` stage before the user's.

    :param stage: the fields of that stage, in wire order.
    """

    def __init__(
        self,
        target: ReadTarget,
        stage: Mapping[str, Any],
        pipeline: Sequence[Mapping[str, Any]],
        batch_size: int | None = None,
        collation: Any = None,
        comment: Any = None,
    ) -> None:
        options = present(batchSize=batch_size, collation=collation)
        super().__init__(
            target, [{"$changeStream": stage}, *pipeline], options, None, None, comment
        )
        #: When the server began to watch.
        self.operation_time: Any = None

    def parse(self, reply: MutableMapping[str, Any], attempt: Attempt) -> CursorReply:
        self.operation_time = timestamp(reply, "operationTime")
        return super().parse(reply, attempt)
