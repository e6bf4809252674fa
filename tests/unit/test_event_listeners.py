"""Events and listeners, as PyMongo's."""

from __future__ import annotations

import datetime
from typing import Any

import pytest
from oracle import OURS, THEIRS, assert_same, outcome

from mongodriver import monitoring
from mongodriver.events import listeners
from mongodriver.monitoring import (
    CommandListener,
    CommandStartedEvent,
    ConnectionPoolListener,
    EventListeners,
    PoolReadyEvent,
    ServerHeartbeatListener,
    ServerHeartbeatStartedEvent,
    ServerListener,
    ServerOpeningEvent,
    TopologyListener,
    TopologyOpenedEvent,
    _EventListener,
)

A = ("h", 27017)
DURATION = datetime.timedelta(milliseconds=3)

EVENTS = [
    "CommandStartedEvent({'find': 'c', 'filter': {}}, 'db', 1, A, 2)",
    "CommandStartedEvent({'find': 'c'}, 'db', 1, A, None, 5, 9)",
    "CommandStartedEvent({}, 'db', 1, A, 2)",
    "CommandStartedEvent({'hello': 1, 'speculativeAuthenticate': {}}, 'db', 1, A, 2)",
    "CommandStartedEvent({'isMaster': 1, 'speculativeAuthenticate': {}}, 'db', 1, A, 2)",
    "CommandStartedEvent({'hello': 1}, 'db', 1, A, 2)",
    "CommandStartedEvent({'saslStart': 1, 'payload': 'secret'}, 'db', 1, A, 2)",
    "CommandStartedEvent({'createUser': 'x', 'pwd': 'secret'}, 'db', 1, A, 2)",
    "CommandSucceededEvent(D, {'ok': 1}, 'find', 1, A, 2)",
    "CommandSucceededEvent(D, {'ok': 1}, 'find', 1, A, 2, 5, 'db', 9)",
    "CommandSucceededEvent(D, {'ok': 1}, 'saslContinue', 1, A, 2)",
    "CommandSucceededEvent(D, {'speculativeAuthenticate': {'a': 1}}, 'hello', 1, A, 2)",
    "CommandFailedEvent(D, {'errmsg': 'x'}, 'find', 1, A, 2)",
    "CommandFailedEvent(D, {'errmsg': 'x'}, 'find', 1, A, 2, 5, 'db', 7)",
    "PoolCreatedEvent(A, {'maxPoolSize': 5})",
    "PoolReadyEvent(A)",
    "PoolClearedEvent(A)",
    "PoolClearedEvent(A, 5, True)",
    "PoolClosedEvent(A)",
    "ConnectionCreatedEvent(A, 1)",
    "ConnectionReadyEvent(A, 1, 0.5)",
    "ConnectionClosedEvent(A, 1, 'idle')",
    "ConnectionCheckOutStartedEvent(A)",
    "ConnectionCheckOutFailedEvent(A, 'timeout', 0.5)",
    "ConnectionCheckedOutEvent(A, 1, 0.5)",
    "ConnectionCheckedInEvent(A, 1)",
    "ServerOpeningEvent(A, 5)",
    "ServerClosedEvent(A, 5)",
    "ServerDescriptionChangedEvent(1, 2, A, 5)",
    "ServerDescriptionChangedEvent(1, 2)",
    "TopologyOpenedEvent(5)",
    "TopologyClosedEvent(5)",
    "TopologyDescriptionChangedEvent(1, 2, 5)",
    "ServerHeartbeatStartedEvent(A)",
    "ServerHeartbeatStartedEvent(A, True)",
    "ServerHeartbeatSucceededEvent(0.1, hello.Hello({'ok': 1}), A, True)",
    "ServerHeartbeatFailedEvent(0.1, ValueError('x'), A)",
]

