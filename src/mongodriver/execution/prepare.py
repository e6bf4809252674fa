"""Stage "prepare": the complete command for a connection."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..ops.base import WRITE
from .time_limit import limit_server

if TYPE_CHECKING:
    from ..cmap.connection import Connection
    from ..ops.base import Command
    from .execution import Execution
    from .executor import Executor


def prepare(executor: Executor, execution: Execution, connection: Connection) -> Command:
    """Build the operation's command and add what the driver adds to every command."""
    operation = execution.operation
    if (
        execution.session is None
        and operation.supports_session
        and operation.acknowledged
        and connection.supports_sessions
    ):
        execution.session = executor.sessions.acquire()
        execution.owns_session = True
    if execution.deadline is not None:
        limit_server(executor, execution, connection)
    command = operation.build(execution)
    if operation.retry_policy is WRITE:
        _number_transaction(executor, execution, connection)
    executor.fields.add(command.body, execution, connection)
    return command


def _number_transaction(executor: Executor, execution: Execution, connection: Connection) -> None:
    """Give a retryable write its number, once for all attempts."""
    session = execution.session
    if (
        execution.transaction_number is None
        and executor.settings.retry_writes
        and session is not None
        and not session.in_transaction
        and connection.supports_retryable_writes
    ):
        execution.transaction_number = session.server_session.next_transaction()
