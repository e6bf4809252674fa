"""Stage "round trip": a message out, and its reply in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..cmap.failures import connection_failure
from .time_limit import reply_deadline

if TYPE_CHECKING:
    from ..cmap.connection import Connection
    from ..values.errors import PyMongoError
    from .execution import Execution
    from .executor import Executor


async def round_trip(
    executor: Executor, execution: Execution, connection: Connection, message: bytes
) -> bytes | None:
    """Send a message and return the reply to it, None where the server sends none.

    :raises AutoReconnect: when the connection broke, which the topology has been told.
    """
    operation = execution.operation
    deadline = reply_deadline(executor, execution, connection)
    sent_before, execution.sent = execution.sent, True
    try:
        if not operation.acknowledged:
            await connection.send(message, deadline, operation.name)
            return None
        if connection.more_to_come:
            return await connection.receive(deadline)
        return await connection.exchange(message, execution.request_id, deadline, operation.name)
    except OSError as exc:
        raise connection_lost(executor, execution, connection, exc) from exc
    except BaseException:
        # Cancelled, or Ctrl-C: the server may go on for long.
        if connection.closed:
            execution.give_up_session()
        else:
            execution.sent = sent_before  # it was too late to begin
        raise


def connection_lost(
    executor: Executor, execution: Execution, connection: Connection, exc: OSError
) -> PyMongoError:
    """The driver's exception for a broken exchange, told to session and topology."""
    limits = executor.settings.limits.within(execution.deadline)
    error = connection_failure(exc, connection.address, limits)
    execution.give_up_session()
    executor.topology.handle_error(
        connection.address, error, connection.generation, connection.service_id
    )
    return error
