"""The findings for humans."""

from __future__ import annotations

from collections.abc import Iterator

from mongodriver.command_line.colours import GREEN, RED, YELLOW, coloured
from mongodriver.values.address import address_text

from . import versions
from .report import Report, Status, Step

_MARKS = {Status.OK: "ok", Status.WARNING: "WARN", Status.FAILED: "FAIL", Status.SKIPPED: "-"}
_RESULTS = {
    Status.OK: "Result: everything is all right.",
    Status.WARNING: "Result: usable, but not everything is all right.",
    Status.FAILED: "Result: not usable.",
}
_COLOURS = {Status.OK: GREEN, Status.WARNING: YELLOW, Status.FAILED: RED}
_CERTIFICATE = ("subject", "issuer", "names", "valid_from", "valid_until", "sha256")


def lines(report: Report, colours: bool = False) -> Iterator[str]:
    """The report, line by line, with colours where that is wanted."""
    yield versions.line()
    yield from _early(report, colours)
    for host in report.hosts:
        yield address_text(host.address) + ("" if host.is_seed else " (named by the set)")
        for step in host.steps:
            yield from _step(step, colours)
    late = [step for step in report.steps if step.name == "selection"]
    if late:
        yield "deployment"
        for step in late:
            yield from _step(step, colours)
    yield ""
    yield _in_colour(_RESULTS[report.status], report.status, colours)
    if report.hint:
        yield f"What to do: {report.hint}"


def _early(report: Report, colours: bool) -> Iterator[str]:
    early = [step for step in report.steps if step.name != "selection"]
    if early:
        yield "connection string"
        for step in early:
            yield from _step(step, colours)


def _step(step: Step, colours: bool) -> Iterator[str]:
    mark = _in_colour(f"{_MARKS[step.status]:4}", step.status, colours)
    yield f"  {mark}  {step.name:9}  {step.detail}".rstrip()
    if step.status in (Status.WARNING, Status.FAILED):
        for name in _CERTIFICATE:
            if step.facts.get(name):
                yield f"                     {name}: {_value(step.facts[name])}"
        yield f"                     -> {step.hint}"


def _in_colour(text: str, status: Status, colours: bool) -> str:
    return coloured(text, _COLOURS[status]) if colours and status in _COLOURS else text


def _value(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
