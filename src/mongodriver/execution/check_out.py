"""Stage "check out": a connection of the selected server, where its pool has none at hand."""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING

from ..cmap.failures import PoolClosedError, PoolPausedError
from ..io.deadline import sooner
from ..sdam.topology import CLOSED
from .select import select, selection_timeout
from .time_limit import time_is_over

if TYPE_CHECKING:
    from ..cmap.connection import Connection
    from .execution import Execution
    from .executor import Executor


async def check_out(executor: Executor, execution: Execution) -> Connection:
    """A connection for one attempt; ``execution.server`` says of which server.

    A pool that is paused, because its server has just been found to be down, is no answer to an
    operation that was never sent: it waits for the next check like one that begins later, for as
    long as it may wait for a server. Nor is one whose server has left the deployment meanwhile.

    :raises ServerSelectionTimeoutError, WaitQueueTimeoutError: when there was none in time.
    :raises ExecutionTimeout: when the operation's time is over before it begins.
    :raises AutoReconnect: when none can be established.
    :raises InvalidOperation: when the interpreter ends: those who have them all stand still.
    """
    if execution.deadline is not None and execution.deadline <= monotonic():
        raise time_is_over(executor, execution, 0.0)
    executor.topology.refuse_at_exit()
    limit = sooner(execution.deadline, selection_timeout(executor, execution))
    while True:
        assert execution.server is not None
        try:
            return await execution.server.pool.checkout(execution.deadline)
        except PoolPausedError:
            pass
        except PoolClosedError:
            if executor.topology.state == CLOSED or execution.address is not None:
                raise  # the client was closed, or nobody else will do
        execution.server = await select(executor, execution, limit)
