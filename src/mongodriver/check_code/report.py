"""Findings as text, as JSON, and as commands of GitHub's runners."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from typing import Any, TextIO

from mongodriver.command_line import colours

from .findings import Finding, Severity

__all__ = ["FORMAT", "FORMATS", "Report", "Summary"]

FORMATS = ("text", "json", "github")
#: The version of the JSON document.
FORMAT = 1
_COLOURS = {
    Severity.ERROR: colours.RED,
    Severity.WARNING: colours.YELLOW,
    Severity.NOTE: colours.CYAN,
}
_GITHUB = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.NOTE: "notice"}


@dataclass
class Summary:
    """What was looked at."""

    checked: int = 0
    found: Counter[Severity] = field(default_factory=Counter)
    hidden: int = 0  #: less severe than what was asked for
    skipped: list[tuple[str, str]] = field(default_factory=list)  #: no Python, and why
    failed: list[tuple[str, str]] = field(default_factory=list)  #: could not be read, and why


class Report:
    """Writes what is found as soon as it is known; JSON at the end, as one document."""

    def __init__(self, form: str, out: TextIO) -> None:
        self._form = form
        self._out = out
        self._findings: list[dict[str, Any]] = []
        self._colours = form == "text" and colours.are_wanted(out)

    def add(self, finding: Finding) -> None:
        """Write a finding."""
        if self._form == "json":
            self._findings.append(_document(finding))
        elif self._form == "github":
            self._line(_command(finding))
        else:
            severity = self._coloured(str(finding.severity), _COLOURS[finding.severity])
            self._line(
                f"{finding.place}: {severity}: {finding.message} [{finding.code}]: {finding.remedy}"
            )

    def end(self, summary: Summary) -> None:
        """Write how much was found."""
        if self._form == "json":
            document = {"format": FORMAT, "findings": self._findings, **_totals(summary)}
            self._line(json.dumps(document, indent=2))
        elif self._form == "text":
            self._line(_sentence(summary))

    def _coloured(self, text: str, colour: str) -> str:
        return colours.coloured(text, colour) if self._colours else text

    def _line(self, text: str) -> None:
        encoding = getattr(self._out, "encoding", None) or "utf-8"
        shown = text.encode(encoding, "backslashreplace").decode(encoding)
        print(shown, file=self._out, flush=True)


def _document(finding: Finding) -> dict[str, Any]:
    return {
        "path": finding.path,
        **({"cell": finding.cell} if finding.cell else {}),
        "line": finding.line,
        "column": finding.column,
        "severity": str(finding.severity),
        "code": finding.code,
        "message": finding.message,
        "remedy": finding.remedy,
    }


def _command(finding: Finding) -> str:
    """See GitHub's "workflow commands"."""
    values = {"file": finding.path, "line": finding.line, "col": finding.column}
    properties = ",".join(
        f"{name}={_escaped(str(value)).replace(':', '%3A').replace(',', '%2C')}"
        for name, value in values.items()
    )
    text = _escaped(f"{finding.message} [{finding.code}]: {finding.remedy}")
    return f"::{_GITHUB[finding.severity]} {properties}::{text}"


def _escaped(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _totals(summary: Summary) -> dict[str, Any]:
    return {
        "checked": summary.checked,
        "errors": summary.found[Severity.ERROR],
        "warnings": summary.found[Severity.WARNING],
        "notes": summary.found[Severity.NOTE],
        "hidden": summary.hidden,
        "skipped": [{"path": path, "reason": reason} for path, reason in summary.skipped],
        "failed": [{"path": path, "reason": reason} for path, reason in summary.failed],
    }


def _sentence(summary: Summary) -> str:
    parts = [
        _number(summary.found[severity], str(severity))
        for severity in (Severity.ERROR, Severity.WARNING, Severity.NOTE)
        if summary.found[severity]
    ]
    text = f"{', '.join(parts) or 'Nothing found'} in {_number(summary.checked, 'file')}"
    if summary.hidden:
        text += f"; {summary.hidden} less severe not shown (--level note)"
    if summary.skipped:
        text += f"; {_number(len(summary.skipped), 'file')} skipped"
    if summary.failed:
        text += f"; {_number(len(summary.failed), 'path')} could not be read"
    return f"{text}."


def _number(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"