ATTRIBUTES = [
    "command",
    "command_name",
    "database_name",
    "request_id",
    "connection_id",
    "operation_id",
    "service_id",
    "server_connection_id",
    "duration_micros",
    "duration",
    "failure",
    "address",
    "options",
    "interrupt_connections",
    "reason",
    "server_address",
    "topology_id",
    "previous_description",
    "new_description",
    "awaited",
    "__module__",
    "other",
]


@pytest.mark.parametrize("event", EVENTS)
def test_events(event: str) -> None:
    assert_same(f"monitoring.{event}", A=A, D=DURATION)
    for attribute in ATTRIBUTES:
        assert_same(f"monitoring.{event}.{attribute}", A=A, D=DURATION)


def _calls(logger: str) -> list[str]:
    """Return an expression for each method of a logger, called with a fitting event."""
    sd = "server_description.ServerDescription"
    changed = f"monitoring.ServerDescriptionChangedEvent({sd}(A), {sd}(A, KNOWN), A, 5)"
    events = {
        "CommandLogger": {
            "started": EVENTS[0],
            "succeeded": EVENTS[8],
            "failed": EVENTS[12],
        },
        "HeartbeatLogger": {
            "started": "ServerHeartbeatStartedEvent(A)",
            "succeeded": "ServerHeartbeatSucceededEvent(0.1, KNOWN, A)",
            "failed": "ServerHeartbeatFailedEvent(0.1, ValueError('x'), A)",
        },
        "ServerLogger": {
            "opened": "ServerOpeningEvent(A, 5)",
            "closed": "ServerClosedEvent(A, 5)",
            "description_changed": changed.removeprefix("monitoring."),
        },
        "TopologyLogger": {
            "opened": "TopologyOpenedEvent(5)",
            "closed": "TopologyClosedEvent(5)",
            "description_changed": "TopologyDescriptionChangedEvent(ONE, OTHER, 5)",
        },
        "ConnectionPoolLogger": {
            "pool_created": "PoolCreatedEvent(A, {})",
            "pool_ready": "PoolReadyEvent(A)",
            "pool_cleared": "PoolClearedEvent(A)",
            "pool_closed": "PoolClosedEvent(A)",
            "connection_created": "ConnectionCreatedEvent(A, 1)",
            "connection_ready": "ConnectionReadyEvent(A, 1, 0.5)",
            "connection_closed": "ConnectionClosedEvent(A, 1, 'idle')",
            "connection_check_out_started": "ConnectionCheckOutStartedEvent(A)",
            "connection_check_out_failed": "ConnectionCheckOutFailedEvent(A, 'timeout', 0.5)",
            "connection_checked_out": "ConnectionCheckedOutEvent(A, 1, 0.5)",
            "connection_checked_in": "ConnectionCheckedInEvent(A, 1)",
        },
    }
    return [
        f"event_loggers.{logger}().{method}(monitoring.{event})"
        for method, event in events[logger].items()
    ]


class _Topology:
    """As much of a topology description as the logger looks at."""

    def __init__(self, topology_type: int) -> None:
        self.topology_type = topology_type
        self.topology_type_name = f"T{topology_type}"

    def has_writable_server(self) -> bool:
        return self.topology_type == 1

    def has_readable_server(self) -> bool:
        return self.topology_type == 1


