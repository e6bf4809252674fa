"""What an ingestion did: counts, speed, errors by code."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from mongodriver.ingest.batch import ENCODE, FILE, PARSE, UNSENT, Code

__all__ = ["ENCODE", "FILE", "PARSE", "UNSENT", "Code", "ErrorCount", "Report"]

_EXAMPLES = 3
_LONGEST_EXAMPLE = 200


@dataclass
class ErrorCount:
    """The errors of one code: how many, and the first few as `file:line: message`."""

    count: int = 0
    examples: list[str] = field(default_factory=list)


@dataclass
class Report:
    """The outcome of a job.

    `records` were found in `files` files; every one is either among the `documents` that the
    server has confirmed or among the `rejected`. `bytes` is the size of their text, `seconds`
    the time it took, `resent` how many batches were sent again after a failure of the server.
    """

    files: int = 0
    records: int = 0
    documents: int = 0
    rejected: int = 0
    bytes: int = 0
    seconds: float = 0.0
    resent: int = 0
    errors: dict[Code, ErrorCount] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        """Whether everything was ingested."""
        return not self.errors

    @property
    def documents_per_second(self) -> float:
        """Confirmed documents per second, 0.0 when no time has passed."""
        return self.documents / self.seconds if self.seconds else 0.0

    def add_error(self, code: Code, where: str, message: str) -> None:
        """Count an error at the place `where` (`file:line`)."""
        entry = self.errors.setdefault(code, ErrorCount())
        entry.count += 1
        if len(entry.examples) < _EXAMPLES:
            entry.examples.append(f"{where}: {message}"[:_LONGEST_EXAMPLE])

    def to_dict(self) -> dict[str, Any]:
        """Return the report as plain values for JSON; error codes become strings."""
        plain = {name: value for name, value in vars(self).items() if name != "errors"}
        plain["documents_per_second"] = round(self.documents_per_second, 1)
        plain["errors"] = {str(code): vars(entry) for code, entry in self.errors.items()}
        return plain

    def render(self) -> str:
        """Return the report as lines for people."""
        megabytes = self.bytes / 1e6
        rate = megabytes / self.seconds if self.seconds else 0.0
        lines = [
            f"{_plural(self.documents, 'document')} from {_plural(self.files, 'file')} "
            f"({megabytes:,.1f} MB) in {self.seconds:.2f} s: "
            f"{self.documents_per_second:,.0f} docs/s, {rate:,.1f} MB/s"
        ]
        if self.resent:
            lines.append(f"{_plural(self.resent, 'time')} sent again after a server failure")
        if self.rejected:
            lines.append(f"{_plural(self.rejected, 'record')} rejected")
        for code, entry in self.errors.items():
            lines.append(f"  error {code}: {_plural(entry.count, 'time')}")
            lines += [f"    {example}" for example in entry.examples]
            if entry.count > len(entry.examples):
                lines.append(f"    and {entry.count - len(entry.examples):,} more")
        return "\n".join(lines)


def _plural(count: int, noun: str) -> str:
    return f"{count:,} {noun}" + ("" if count == 1 else "s")
