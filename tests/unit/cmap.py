"""Runs the CMAP specification's scripts against a pool whose connections are made of nothing.

A "thread" of a script is a background coroutine of the backend under test, so every script runs
on real threads and on tasks of an event loop.
"""

from __future__ import annotations

import re
import time
from collections import deque
from typing import Any

from mongodriver import monitoring
from mongodriver.client.settings import PoolSettings
from mongodriver.cmap.pool import Pool
from mongodriver.errors import AutoReconnect, OperationFailure
from mongodriver.events.observer import Observer
from mongodriver.monitoring import EventListeners

ADDRESS = ("pool.test", 27017)
#: Seconds no script needs; reaching it is a failure.
PATIENCE = 10.0


class FakeStream:
    """A stream that only knows whether it is open."""

    def __init__(self, backend: Any) -> None:
        self.closed = False
        self.interrupted = backend.event()

    def close(self) -> None:
        self.closed = True

    def interrupt(self) -> None:
        self.closed = True
        self.interrupted.set()

    dispose = abandon = close

    def is_stale(self) -> bool:
        return self.closed


class FakeConnection:
    """What a pool needs of a connection."""

    def __init__(self, stream: FakeStream, id: int, generation: int) -> None:
        self.stream = stream
        self.id = id
        self.generation = generation
        self.last_used = time.monotonic()
        self.service_id = None
        self.more_to_come = False
        self.pinned = ""

    def close(self) -> None:
        self.stream.close()


class Recorder(monitoring.ConnectionPoolListener):
    """Keeps the events, and wakes whoever waits for some."""

    def __init__(self) -> None:
        self.events: list[Any] = []
        self.waiting: list[tuple[str, int, Any]] = []

    def _record(self, event: Any) -> None:
        self.events.append(event)
        for name, count, flag in list(self.waiting):
            if self.count(name) >= count:
                flag.set()

    def count(self, name: str) -> int:
        return sum(event_name(e) == name for e in self.events)

    async def wait_for(self, backend: Any, name: str, count: int, timeout: float) -> None:
        flag = backend.event()
        self.waiting.append((name, count, flag))
        if self.count(name) < count and not await flag.wait(timeout):
            raise AssertionError(f"waited for {count} {name}, saw {self.count(name)}")


for _name in (
    "pool_created",
    "pool_ready",
    "pool_cleared",
    "pool_closed",
    "connection_created",
    "connection_ready",
    "connection_closed",
    "connection_check_out_started",
    "connection_check_out_failed",
    "connection_checked_out",
    "connection_checked_in",
):
    setattr(Recorder, _name, Recorder._record)
Recorder.__abstractmethods__ = frozenset()


def event_name(event: Any) -> str:
    """The specification's name: ConnectionPoolReady for PoolReadyEvent, and so on."""
    name = type(event).__name__.removesuffix("Event")
    name = name.replace("CheckOut", "CheckOut")
    return f"Connection{name}" if name.startswith("Pool") else name