@pytest.mark.parametrize(
    "logger",
    [
        "CommandLogger",
        "HeartbeatLogger",
        "ServerLogger",
        "TopologyLogger",
        "ConnectionPoolLogger",
    ],
)
def test_loggers(logger: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")

    def logged(package: Any, call: str) -> list[tuple[str, str]]:
        caplog.clear()
        known = package.hello.Hello({"ok": 1})
        names = {"A": A, "D": DURATION, "KNOWN": known}
        result = outcome(call, package, **names, ONE=_Topology(1), OTHER=_Topology(2))
        assert result == "None"
        return [(record.levelname, record.getMessage()) for record in caplog.records]

    for call in _calls(logger):
        ours = logged(OURS, call)
        assert ours
        assert ours == logged(THEIRS, call)


@pytest.mark.parametrize(
    "expression",
    [
        "monitoring.register(1)",
        "monitoring._validate_event_listeners('event_listeners', 5)",
        "monitoring._validate_event_listeners('event_listeners', [5])",
        "monitoring.ConnectionClosedReason.IDLE",
        "monitoring.ConnectionCheckOutFailedReason.CONN_ERROR",
        "monitoring.CommandListener().started(1)",
        "monitoring.TopologyListener().closed(1)",
    ],
)
def test_the_rest(expression: str) -> None:
    assert_same(expression)


class Everything(
    CommandListener,
    ConnectionPoolListener,
    ServerHeartbeatListener,
    ServerListener,
    TopologyListener,
):
    """Notes the names of the methods that were called."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, Any]] = []

    def __getattribute__(self, name: str) -> Any:
        if name.startswith("_") or name == "calls":
            return super().__getattribute__(name)
        return lambda event: self.calls.append((name, event))


class Failing(CommandListener):
    def started(self, event: CommandStartedEvent) -> None:
        raise RuntimeError("listener failed")


@pytest.fixture(autouse=True)
def _no_registered_listeners(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listeners, "_LISTENERS", [])


def _started() -> CommandStartedEvent:
    return CommandStartedEvent({"ping": 1}, "admin", 1, A, 1)


def test_every_listener_gets_the_events_of_its_kind() -> None:
    everything = Everything()
    listeners = EventListeners([everything])
    assert listeners.enabled_for_commands
    assert listeners.enabled_for_pools
    assert listeners.enabled_for_server
    assert listeners.enabled_for_server_heartbeat
    assert listeners.enabled_for_topology
    events = [
        _started(),
        PoolReadyEvent(A),
        ServerHeartbeatStartedEvent(A),
        ServerOpeningEvent(A, 5),  # type: ignore[arg-type]
        TopologyOpenedEvent(5),  # type: ignore[arg-type]
    ]
    listeners.publish_command(events[0])  # type: ignore[arg-type]
    listeners.publish_pool(events[1])
    listeners.publish_heartbeat(events[2])  # type: ignore[arg-type]
    listeners.publish_server(events[3])  # type: ignore[arg-type]
    listeners.publish_topology(events[4])  # type: ignore[arg-type]
    names = ["started", "pool_ready", "started", "opened", "opened"]
    assert everything.calls == list(zip(names, events, strict=True))


def test_every_event_has_its_method() -> None:
    public = {name for name in monitoring.__all__ if name.endswith("Event")} - {"TopologyEvent"}
    for name in public - {name for name in public if name.startswith("_")}:
        method = getattr(monitoring, name)._listener_method
        assert any(hasattr(listener, method) for listener in _EventListener.__subclasses__()), name


def test_nothing_is_enabled_without_listeners() -> None:
    listeners = EventListeners()
    assert not listeners.enabled_for_commands
    assert not listeners.enabled_for_pools
    listeners.publish_command(_started())
    assert listeners.event_listeners() == []


def test_registered_listeners_come_first_and_only_for_later_clients() -> None:
    before = EventListeners()
    registered, own = Everything(), Everything()
    monitoring.register(registered)
    assert EventListeners([own]).event_listeners() == [registered, own]
    assert before.event_listeners() == []


def test_a_failing_listener_is_reported_and_the_others_go_on(
    capsys: pytest.CaptureFixture[str],
) -> None:
    everything = Everything()
    listeners = EventListeners([Failing(), everything])
    listeners.publish_command(_started())
    assert "listener failed" in capsys.readouterr().err
    assert len(everything.calls) == 1


def test_without_stderr_a_failing_listener_is_silent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stderr", None)
    everything = Everything()
    EventListeners([Failing(), everything]).publish_command(_started())
    assert len(everything.calls) == 1
