"""The findings: steps of hosts and of the whole deployment."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from mongodriver.values.address import Address, address_text
from mongodriver.values.causes import CauseKind

from .versions import versions

#: Of the JSON document: grows when a field changes its meaning or goes, not when one is added.
FORMAT = 1


class Status(StrEnum):
    """How a step went."""

    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"
    SKIPPED = "skipped"


class Exit:
    """Exit statuses: 0 and 1 where the deployment can be used, else the step that failed."""

    OK = 0
    WARNING = 1
    USAGE = 2
    DNS = 3
    TCP = 4
    TLS = 5
    HELLO = 6
    LOGIN = 7
    SELECTION = 8
    INTERRUPTED = 130


#: The steps in their order, and the exit status of a failure.
STEPS = {
    "srv": Exit.DNS,
    "dns": Exit.DNS,
    "tcp": Exit.TCP,
    "tls": Exit.TLS,
    "hello": Exit.HELLO,
    "login": Exit.LOGIN,
    "roles": Exit.LOGIN,
    "latency": Exit.HELLO,
    "selection": Exit.SELECTION,
}


@dataclass
class Step:
    """One step.

    `detail` is one line about what was found or went wrong, `facts` the same as JSON values; of a
    problem, `kind` is its kind and `hint` says in one line what to do.
    """

    name: str
    status: Status = Status.OK
    detail: str = ""
    facts: dict[str, Any] = field(default_factory=dict)
    kind: CauseKind | None = None
    hint: str = ""
    milliseconds: float = 0.0

    def as_json(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "status": str(self.status),
            "kind": None if self.kind is None else str(self.kind),
            "detail": self.detail,
            "hint": self.hint,
            "milliseconds": self.milliseconds,
            "facts": self.facts,
        }


@dataclass
class HostReport:
    """What was found at one host; `is_seed` says whether the user named it."""

    address: Address
    is_seed: bool
    steps: list[Step] = field(default_factory=list)

    @property
    def failure(self) -> Step | None:
        """The step that failed, which is the last one."""
        return next((step for step in self.steps if step.status == Status.FAILED), None)

    def as_json(self) -> dict[str, Any]:
        return {
            "address": address_text(self.address),
            "seed": self.is_seed,
            "steps": [step.as_json() for step in self.steps],
        }


@dataclass
class Report:
    """All findings."""

    hosts: list[HostReport] = field(default_factory=list)
    #: Of the deployment as a whole.
    steps: list[Step] = field(default_factory=list)

    def _problems(self) -> Iterable[Step]:
        for steps in (self.steps, *(host.steps for host in self.hosts)):
            yield from (s for s in steps if s.status in (Status.WARNING, Status.FAILED))

    @property
    def is_usable(self) -> bool:
        """Whether the driver found a server for the application, and not all hosts have failed."""
        selected = any(s.name == "selection" and s.status != Status.FAILED for s in self.steps)
        return selected and any(host.failure is None for host in self.hosts)

    @property
    def exit_status(self) -> int:
        if self.is_usable:
            return Exit.WARNING if any(self._problems()) else Exit.OK
        step = self._telling()
        kind = step.kind or ""
        if kind.startswith("tls"):
            return Exit.TLS
        return Exit.LOGIN if kind == CauseKind.AUTHENTICATION else STEPS[step.name]

    @property
    def status(self) -> Status:
        if not self.is_usable:
            return Status.FAILED
        return Status.WARNING if self.exit_status else Status.OK

    def _telling(self) -> Step:
        """The failure that tells most: of the whole, else that of the host that came furthest."""
        for step in self.steps:
            if step.status == Status.FAILED:
                return step
        order = list(STEPS)
        failures = [failure for host in self.hosts if (failure := host.failure) is not None]
        return max(failures, key=lambda failure: order.index(failure.name))

    @property
    def hint(self) -> str:
        """What to do first; "" where nothing is to be done."""
        if not self.is_usable:
            return self._telling().hint
        return next((step.hint for step in self._problems()), "")

    def as_json(self) -> dict[str, Any]:
        return {
            "format": FORMAT,
            "status": str(self.status),
            "exit": self.exit_status,
            "hint": self.hint,
            "client": versions(),
            "deployment": [step.as_json() for step in self.steps],
            "hosts": [host.as_json() for host in self.hosts],
        }