class Script:
    """One specification file, run on one backend."""

    def __init__(self, backend: Any, spec: dict[str, Any]) -> None:
        self.backend = backend
        self.spec = spec
        self.recorder = Recorder()
        self.labels: dict[Any, Any] = {}
        self.threads: dict[str, Thread] = {}
        self.fail_point = spec.get("failPoint", {}).get("data", {})
        self.fail_times = spec.get("failPoint", {}).get("mode", {})
        self.finished = False
        options = spec.get("poolOptions", {})
        self.interval = options.get("backgroundThreadIntervalMS", 20) / 1000
        self.pool = Pool(
            ADDRESS,
            pool_settings(options),
            backend,
            self.connect,
            Observer(EventListeners([self.recorder])),
            self.connect_failed,
        )
        self.pool.announce()

    async def connect(
        self, id: int, generation: int, opened: Any, deadline: float | None
    ) -> FakeConnection:
        connection = FakeConnection(FakeStream(self.backend), id, generation)
        opened(connection)
        if self.fail_point.get("blockConnection"):
            delay = self.fail_point["blockTimeMS"] / 1000
            if await connection.stream.interrupted.wait(delay):
                raise AutoReconnect("interrupted")
        if self.fail_point.get("closeConnection"):
            raise AutoReconnect("connection closed")
        if "errorCode" in self.fail_point:
            raise OperationFailure("fail point", self.fail_point["errorCode"])
        return connection

    def connect_failed(self, exc: Exception, generation: int) -> None:
        if generation == self.pool.generation:
            self.pool.clear()

    async def maintain(self) -> None:
        tick = self.backend.event()
        while not self.finished and self.pool.state != "closed":
            if self.pool.state == "ready":
                await self.run_maintenance()
            await tick.wait(min(self.interval, 0.02))

    async def run_maintenance(self) -> None:
        try:
            self.pool.tidy()
            await self.pool.fill()
        except OperationFailure:
            pass

    async def run(self) -> None:
        if self.interval > 0:
            self.backend.spawn(self.maintain, "maintenance")
        try:
            await self.run_operations()
        finally:
            self.finished = True
        self.check_events()

    async def run_operations(self) -> None:
        expected = self.spec.get("error")
        try:
            for operation in self.spec["operations"]:
                if "thread" in operation:
                    self.threads[operation["thread"]].give(operation)
                else:
                    await self.perform(operation)
        except Exception as exc:
            if expected is None:
                raise
            assert type(exc).__name__ in (expected["type"], ERROR_CLASSES.get(expected["type"]))
        else:
            assert expected is None, f"no {expected['type']} was raised"

    async def perform(self, operation: dict[str, Any]) -> None:
        name = re.sub("([A-Z])", r"_\1", operation["name"]).lower()
        await getattr(self, f"do_{name}")(operation)

    async def do_start(self, operation: dict[str, Any]) -> None:
        self.threads[operation["target"]] = Thread(self)

    async def do_wait(self, operation: dict[str, Any]) -> None:
        await self.backend.event().wait(operation["ms"] / 1000)

    async def do_wait_for_thread(self, operation: dict[str, Any]) -> None:
        await self.threads[operation["target"]].end()

    async def do_wait_for_event(self, operation: dict[str, Any]) -> None:
        timeout = operation.get("timeout", PATIENCE * 1000) / 1000
        await self.recorder.wait_for(self.backend, operation["event"], operation["count"], timeout)

    async def do_check_out(self, operation: dict[str, Any]) -> None:
        connection = await self.pool.checkout()
        # Kept in any case: the pool does not count a connection that nobody holds any more.
        self.labels[operation.get("label", len(self.labels))] = connection

    async def do_check_in(self, operation: dict[str, Any]) -> None:
        self.pool.checkin(self.labels.pop(operation["connection"]))

    async def do_clear(self, operation: dict[str, Any]) -> None:
        self.pool.clear(interrupt=operation.get("interruptInUseConnections", False))

    async def do_close(self, operation: dict[str, Any]) -> None:
        self.pool.close()

    async def do_ready(self, operation: dict[str, Any]) -> None:
        self.pool.ready()

    def check_events(self) -> None:
        ignored = self.spec.get("ignore", ())
        actual = [e for e in self.recorder.events if event_name(e) not in ignored]
        expected = self.spec["events"]
        assert [event_name(e) for e in actual][: len(expected)] == [e["type"] for e in expected]
        for event, wanted in zip(actual, expected, strict=False):
            for field, value in wanted.items():
                assert field == "type" or matches(value, getattr(event, FIELDS[field])), wanted


ERROR_CLASSES = {"PoolClosedError": "PoolClosedError", "PoolClearedError": "AutoReconnect"}
FIELDS = {
    "address": "address",
    "connectionId": "connection_id",
    "options": "options",
    "reason": "reason",
    "duration": "duration",
    "interruptInUseConnections": "interrupt_connections",
}


def matches(expected: Any, actual: Any) -> bool:
    """The specification's MATCHES; 42 stands for anything."""
    if expected in (42, "42"):
        return actual is not None
    if isinstance(expected, dict):
        return all(matches(v, actual[k]) for k, v in expected.items())
    return bool(expected == actual)


def pool_settings(options: dict[str, Any]) -> PoolSettings:
    """Settings from a script's poolOptions."""

    def seconds(name: str) -> float | None:
        return options[name] / 1000 if name in options else None

    return PoolSettings(
        max_size=options.get("maxPoolSize", 100),
        min_size=options.get("minPoolSize", 0),
        max_connecting=options.get("maxConnecting", 2),
        max_idle_time=seconds("maxIdleTimeMS"),
        wait_queue_timeout=seconds("waitQueueTimeoutMS"),
        event_options={k: v for k, v in options.items() if k != "appName"},
    )


class Thread:
    """A thread of a script: performs what it is given, in order."""

    def __init__(self, script: Script) -> None:
        self.script = script
        self.work: deque[dict[str, Any] | None] = deque()
        self.wake = script.backend.event()
        self.error: Exception | None = None
        self.task = script.backend.spawn(self.main, "script thread")

    def give(self, operation: dict[str, Any] | None) -> None:
        self.work.append(operation)
        self.wake.set()

    async def main(self) -> None:
        while await self.wake.wait(PATIENCE):
            self.wake.clear()
            while self.work:
                operation = self.work.popleft()
                if operation is None:
                    return
                try:
                    await self.script.perform(operation)
                except Exception as exc:
                    self.error = exc
                    return

    async def end(self) -> None:
        self.give(None)
        await self.task.join(PATIENCE)
        if self.error is not None:
            raise self.error
