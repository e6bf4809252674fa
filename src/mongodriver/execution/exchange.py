"""From a command to its reply: the stages encode, round trip and decode, and who watches them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .. import events
from ..wire.header import next_request_id
from .decode import decode, decode_own
from .encode import encode
from .round_trip import round_trip

if TYPE_CHECKING:
    from ..cmap.connection import Connection
    from ..events.observation import Observation
    from ..ops.base import Command
    from .execution import Execution
    from .executor import Executor


def observe(
    executor: Executor, execution: Execution, connection: Connection, command: Command
) -> Observation:
    """Tell that a command is about to be sent; what is returned is told of its outcome."""
    if not execution.operation_id:
        execution.operation_id = next_request_id()
    operation = execution.operation
    observation = events.observation.Observation(
        executor.observer.commands,
        connection,
        operation.database,
        operation.name,
        execution.request_id,
        execution.operation_id,
    )
    observation.started(command, execution.stop)
    return observation


async def exchange(
    executor: Executor,
    execution: Execution,
    connection: Connection,
    command: Command | None,
    observation: Observation | None = None,
) -> tuple[Any, Any]:
    """Send a command, and return its reply: for the user, and as the driver reads it.

    Both are the same object but for replies that are a class of the user's as a whole.

    :param command: None: it was sent before, and its reply is awaited (`ahead`).
    :param observation: of the command, if it was sent before.
    """
    operation = execution.operation
    cipher = executor.cipher
    message = b""
    if command is not None:
        if cipher is not None:
            command = await cipher.encrypt(execution, command)
        message = encode(execution, connection, command)
        if executor.observer.commands:
            observation = observe(executor, execution, connection, command)
    try:
        data = await round_trip(executor, execution, connection, message)
        if data is None:
            reply = told = {"ok": 1}
        else:
            if cipher is not None:
                if observation is not None:
                    # Nothing that was encrypted is ever shown (client-side encryption).
                    observation.replied(decode_own(data))
                    observation = None
                data = await cipher.decrypt(execution, data)
            reply = told = decode(execution, connection, data)
            if type(reply) is not dict:
                told = decode_own(data)
    except BaseException as exc:
        if observation is not None:
            observation.failed(exc)
        raise
    if observation is not None:
        observation.replied(_as_bytes(told) if operation.gives_bytes else told)
    return reply, told


def _as_bytes(reply: Any) -> Any:
    """A reply with its batch as bytes; as it is where there is no such batch."""
    from ..replies.raw import with_joined_batch  # few listeners look at raw cursors

    return with_joined_batch(reply)
