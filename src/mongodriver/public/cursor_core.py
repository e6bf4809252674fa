"""What every cursor does once its first batch is there: batches, getMore, closing.

Nothing here depends on the flavour.  The coroutines begin with an underscore: the public methods
of the asynchronous classes await them, and the synchronous classes run those.
"""

from __future__ import annotations

import sys
from abc import ABC
from collections import deque
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Self, TypeVar

from bsonx.errors import BSONError
from bsonx.int64 import Int64
from mongodriver.execution.timeouts import one_deadline
from mongodriver.ops.cursor import CursorReply, GetMore, KillCursors, may_carry
from mongodriver.values.address import address_text
from mongodriver.values.error_codes import CURSOR_GONE
from mongodriver.values.errors import OperationFailure, ProtocolError, PyMongoError

if TYPE_CHECKING:
    from mongodriver.client.client import Client

    from .read_ahead import ReadAhead
    from .sessions import ClientSessionBase

__all__ = ["CursorCore", "goes_by_next"]

ItemT = TypeVar("ItemT")


def goes_by_next(cls: type) -> None:
    """Let iteration give what a class's own `next` returns, as in PyMongo."""
    if "next" in vars(cls):
        for name in ("__next__", "__anext__"):
            if hasattr(cls, name) and name not in vars(cls):
                setattr(cls, name, _next)


def _next(self: Any) -> Any:
    return self.next()


