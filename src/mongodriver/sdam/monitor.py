"""Monitoring of one server: a coroutine that keeps asking hello (the server monitoring spec).

Against servers that report a topologyVersion the answers are streamed: the server replies when its
state changes, and a second coroutine measures the round trip on a connection of its own. Other
servers are polled. The topology is held weakly: when it is gone, the coroutines end.
"""

from __future__ import annotations

import weakref
from collections.abc import Awaitable, Callable
from time import monotonic
from typing import TYPE_CHECKING, Any

from bsonx.codec_options import DEFAULT_CODEC_OPTIONS

from .. import events
from ..cmap.failures import Limits, connection_failure
from ..events.log_switch import look_for_logging
from ..events.observer import publish
from ..io.reports import Reports
from ..replies.fields import bad_reply
from ..replies.hello import read_hello
from ..replies.verdicts import command_error
from ..values.address import address_text
from ..values.errors import (
    NetworkTimeout,
    OperationFailure,
    PyMongoError,
    _OperationCancelled,
)
from ..values.hello import Hello
from ..values.limits import MIN_HEARTBEAT_INTERVAL
from ..values.round_trips import RoundTrips
from ..values.server_description import ServerDescription
from ..wire.header import EXHAUST_ALLOWED, next_request_id
from ..wire.op_msg import encode_message
from ..wire.op_query import OP_MSG_WIRE_VERSION

if TYPE_CHECKING:
    from ..client.settings import MonitorSettings
    from ..cmap.connection import Connection
    from ..events.observer import Observer
    from ..io.base import Address, Backend, Event, Task
    from .topology import Topology


#: Opens a monitoring connection, its handshake done: ``connection.hello`` is the first answer.
#: It calls its argument with the connection as soon as that can be interrupted.
Connect = Callable[[Callable[["Connection"], None]], Awaitable["Connection"]]
#: Finds out why a server hung up, which becomes the cause of the error that it is given.
Investigate = Callable[[BaseException], Awaitable[None]]


