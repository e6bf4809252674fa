"""The findings for humans."""

from __future__ import annotations

from collections.abc import Iterator

from mongodriver.values.address import address_text

from .report import Report, Status, Step

_MARKS = {Status.OK: "ok", Status.WARNING: "WARN", Status.FAILED: "FAIL", Status.SKIPPED: "-"}
_RESULTS = {
    Status.OK: "Result: everything is all right.",
    Status.WARNING: "Result: usable, but not everything is all right.",
    Status.FAILED: "Result: not usable.",
}
_CERTIFICATE = ("subject", "issuer", "names", "valid_from", "valid_until", "sha256")


def lines(report: Report) -> Iterator[str]:
    """The report, line by line."""
    yield from _early(report)
    for host in report.hosts:
        yield address_text(host.address) + ("" if host.is_seed else " (named by the set)")
        for step in host.steps:
            yield from _step(step)
    late = [step for step in report.steps if step.name == "selection"]
    if late:
        yield "deployment"
        for step in late:
            yield from _step(step)
    yield ""
    yield _RESULTS[report.status]
    if report.hint:
        yield f"What to do: {report.hint}"


def _early(report: Report) -> Iterator[str]:
    early = [step for step in report.steps if step.name != "selection"]
    if early:
        yield "connection string"
        for step in early:
            yield from _step(step)


def _step(step: Step) -> Iterator[str]:
    yield f"  {_MARKS[step.status]:4}  {step.name:9}  {step.detail}".rstrip()
    if step.status in (Status.WARNING, Status.FAILED):
        for name in _CERTIFICATE:
            if step.facts.get(name):
                yield f"                     {name}: {_value(step.facts[name])}"
        yield f"                     -> {step.hint}"


def _value(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
