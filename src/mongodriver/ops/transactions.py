"""commitTransaction and abortTransaction: the ends of a transaction."""

from __future__ import annotations

from typing import Any

from bsonx.codec_options import DEFAULT_CODEC_OPTIONS
from mongodriver.values.limits import COMMIT_RETRY_WTIMEOUT
from mongodriver.values.write_concern import WriteConcern

from .base import CLOSING, Attempt, Command, Operation, present

__all__ = ["AbortTransaction", "CommitTransaction"]


class _End(Operation[None]):
    """A command that ends a transaction.

    :param write_concern: the transaction's.
    """

    database = "admin"
    codec_options = DEFAULT_CODEC_OPTIONS
    is_write = True
    retry_policy = CLOSING

    def __init__(self, write_concern: WriteConcern | None) -> None:
        self.write_concern = write_concern

    def parse(self, reply: Any, attempt: Attempt) -> None:
        return None


class CommitTransaction(_End):
    """commitTransaction.

    :param max_time_ms: milliseconds the server may take.
    :param again: it was sent before, so that this is a retry already.

    A commit that may have happened before is repeated with a majority write concern: else the
    answer could be that of a member whose writes will be undone.
    """

    name = "commitTransaction"

    def __init__(
        self, write_concern: WriteConcern | None, max_time_ms: int | None, again: bool
    ) -> None:
        super().__init__(write_concern)
        self._max_time_ms = max_time_ms
        if again:
            self._ask_majority()

    def _ask_majority(self) -> None:
        given = {} if self.write_concern is None else self.write_concern.document
        given.setdefault("wtimeout", COMMIT_RETRY_WTIMEOUT)
        self.write_concern = WriteConcern(**{**given, "w": "majority"})

    def build(self, attempt: Attempt) -> Command:
        if attempt.is_retry and not attempt.shed:
            self._ask_majority()
        return Command({"commitTransaction": 1, **present(maxTimeMS=self._max_time_ms)})


class AbortTransaction(_End):
    """abortTransaction."""

    name = "abortTransaction"

    def build(self, attempt: Attempt) -> Command:
        return Command({"abortTransaction": 1})
