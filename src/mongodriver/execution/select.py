"""Stage "select": the server for an attempt (server selection specification)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .. import events
from ..events.observer import publish
from ..io.deadline import sooner
from ..values.address import address_text
from ..values.read_preferences import ReadPreference
from ..wire.header import next_request_id

if TYPE_CHECKING:
    from ..sdam.topology import Server
    from .execution import Execution
    from .executor import Executor

#: The wire version from which aggregations may write from a secondary (MongoDB 5.0).
_OUTPUT_ON_SECONDARIES = 13
_ANY = ReadPreference.NEAREST


async def read_preference_for(executor: Executor, execution: Execution, preference: Any) -> Any:
    """The read preference an operation really has; None: the primary."""
    session = execution.session
    if session is not None and session.in_transaction:
        return None
    if execution.operation.has_output_stage and await _writes_need_primary(executor, execution):
        return None
    return preference


async def _writes_need_primary(executor: Executor, execution: Execution) -> bool:
    """Whether some server is too old (below 5.0) for $out and $merge on a secondary."""
    topology = executor.topology
    if topology.description.common_wire_version is None:
        # Nothing is known yet: wait for any server.
        timeout = executor.settings.selection_timeout
        await topology.select(
            _ANY, sooner(execution.deadline, timeout), _seconds(execution, timeout)
        )
    common = topology.description.common_wire_version
    return common is None or common < _OUTPUT_ON_SECONDARIES


async def select(executor: Executor, execution: Execution, deadline: float | None = None) -> Server:
    """The server to send the next attempt to.

    :param deadline: monotonic time limit, if the wait for a server has begun before.
    :raises ServerSelectionTimeoutError: when none suits in time.
    """
    timeout = selection_timeout(executor, execution)
    preference = execution.preference
    operation = execution.operation
    if preference is None and (operation.names_primary or not operation.is_write):
        preference = operation.read_preference
        if preference is None or _must_use_primary(execution):
            preference = ReadPreference.PRIMARY
    watched = None
    if executor.observer.selections:
        watched = WatchedSelection(executor, execution, preference)
    try:
        server = await executor.topology.select(
            preference,
            deadline or sooner(execution.deadline, timeout),
            _seconds(execution, timeout),
            execution.address,
            execution.avoided,
            None if watched is None else watched.waiting,
        )
    except BaseException as exc:
        if watched is not None:
            watched.failed(exc)
        raise
    if watched is not None:
        watched.succeeded(server)
    return server


def selection_timeout(executor: Executor, execution: Execution) -> float:
    """How long an attempt may wait for a server: as the client's options say, or its operation."""
    own = execution.operation.selection_timeout
    return executor.settings.selection_timeout if own is None else own


def _must_use_primary(execution: Execution) -> bool:
    """Whether the operation's own read preference does not count."""
    session = execution.session
    return execution.operation.has_output_stage or (session is not None and session.in_transaction)


class WatchedSelection:
    """Tells how the selection of a server goes."""

    def __init__(self, executor: Executor, execution: Execution, preference: Any) -> None:
        if not execution.operation_id:
            execution.operation_id = next_request_id()
        self._executor = executor
        self._execution = execution
        if execution.address is not None:
            self._selector = address_text(execution.address)
        else:
            self._selector = "a writable server" if preference is None else repr(preference)
        self._publish(events.stages.SelectionStarted)

    def _publish(self, event: Any, **attributes: Any) -> None:
        made = event(self._execution, self._selector, self._executor.topology.description)
        for name, value in attributes.items():
            setattr(made, name, value)
        publish(self._executor.observer.selections, made)

    def waiting(self, seconds_left: float | None) -> None:
        self._publish(events.stages.SelectionWaiting, seconds_left=seconds_left)

    def succeeded(self, server: Server) -> None:
        self._publish(events.stages.SelectionSucceeded, address=server.address)

    def failed(self, error: BaseException) -> None:
        self._publish(events.stages.SelectionFailed, error=error)


def _seconds(execution: Execution, timeout: float) -> float:
    """How long a server was looked for in vain, for the text of the error."""
    return timeout if execution.deadline is None else min(timeout, execution.deadline.timeout)
