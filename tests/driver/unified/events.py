"""What is observed of a client: the events of commands, pools and monitoring."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from mongodriver import monitoring

from .format import KIND_OF_EVENT

_SENSITIVE = {
    "authenticate",
    "saslStart",
    "saslContinue",
    "getnonce",
    "createUser",
    "updateUser",
    "copydbgetnonce",
    "copydbsaslstart",
    "copydb",
}
_HELLO = {"hello", "isMaster", "ismaster"}


def type_of(event: Any) -> str:
    """The format's name of an event's type: ``commandStartedEvent``."""
    name = type(event).__name__
    name = {"TopologyOpenedEvent": "TopologyOpeningEvent"}.get(name, name)
    return name[0].lower() + name[1:]


class Events:
    """The events of one client that a test observes, in their order."""

    def __init__(self, backend: Any, spec: Mapping[str, Any]) -> None:
        self._backend = backend
        self._observed = set(spec.get("observeEvents", ()))
        self._ignored = {*spec.get("ignoreCommandMonitoringEvents", ()), "configureFailPoint"}
        self._sensitive = spec.get("observeSensitiveCommands", False)
        self._stores: list[tuple[set[str], list[Any]]] = []
        self._waiting: list[tuple[Callable[[], bool], Any]] = []
        self._on = True
        self.recorded: list[Any] = []

    @property
    def listeners(self) -> list[Any]:
        """Listeners for what is observed, and for nothing else: some cost a client its speed."""
        wanted = self._observed | {name for names, _ in self._stores for name in names}
        return [listener(self) for types, listener in _LISTENERS if types & wanted]

    def store(self, types: Iterable[str]) -> list[Any]:
        """A list that is filled with documents of these events, for a workload executor."""
        names = {name[0].lower() + name[1:] for name in types}
        stored: list[Any] = []
        self._stores.append((names, stored))
        return stored

    def take(self, event: Any) -> None:
        """An event was published. From any thread."""
        if not self._on or self._is_of_no_interest(event):
            return
        name = type_of(event)
        if name in self._observed:
            self.recorded.append(event)
            for condition, flag in list(self._waiting):
                if condition():
                    flag.set()
        for names, stored in self._stores:
            if name in names:
                stored.append({"name": type(event).__name__})

    def _is_of_no_interest(self, event: Any) -> bool:
        command = getattr(event, "command_name", None)
        if command is None:
            return False
        if command in self._ignored:
            return True
        return not self._sensitive and (command in _SENSITIVE or _is_redacted_hello(event))

    def of_kind(self, kind: str) -> list[Any]:
        """The events of commands, of pools ("cmap") or of monitoring ("sdam")."""
        return [event for event in list(self.recorded) if KIND_OF_EVENT[type_of(event)] == kind]

    async def wait_until(self, condition: Callable[[], bool], seconds: float) -> bool:
        """Wait until something is so of the events recorded; whether it was in time."""
        waiting = (condition, self._backend.event())
        self._waiting.append(waiting)
        try:
            return condition() or await waiting[1].wait(seconds) or condition()
        finally:
            self._waiting.remove(waiting)

    def forget_all_but_commands(self) -> None:
        """Begin anew with the events of pools and monitoring."""
        self.recorded[:] = self.of_kind("command")

    def stop(self) -> None:
        """Record no more."""
        self._on = False


def _is_redacted_hello(event: Any) -> bool:
    """Whether it is of a hello that began a login: those events are empty."""
    content = getattr(event, "command", None) or getattr(event, "reply", None)
    return event.command_name in _HELLO and not content


class _Commands(monitoring.CommandListener):
    def __init__(self, events: Events) -> None:
        self.started = self.succeeded = self.failed = events.take  # type: ignore[method-assign]


class _Pools(monitoring.ConnectionPoolListener):
    def __init__(self, events: Events) -> None:
        for name in vars(monitoring.ConnectionPoolListener):
            if not name.startswith("_"):
                setattr(self, name, events.take)


class _Heartbeats(monitoring.ServerHeartbeatListener):
    def __init__(self, events: Events) -> None:
        self.started = self.succeeded = self.failed = events.take  # type: ignore[method-assign]


class _Servers(monitoring.ServerListener):
    def __init__(self, events: Events) -> None:
        self.description_changed = events.take  # type: ignore[method-assign]

    def opened(self, event: Any) -> None:
        """The format knows no such event."""

    closed = opened


class _Topologies(monitoring.TopologyListener):
    def __init__(self, events: Events) -> None:
        self.opened = self.closed = events.take  # type: ignore[method-assign]
        self.description_changed = events.take  # type: ignore[method-assign]


def _types(*beginnings: str) -> set[str]:
    return {name for name in KIND_OF_EVENT if name.startswith(beginnings)}


_LISTENERS: list[tuple[set[str], Any]] = [
    (_types("command"), _Commands),
    (_types("pool", "connection"), _Pools),
    (_types("serverHeartbeat"), _Heartbeats),
    (_types("serverDescription"), _Servers),
    (_types("topology"), _Topologies),
]