class Opening:
    """A connection that is being opened, for whoever must not wait for the server's answer."""

    __slots__ = ("_connection", "_stopped")

    def __init__(self) -> None:
        self._connection: Connection | None = None
        self._stopped = False

    def __call__(self, connection: Connection) -> None:
        self._connection = connection
        if self._stopped:
            connection.stream.interrupt()

    def stop(self) -> None:
        """Interrupt it, and those to come. From any thread or finalizer."""
        self._stopped = True
        connection = self._connection
        if connection is not None:
            connection.stream.interrupt()

    def abandon(self) -> None:
        """In a child process after a fork."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.stream.abandon()


class Monitor:
    """Checks one server until it is stopped or the topology is gone."""

    def __init__(
        self,
        topology: Topology,
        address: Address,
        settings: MonitorSettings,
        backend: Backend,
        connect: Connect,
        observer: Observer,
        investigate: Investigate | None = None,
    ) -> None:
        self.address = address
        self._topology = weakref.ref(topology)
        self._settings = settings
        self._backend = backend
        self._reports = Reports(backend)
        self._connect = connect
        self._investigate = investigate
        self._subscribers = observer.heartbeats
        #: How many it has opened.
        self._connections = 0
        self.round_trips = RoundTrips()
        self._known = False  # whether the last check found the server
        self._was_ever_known = False
        self._topology_version: Any = None
        self._reset()

    def _reset(self) -> None:
        self._wake: Event | None = None
        self._opening = Opening()
        self._connection: Connection | None = None
        self._stopped = False
        self._cancelled = False
        self._requested = False
        self._task: Task | None = None
        self._rtt_monitor: RttMonitor | None = None

    # -- from other tasks and threads --

    def start(self) -> None:
        """Begin in the background; does nothing when begun or stopped already."""
        if self._task is None and not self._stopped:
            self._wake = self._backend.event()
            self._task = self._backend.spawn(self._run, f"mongodriver monitor {self.address[0]}")

    def stop(self) -> None:
        """End soon, without waiting for an answer under way."""
        self._stopped = True
        self._opening.stop()
        self._interrupt()
        self._set_wake()
        if self._task is not None:
            self._task.cancel()
        if self._rtt_monitor is not None:
            self._rtt_monitor.stop()

    async def join(self, timeout: float | None = None) -> None:
        """Wait until the coroutines have ended."""
        if self._task is not None:
            await self._task.join(timeout)
        if self._rtt_monitor is not None:
            await self._rtt_monitor.join(timeout)

    @property
    def minimum_rtt(self) -> float:
        """The least of the recent round trips, in seconds; 0 until there are two."""
        return self.round_trips.minimum

    def request_check(self) -> None:
        """Check as soon as the pace of checks allows, if no check is under way."""
        self._requested = True
        self._set_wake()

    def cancel_check(self) -> None:
        """Give up the answer under way: an operation found the server unreachable."""
        self._cancelled = True
        self._interrupt()

    def after_fork(self) -> None:
        """Forget the parent's connection and thread."""
        self._opening.abandon()
        if self._connection is not None:
            self._connection.stream.abandon()
        if self._rtt_monitor is not None:
            self._rtt_monitor.after_fork()
        self._reset()

    def _interrupt(self) -> None:
        connection = self._connection
        if connection is not None:
            connection.stream.interrupt()

    def _set_wake(self) -> None:
        if self._wake is not None:
            self._wake.set()

    # -- the coroutine --

    async def _run(self) -> None:
        try:
            while not self._stopped:
                try:
                    again = await self._step()
                except Exception as exc:
                    # Nobody else watches this server: whatever happened, go on.
                    self._reports.add(exc)
                    again = False
                if not again and not self._stopped:
                    await self._pause()
        finally:
            if self._connection is not None:
                self._connection.close()
            if self._rtt_monitor is not None:
                self._rtt_monitor.stop()

    async def _step(self) -> bool:
        """One check and what follows from it; whether the next one follows at once."""
        if self._topology() is None:
            self._stopped = True
            return False
        self._requested = False
        self._cancelled = False
        was_known = self._known
        try:
            reply = await self._check()
            self._apply(reply)
        except Exception as exc:
            self._discard_connection()
            if self._stopped or self._cancelled:
                return False
            error = self._as_error(exc)
            if self._investigate is not None and not self._was_ever_known:
                await self._investigate(error)
            return self._failed(error, was_known)
        self._known = self._was_ever_known = True
        self._topology_version = reply.topology_version
        streaming = self._settings.streaming and reply.topology_version is not None
        if streaming:
            self._measure_round_trips()
        return streaming

    def _as_error(self, exc: Exception) -> PyMongoError:
        """What a failed check says of the server. A programming error is reported as well."""
        if isinstance(exc, PyMongoError):
            return exc
        self._reports.add(exc)
        error = PyMongoError(f"{address_text(self.address)}: {type(exc).__name__}: {exc}")
        error.__cause__ = exc
        return error

    def _apply(self, reply: Hello[Any]) -> None:
        """Tell the topology what the server says of itself."""
        trips = self.round_trips
        topology = self._topology()
        if topology is not None:
            topology.update(
                ServerDescription(self.address, reply, trips.get(), None, trips.minimum)
            )

    def _failed(self, exc: PyMongoError, was_known: bool) -> bool:
        self._known = False
        self._topology_version = None
        self.round_trips.reset()
        topology = self._topology()
        if topology is not None:
            topology.update(
                ServerDescription(self.address, error=exc),
                clear=True,
                interrupt=isinstance(exc, NetworkTimeout),
            )
        # A connection that broke says little about the server: ask it once more, at once.
        return was_known and not isinstance(exc, OperationFailure)

    async def _pause(self) -> None:
        """Wait for the next check: the heartbeat interval, or less if one is requested."""
        ended = monotonic()
        assert self._wake is not None
        left = self._settings.heartbeat_frequency
        while left > 0 and not self._requested and not self._stopped:
            await self._wake.wait(left)
            self._wake.clear()
            left = ended + self._settings.heartbeat_frequency - monotonic()
        soonest = ended + MIN_HEARTBEAT_INTERVAL
        while not self._stopped and (left := soonest - monotonic()) > 0:
            await self._wake.wait(left)
            self._wake.clear()

    # -- one check --

    async def _check(self) -> Hello[Any]:
        """One answer to hello. Raises the driver's exception for whatever went wrong."""
        connection = self._usable_connection()
        awaited = (
            connection is not None
            and self._settings.streaming
            and self._topology_version is not None
        )
        look_for_logging()
        subscribers = self._subscribers
        if subscribers:
            self._tell(
                events.classes.ServerHeartbeatStartedEvent(self.address, awaited), connection
            )
        start = monotonic()
        try:
            reply = await self._ask(connection, awaited)
        except PyMongoError as exc:
            if subscribers:
                given_up = self._cancelled or self._stopped
                error = _OperationCancelled("operation cancelled") if given_up else exc
                seconds = monotonic() - start
                self._tell(
                    events.classes.ServerHeartbeatFailedEvent(
                        seconds, error, self.address, awaited
                    ),
                    connection,
                )
            raise
        duration = monotonic() - start
        if connection is None and self._connection is not None:
            self.round_trips.add_sample(self._connection.handshake_seconds)
        elif not awaited:
            self.round_trips.add_sample(duration)
        if subscribers:
            self._tell(
                events.classes.ServerHeartbeatSucceededEvent(
                    duration, reply, self.address, awaited
                ),
                self._connection,
            )
        return reply

    def _tell(self, event: Any, connection: Connection | None) -> None:
        """Publish an event of a check on a connection; None: one that is still to be opened."""
        event._driver_connection_id = self._connections + (connection is None)
        if connection is not None:
            event._server_connection_id = connection.server_connection_id
        publish(self._subscribers, event)

    async def _ask(self, connection: Connection | None, awaited: bool) -> Hello[Any]:
        if connection is None:
            self._connection = connection = await self._connect(self._opening)
            self._connections += 1
            if self._stopped:
                raise _OperationCancelled("operation cancelled")
            return connection.hello
        topology_version = self._topology_version if awaited else None
        deadline = self._settings.deadline(awaited)
        return await ask_hello(connection, self._settings, topology_version, deadline)

    def _usable_connection(self) -> Connection | None:
        connection = self._connection
        if connection is not None and connection.closed:
            self._discard_connection()
            return None
        return connection

    def _discard_connection(self) -> None:
        connection, self._connection = self._connection, None
        self._topology_version = None
        if connection is not None:
            connection.close()

    def _measure_round_trips(self) -> None:
        if self._rtt_monitor is None:
            monitor = RttMonitor(
                self._topology, self._settings, self._backend, self._connect, self.round_trips
            )
            monitor.start(self.address)
            self._rtt_monitor = monitor


