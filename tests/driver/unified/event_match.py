"""Comparing the events of a client with those a test expects."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bsonx.objectid import ObjectId

from .events import Events, type_of
from .failures import Mismatch
from .values import Matcher

_NO_SERVICE = ObjectId(b"\0" * 12)


def check_events(matcher: Matcher, events: Events, expected: Mapping[str, Any]) -> None:
    """Raise Mismatch unless the events of one kind are those that are expected."""
    recorded = events.of_kind(expected.get("eventType", "command"))
    wanted = expected["events"]
    count = len(recorded)
    if expected.get("ignoreExtraEvents"):
        recorded = recorded[: len(wanted)]
    for index, (one, event) in enumerate(zip(wanted, recorded, strict=False)):
        check_event(matcher, one, event, f"event {index}")
    if len(recorded) != len(wanted):
        names = [_described(event) for event in recorded]
        raise Mismatch(f"{count} events {names}, expected {len(wanted)}: {wanted!r}")


def count_events(matcher: Matcher, events: Events, expected: Mapping[str, Any]) -> int:
    """How many events so far are as this one."""

    def suits(event: Any) -> bool:
        try:
            check_event(matcher, expected, event, "")
        except Mismatch:
            return False
        return True

    return sum(suits(event) for event in list(events.recorded))


def _described(event: Any) -> str:
    return f"{type_of(event)} {getattr(event, 'command_name', '')}".strip()


def check_event(matcher: Matcher, expected: Mapping[str, Any], event: Any, path: str) -> None:
    """Raise Mismatch unless an event is as expected."""
    ((name, fields),) = expected.items()
    if name != type_of(event):
        raise Mismatch(f"{path} is {_described(event)}, expected {name} {fields!r}")
    for field, value in fields.items():
        # An unknown field is a KeyError: `format` has refused it before.
        _FIELDS[field](matcher, value, event, f"{path} {_described(event)} {field}")


def _attribute(name: str) -> Any:
    def check(matcher: Matcher, expected: Any, event: Any, path: str) -> None:
        matcher.match(expected, getattr(event, name), path)

    return check


def _description(name: str) -> Any:
    def check(matcher: Matcher, expected: Any, event: Any, path: str) -> None:
        description = getattr(event, name)
        kind = getattr(description, "server_type_name", None) or description.topology_type_name
        if "type" in expected and _known_type(expected["type"]) != kind:
            raise Mismatch(f"{path} is of a {kind}, expected a {expected['type']}")

    return check


def _known_type(name: str) -> str:
    """Only single-threaded clients tell PossiblePrimary from Unknown."""
    return "Unknown" if name == "PossiblePrimary" else name


def _has_service_id(matcher: Matcher, expected: bool, event: Any, path: str) -> None:
    has = event.service_id is not None and event.service_id != _NO_SERVICE
    matcher.match(expected, has, path)


def _has_connection_id(matcher: Matcher, expected: bool, event: Any, path: str) -> None:
    number = event.server_connection_id
    matcher.match(expected, number is not None and number > 0, path)


_FIELDS: dict[str, Any] = {
    "command": _attribute("command"),
    "reply": _attribute("reply"),
    "commandName": _attribute("command_name"),
    "databaseName": _attribute("database_name"),
    "hasServiceId": _has_service_id,
    "hasServerConnectionId": _has_connection_id,
    "interruptInUseConnections": _attribute("interrupt_connections"),
    "reason": _attribute("reason"),
    "awaited": _attribute("awaited"),
    "previousDescription": _description("previous_description"),
    "newDescription": _description("new_description"),
}
