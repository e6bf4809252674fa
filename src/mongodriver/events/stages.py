"""The events of an operation's stages and of transactions, for log records and spans."""

from __future__ import annotations

from typing import Any

__all__ = [
    "AttemptFailed",
    "OperationEnded",
    "OperationRetried",
    "OperationStarted",
    "SelectionFailed",
    "SelectionStarted",
    "SelectionSucceeded",
    "SelectionWaiting",
    "TransactionEnded",
    "TransactionStarted",
]


class OperationStarted:
    """An operation begins: all its attempts, and the waiting between them, come after this.

    :param execution: its state, with an operation id; a subscriber may keep what belongs to it in
        ``execution.span``.
    """

    __slots__ = ("execution",)

    def __init__(self, execution: Any) -> None:
        self.execution = execution


class OperationEnded:
    """An operation is over.

    :param error: what it raised, or None.
    """

    __slots__ = ("error", "execution")

    def __init__(self, execution: Any, error: BaseException | None) -> None:
        self.execution = execution
        self.error = error


class AttemptFailed:
    """An attempt of an operation, the first or any other one, has failed with an error."""

    __slots__ = ("error", "execution")

    def __init__(self, execution: Any, error: BaseException) -> None:
        self.execution = execution
        self.error = error


class OperationRetried:
    """An operation is about to be tried once more, the number of that being 1 at first."""

    __slots__ = ("execution", "number")

    def __init__(self, execution: Any, number: int) -> None:
        self.execution = execution
        self.number = number


class _Selection:
    """What all events of the selection of a server have in common.

    :param selector: what is looked for, as text.
    :param description: of the topology at that moment.
    """

    __slots__ = ("description", "execution", "selector")

    def __init__(self, execution: Any, selector: str, description: Any) -> None:
        self.execution = execution
        self.selector = selector
        self.description = description


class SelectionStarted(_Selection):
    """A server is looked for."""

    __slots__ = ()


class SelectionWaiting(_Selection):
    """None suits; `seconds_left` is how long one is waited for (None: for ever)."""

    __slots__ = ("seconds_left",)
    seconds_left: float | None


class SelectionSucceeded(_Selection):
    """One was found, at `address`."""

    __slots__ = ("address",)
    address: Any


class SelectionFailed(_Selection):
    """None was found; `error` is what the operation raises."""

    __slots__ = ("error",)
    error: BaseException


class TransactionStarted:
    """A transaction of a session begins: no server has heard of it yet.

    :param session: a subscriber may keep what belongs to it in ``session.transaction.span``.
    """

    __slots__ = ("session",)

    def __init__(self, session: Any) -> None:
        self.session = session


class TransactionEnded:
    """A transaction was committed or aborted, also where that has failed.

    :param error: what that raised, or None.
    """

    __slots__ = ("error", "session")

    def __init__(self, session: Any, error: BaseException | None) -> None:
        self.session = session
        self.error = error
