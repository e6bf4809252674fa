"""One attempt of an operation: its stages, one after the other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..values.error_codes import REAUTHENTICATION_REQUIRED
from ..values.errors import OperationFailure
from .check_out import check_out
from .direct import exchange_directly, finish_exchange, may_go_directly
from .exchange import exchange
from .judge import judge
from .prepare import prepare
from .select import select

if TYPE_CHECKING:
    from .execution import Execution
    from .executor import Executor


async def attempt(executor: Executor, execution: Execution) -> Any:
    """Send the operation's next command once; the operation's view of the reply.

    :raises PyMongoError: whatever went wrong, told to the topology where it concerns the server.
    """
    pool = None
    connection: Any = execution.pinned
    if connection is None:
        server = executor.topology.fast
        if server is None or execution.preference is not None or execution.address is not None:
            server = await select(executor, execution)
        execution.server = server
        pool = server.pool
        connection = pool.take()
        if connection is None:
            connection = await check_out(executor, execution)
            pool = execution.server.pool
    execution.connection = connection
    try:
        command = prepare(executor, execution, connection)
        if may_go_directly(executor, execution, connection):
            outcome = exchange_directly(executor, execution, connection, command)
            if type(outcome) is tuple:
                reply = told = outcome[1]
            else:
                reply = told = await finish_exchange(executor, execution, connection, outcome)
        else:
            reply, told = await exchange(executor, execution, connection, command)
        return judge(executor, execution, connection, reply, told)
    except OperationFailure as exc:
        if exc.code != REAUTHENTICATION_REQUIRED or connection.login is None:
            raise
        from .reauthenticate import attempt_logged_in_anew  # few need it

        return await attempt_logged_in_anew(executor, execution, connection)
    finally:
        if pool is not None and not connection.pinned:
            pool.checkin(connection)
