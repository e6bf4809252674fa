"""Sessions that stand for all operations in a block of code: `ClientSession.bind`."""

from __future__ import annotations

from contextvars import ContextVar, Token
from typing import TYPE_CHECKING, Any

from ..values.errors import InvalidOperation

if TYPE_CHECKING:
    from ..ops.base import Operation
    from .server_session import ServerSessionPool
    from .session import Session

#: One element for each block that is being executed anywhere in the process: as long as it is
#: empty no operation has to ask.
BOUND: list[None] = []

#: The session of the innermost block.
_session: ContextVar[Session | None] = ContextVar("mongodriver.session", default=None)


def bind(session: Session) -> Token[Session | None]:
    """Have operations without a session use this one, until `unbind`."""
    token = _session.set(session)
    BOUND.append(None)
    return token


def unbind(token: Token[Session | None]) -> None:
    """End a block."""
    BOUND.pop()
    try:
        _session.reset(token)
    except ValueError:
        pass  # a coroutine that was given up is closed in some other context


def bound_session(pool: ServerSessionPool, operation: Operation[Any]) -> Session | None:
    """The session of the block that an operation without one runs in, or None.

    :param pool: of the client that runs the operation.
    :raises InvalidOperation: when another client has started it.
    """
    session = _session.get()
    if session is None:
        return None
    if not session.belongs_to(pool):
        raise InvalidOperation(
            "Only the client that created the bound session can perform operations within its "
            "context block"
        )
    session.check(pool, operation)
    return session


def current() -> Session | None:
    """The session of the block that is being executed, or None."""
    return _session.get() if BOUND else None