class CursorCore(ABC, Generic[ItemT]):
    """A server-side cursor and the documents of its current batch."""

    _core: Client
    _session: ClientSessionBase | None = None
    _comment: Any = None
    _codec_options: Any = None
    _max_await_time_ms: int | None = None
    _batch_size = 0
    #: None before the first batch, 0 after the last.
    _id: int | None = None
    #: The same, but still the id where the cursor was closed or lost.
    _last_id: int | None = None
    #: Items are whole batches, as bytes.
    _raw: ClassVar[bool] = False
    #: No more batches will come; those already here are still returned.
    _killed = False
    _retrieved = 0
    _address: tuple[str, int | None] | None = None
    _namespace = ""
    #: The core session of the cursor's operations, kept while it is open.
    _core_session: Any = None
    #: The connection the cursor is bound to, taken out of the pool; None for most.
    _connection: Any = None
    #: The server streams the batches over that connection.
    _exhaust = False
    _resume_token: Any = None
    #: How often the process had forked when the server last told of the cursor.
    _forks = 0
    #: Of a cursor that has not begun: nothing can be put there.
    _data: deque[ItemT] = deque(maxlen=0)
    #: Has batches sent for ahead; None for most.
    _ahead: ReadAhead | None = None

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        goes_by_next(cls)

    def __repr__(self) -> str:
        """Whose documents, and how far it is: never what is asked for, which may be secret."""
        collection = getattr(self, "_collection", None)
        name = self._namespace or getattr(collection, "full_name", "a command")
        return f"<{type(self).__name__} of {name}: {self._progress()}>"

    def _progress(self) -> str:
        if self._id is None and not self._retrieved:
            return "closed" if self._killed else "nothing asked for yet"
        unread = f"{len(self._data)} batches" if self._raw else str(len(self._data))
        text = f"{self._retrieved} documents received, {unread} not read yet"
        if self._killed or self._address is None:
            return text
        return f"{text}, more at {address_text(self._address)}"

    # -- batches --

    def _take(self, reply: CursorReply) -> None:
        """Make a reply's batch the current one."""
        self._data = deque(self._unpack(reply.batch))
        self._retrieved += len(reply.batch)
        self._id = self._last_id = reply.cursor_id
        self._address = reply.address
        if reply.namespace:
            self._namespace = reply.namespace
        self._resume_token = reply.resume_token
        if reply.cursor_id:
            self._forks = self._core.sessions.forks
            self._core_session = reply.session
            self._connection = reply.connection
        else:
            self._release()

    def _unpack(self, batch: Any) -> list[Any]:
        """What the batch's documents are to the user; raw cursors make one item of them."""
        return batch  # type: ignore[no-any-return]

    def _release(self) -> None:
        """Forget the server's cursor: nothing is left to kill there."""
        self._killed = True
        if self._id is not None:
            self._id = 0
        if self._ahead is not None:
            self._ahead.drop()
        session, self._core_session = self._core_session, None
        if session is not None and session.implicit:
            session.end()
        connection, self._connection = self._connection, None
        if connection is not None:
            self._core.unpin(connection)

    def _next_batch_size(self) -> int:
        """``batchSize`` of the next getMore; 0 leaves it to the server."""
        return self._batch_size

    def prefetch(self, batches: int) -> Self:
        """Ask for batches before they are needed, so that they are on their way while the one
        before is consumed.

        A connection is kept out of the pool meanwhile, but never the last one; what has come waits
        in its socket. Errors come after the documents before them.

        :param batches: how many are asked for ahead, at most 64; 0 for none.
        :returns: the cursor.
        :raises ConfigurationError: if the client may have only one connection to a server.
        """
        from .read_ahead import equipped  # few cursors do

        return equipped(self, batches)

    def _get_more_operation(self) -> GetMore:
        operation = GetMore(
            self._namespace,
            self._id or 0,
            self._codec_options,
            batch_size=self._next_batch_size(),
            max_await_time_ms=self._max_await_time_ms,
            comment=self._comment,
            exhaust=self._exhaust,
        )
        operation.gives_bytes = self._raw
        return operation

    async def _get_more(self) -> None:
        """Replace the exhausted batch by the next one, which may be empty."""
        ahead = self._ahead
        try:
            reply = None if ahead is None else await ahead.receive(self)
            if reply is None:
                reply = await self._core.executor.execute(
                    self._get_more_operation(),
                    self._core_session,
                    None,
                    self._address,
                    self._connection,
                )
        except (ProtocolError, BSONError):
            # The server has a cursor still, whatever it says of it.
            await self._close()
            raise
        except PyMongoError as exc:
            connection = self._connection
            if self._ends_quietly(exc):
                self._release()
                return
            if isinstance(exc, OperationFailure) and exc.code in CURSOR_GONE:
                self._release()
            elif connection is not None and connection.service_id is not None:
                # Load balancer support, Behaviour With Cursors: it keeps its connection.
                self._killed = True
            elif exc.timeout and (connection is None or not connection.closed):
                # The caller's time is over: housekeeping has the server's cursor killed.
                self._bury()
            elif not isinstance(exc, OperationFailure):
                # The connection is lost, and with it the way to the cursor.
                self._release()
            else:
                await self._close()
            raise
        except BaseException:
            self._bury()
            raise
        self._take(reply)
        if ahead is not None:
            await ahead.go_on(self, reply)

    async def _fetch(self) -> int:
        """Fetch batches until one has documents or none will come; their number."""
        with one_deadline(self._core.options.timeout):
            while not self._data and not self._killed:
                await self._get_more()
        return len(self._data)

    async def _next_batch(self) -> int:
        """Fetch one batch; how many documents it has.

        None, while the cursor lives on, means that there are none for now: the cursors of change
        streams and of tailable finds, which only the server knows for what they are.
        """
        if not self._killed:
            await self._get_more()
        return len(self._data)

    async def _next_batch_or_end(self) -> int:
        """`_next_batch` for those who want all: a failure is the cursor's end, also of one that
        keeps its connection.
        """
        try:
            return await self._next_batch()
        except PyMongoError:
            await self._close()
            raise

    async def _all(self, length: int | None) -> list[Any]:
        """The remaining documents, at most `length`; those that are there if it waits for more."""
        if length is not None and length < 1:
            raise ValueError("to_list() length must be greater than 0")
        result: list[Any] = []
        with one_deadline(self._core.options.timeout):
            while length is None or len(result) < length:
                if not self._data and not await self._next_batch_or_end():
                    break
                data = self._data
                if length is None:
                    result.extend(data)
                    data.clear()
                else:
                    while data and len(result) < length:
                        result.append(data.popleft())
        return result

    def _ends_quietly(self, exc: PyMongoError) -> bool:
        """Whether what has become of the server's cursor is an end and not an error."""
        return False

    # -- closing --

    async def _close(self) -> None:
        """Kill the server's cursor, if there is one. Documents already here remain."""
        cursor_id = self._id
        self._killed = True
        if not cursor_id or self._is_of_parent():
            self._release()
            return
        connection = self._connection
        if connection is not None and not may_carry(connection):
            if connection.service_id is not None:
                self._release()  # no other connection is known to lead to the same service
                return
            self._connection = None
            self._core.unpin(connection)
        if self._core.backend.is_cancelled():
            self._bury()
            return
        operation = KillCursors(self._namespace, [cursor_id], self._codec_options)
        try:
            await self._core.executor.execute(
                operation, self._core_session, None, self._address, self._connection
            )
        except (PyMongoError, BSONError) as exc:
            # The server will do it by itself, but if only the time was too short, housekeeping is
            # sooner.
            if isinstance(exc, PyMongoError) and exc.timeout:
                self._bury()
        except BaseException:
            self._bury()  # cancelled, perhaps before the server was told
            raise
        finally:
            self._release()

    def _bury(self) -> None:
        """Leave the server's cursor to the client's housekeeping. No I/O."""
        cursor_id, self._id = self._id, 0
        session, self._core_session = self._core_session, None
        connection, self._connection = self._connection, None
        self._killed = True
        if cursor_id and not self._is_of_parent():
            self._core.kill_cursor_soon(
                cursor_id, self._namespace, self._address, session, connection
            )

    def _is_of_parent(self) -> bool:
        """Whether the cursor was opened before a fork: it may still be read in the parent."""
        return self._forks != self._core.sessions.forks

    #: Held here: without a GIL the names of modules may be gone before the last finalizers run.
    _is_at_the_end = staticmethod(sys.is_finalizing)

    def __del__(self) -> None:
        # At the end nobody is left to tell the server: it ends the cursor after a while.
        if self.__dict__.get("_id") and not self._is_at_the_end():
            self._bury()

    # -- state --

    @property
    def alive(self) -> bool:
        """Whether there may be more documents.

        A cursor can be alive and still have none: only reading tells.
        """
        return bool(self._data) or not self._killed

    @property
    def cursor_id(self) -> int | None:
        """The server's id of the cursor: None before the first batch, 0 when it is exhausted."""
        return None if self._last_id is None else Int64(self._last_id)

    @property
    def address(self) -> tuple[str, int | None] | None:
        """(host, port) of the server that answered, or None before the first batch."""
        return self._address

    @property
    def session(self) -> Any:
        """The session given by the user, or None."""
        return self._session