class RttMonitor:
    """Measures the round trip while the answers of the monitor are streamed.

    Its errors say nothing about the server: only the measurements start anew.
    """

    def __init__(
        self,
        topology: weakref.ref[Topology],
        settings: MonitorSettings,
        backend: Backend,
        connect: Connect,
        round_trips: RoundTrips,
    ) -> None:
        self._topology = topology
        self._settings = settings
        self._backend = backend
        self._reports = Reports(backend)
        self._connect = connect
        self._round_trips = round_trips
        self._wake = backend.event()
        self._opening = Opening()
        self._connection: Connection | None = None
        self._stopped = False
        self._task: Task | None = None

    def start(self, address: Address) -> None:
        self._task = self._backend.spawn(self._run, f"mongodriver rtt {address[0]}")

    def stop(self) -> None:
        self._stopped = True
        self._wake.set()
        if self._task is not None:
            self._task.cancel()
        self._opening.stop()

    async def join(self, timeout: float | None = None) -> None:
        if self._task is not None:
            await self._task.join(timeout)

    def after_fork(self) -> None:
        self._stopped = True
        self._opening.abandon()

    async def _run(self) -> None:
        try:
            # The monitor's own handshake has just given the first measurement.
            while not await self._wake.wait(self._settings.heartbeat_frequency):
                if self._topology() is None:
                    return
                await self._measure()
        finally:
            if self._connection is not None:
                self._connection.close()

    async def _measure(self) -> None:
        try:
            if self._connection is None:
                self._connection = await self._connect(self._opening)
                self._round_trips.add_sample(self._connection.handshake_seconds)
                return
            start = monotonic()
            deadline = self._settings.deadline(False)
            await ask_hello(self._connection, self._settings, None, deadline)
            self._round_trips.add_sample(monotonic() - start)
        except Exception as exc:
            if not isinstance(exc, PyMongoError):
                self._reports.add(exc)
            if self._connection is not None:
                self._connection.close()
            self._connection = None


async def ask_hello(
    connection: Connection,
    settings: MonitorSettings,
    topology_version: Any,
    deadline: float | None,
) -> Hello[Any]:
    """Ask, or read the next answer of a stream of them.

    :param topology_version: wait until the server's is newer, or the heartbeat interval is over;
        None: answer at once.
    :raises PyMongoError: whatever goes wrong, with the address in the text.
    """
    try:
        document = await _answer(connection, settings, topology_version, deadline)
    except OSError as exc:
        limits = Limits(settings.connect_timeout, settings.connect_timeout)
        raise connection_failure(exc, connection.address, limits) from exc
    try:
        error = command_error(document)
        if error is None:
            return read_hello(document, topology_version is not None)
    except Exception as exc:
        connection.close()
        raise bad_reply("hello", connection.address, exc) from exc
    connection.close()
    raise error


async def _answer(
    connection: Connection,
    settings: MonitorSettings,
    topology_version: Any,
    deadline: float | None,
) -> dict[str, Any]:
    if connection.max_wire_version < OP_MSG_WIRE_VERSION:
        return await connection.query(settings.hello_command(False, None), deadline)
    may_stream = topology_version is not None or connection.more_to_come
    if connection.more_to_come:
        data = await connection.receive(deadline)
    else:
        data = await _send_hello(connection, settings, topology_version, deadline)
    return connection.decode_own(data, may_stream)


async def _send_hello(
    connection: Connection,
    settings: MonitorSettings,
    topology_version: Any,
    deadline: float | None,
) -> bytes:
    body = settings.hello_command(connection.hello.hello_ok, topology_version)
    flags = 0
    if topology_version is not None:
        flags = EXHAUST_ALLOWED
        body["maxAwaitTimeMS"] = int(settings.heartbeat_frequency * 1000)
    request_id = next_request_id()
    message = encode_message(request_id, flags, body, DEFAULT_CODEC_OPTIONS)
    return await connection.exchange(message, request_id, deadline, next(iter(body)))
