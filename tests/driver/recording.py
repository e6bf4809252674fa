"""A listener that keeps the commands a client sends."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mongodriver.monitoring import CommandListener

#: What differs from one run to the next.
_VOLATILE = ("lsid", "$clusterTime", "operationTime", "electionId", "opTime")


class Commands(CommandListener):
    """Records command events. `sent` are the commands without what differs between runs."""

    def __init__(self) -> None:
        self.events: list[Any] = []

    def started(self, event: Any) -> None:
        self.events.append(event)

    def succeeded(self, event: Any) -> None:
        self.events.append(event)

    def failed(self, event: Any) -> None:
        self.events.append(event)

    def clear(self) -> None:
        self.events.clear()

    @property
    def started_events(self) -> list[Any]:
        return [event for event in self.events if hasattr(event, "command")]

    @property
    def names(self) -> list[str]:
        return [event.command_name for event in self.started_events]

    @property
    def work(self) -> list[str]:
        """Names of the commands but for the background's, which come whenever they come."""
        return [name for name in self.names if name != "killCursors"]

    @property
    def sent(self) -> list[dict[str, Any]]:
        return [stable(event.command) for event in self.started_events]


def stable(command: Mapping[str, Any]) -> dict[str, Any]:
    """A command or reply without times and session ids."""
    return {name: value for name, value in command.items() if name not in _VOLATILE}
