"""What an attempt does when the server wants its user to log in again (error 391).

Authentication specification, "Reauthentication": over the same connection, and then the same
command once more, whether it may be retried or not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..cmap.failures import CallbackFailed
from .exchange import exchange
from .judge import judge
from .prepare import prepare
from .round_trip import connection_lost
from .transactions import note_not_done

if TYPE_CHECKING:
    from ..cmap.connection import Connection
    from .execution import Execution
    from .executor import Executor


async def attempt_logged_in_anew(
    executor: Executor, execution: Execution, connection: Connection
) -> Any:
    """Log the connection in again and send the command over it; the operation's view of the reply.

    :raises PyMongoError: why that was not possible; the connection is closed then.
    """
    assert connection.login is not None
    note_not_done(execution)
    failure: OSError | None = None
    try:
        await connection.login.again(connection, execution.deadline)
    except CallbackFailed as exc:
        connection.close()
        failure = exc.error
    except OSError as exc:
        connection.close()
        raise connection_lost(executor, execution, connection, exc) from exc
    except BaseException:
        # Nobody can tell whose it is now.
        connection.close()
        raise
    if failure is not None:
        try:
            raise failure
        finally:
            del failure  # its traceback holds this frame
    command = prepare(executor, execution, connection)
    reply, told = await exchange(executor, execution, connection, command)
    return judge(executor, execution, connection, reply, told)
