"""What a pool tells its listeners (CMAP events). Cheap where there are none."""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING, Any

from .. import events
from ..events.observer import publish
from ..values.errors import WaitQueueTimeoutError
from .failures import PoolClosedError

if TYPE_CHECKING:
    from ..events.observer import Observer
    from ..io.base import Address

#: Why a connection was closed.
STALE, IDLE, ERROR, POOL_CLOSED = "stale", "idle", "error", "poolClosed"
#: Why a checkout failed; or `POOL_CLOSED`.
TIMEOUT, CONNECTION_ERROR = "timeout", "connectionError"


class PoolEvents:
    """Publishes the events of one pool. Times are taken as `time.monotonic()` of the beginning."""

    __slots__ = ("_address", "_subscribers")

    def __init__(self, observer: Observer, address: Address) -> None:
        self._subscribers = observer.pools
        self._address = address

    def created(self, options: dict[str, Any]) -> None:
        if self._subscribers:
            publish(self._subscribers, events.classes.PoolCreatedEvent(self._address, options))

    def ready(self) -> None:
        if self._subscribers:
            publish(self._subscribers, events.classes.PoolReadyEvent(self._address))

    def cleared(self, service_id: Any, interrupt: bool) -> None:
        if self._subscribers:
            publish(
                self._subscribers,
                events.classes.PoolClearedEvent(self._address, service_id, interrupt),
            )

    def closed(self) -> None:
        if self._subscribers:
            publish(self._subscribers, events.classes.PoolClosedEvent(self._address))

    def connection_created(self, id: int) -> None:
        if self._subscribers:
            publish(self._subscribers, events.classes.ConnectionCreatedEvent(self._address, id))

    def connection_ready(self, id: int, start: float) -> None:
        if self._subscribers:
            publish(
                self._subscribers,
                events.classes.ConnectionReadyEvent(self._address, id, monotonic() - start),
            )

    def connection_closed(self, id: int, reason: str) -> None:
        if self._subscribers:
            publish(
                self._subscribers, events.classes.ConnectionClosedEvent(self._address, id, reason)
            )

    def check_out_started(self) -> None:
        if self._subscribers:
            publish(self._subscribers, events.classes.ConnectionCheckOutStartedEvent(self._address))

    def check_out_failed(self, exc: BaseException, start: float) -> None:
        if self._subscribers:
            reason = failure_reason(exc)
            publish(
                self._subscribers,
                events.classes.ConnectionCheckOutFailedEvent(
                    self._address, reason, monotonic() - start
                ),
            )

    def checked_out(self, id: int, start: float) -> None:
        if self._subscribers:
            publish(
                self._subscribers,
                events.classes.ConnectionCheckedOutEvent(self._address, id, monotonic() - start),
            )

    def checked_in(self, id: int) -> None:
        if self._subscribers:
            publish(self._subscribers, events.classes.ConnectionCheckedInEvent(self._address, id))


def failure_reason(exc: BaseException) -> str:
    """The reason a checkout that raised `exc` failed for."""
    if isinstance(exc, WaitQueueTimeoutError):
        return TIMEOUT
    return POOL_CLOSED if isinstance(exc, PoolClosedError) else CONNECTION_ERROR
