"""What an ingestion did: counts, speed, errors by code."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Self

from mongodriver.ingest.batch import ENCODE, FILE, PARSE, UNSENT, Code

__all__ = ["ENCODE", "FILE", "PARSE", "UNSENT", "Code", "ErrorCount", "IngestReport"]

_EXAMPLES = 3
_LONGEST_EXAMPLE = 200
_MOST_CODES = 50
_OTHERS = "others"


@dataclass
class ErrorCount:
    """The errors of one code: how many, and the first few as `file:line: message`."""

    count: int = 0
    examples: list[str] = field(default_factory=list)


@dataclass
class IngestReport:
    """The outcome of a job, of bounded size however many errors there were.

    `records` were found in `files` sources; each is either among the `documents` that the server
    has confirmed, among the `rejected`, or was `skipped` as a duplicate.

    :param files: sources that were opened.
    :param records: found in them.
    :param documents: confirmed: inserted, or whatever else the mode asks for, whether or not that
        has changed anything.
    :param rejected: dead letters, by code in `errors`.
    :param skipped: left out because a unique index had them already.
    :param duplicates: how many documents a unique index had already, whatever was done about it.
    :param replaced: duplicates that were put in the place of what was there.
    :param inserted: documents that are new in the collection.
    :param modified: documents that were there and have been changed.
    :param deleted: documents that were removed.
    :param bytes: of the records as they were read; 0 where they were no text.
    :param sent: of their BSON, confirmed.
    :param seconds: the time it took.
    :param resent: how many batches, or parts, were sent again after a failure of the server.
    :param p50: median time to the acknowledgement of a batch, seconds.
    :param p99: the same, which one in a hundred exceeds.
    :param interrupted: the job was stopped before the end of its sources.
    :param errors: what went wrong, by code.
    """

    files: int = 0
    records: int = 0
    documents: int = 0
    rejected: int = 0
    skipped: int = 0
    duplicates: int = 0
    replaced: int = 0
    inserted: int = 0
    modified: int = 0
    deleted: int = 0
    bytes: int = 0
    sent: int = 0
    seconds: float = 0.0
    resent: int = 0
    p50: float = 0.0
    p99: float = 0.0
    interrupted: bool = False
    errors: dict[Code, ErrorCount] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        """Whether everything was ingested."""
        return not self.errors and not self.interrupted

    @property
    def documents_per_second(self) -> float:
        """Confirmed documents per second, 0.0 when no time has passed."""
        return self.documents / self.seconds if self.seconds else 0.0

    def add_error(self, code: Code, where: str, message: str) -> None:
        """Count an error at the place `where` (`file:line`)."""
        if code not in self.errors and len(self.errors) >= _MOST_CODES:
            code = _OTHERS
        entry = self.errors.setdefault(code, ErrorCount())
        entry.count += 1
        if len(entry.examples) < _EXAMPLES:
            entry.examples.append(f"{where}: {message}"[:_LONGEST_EXAMPLE])

    def to_dict(self) -> dict[str, Any]:
        """Return the report as plain values for JSON; error codes become strings."""
        plain = {name: value for name, value in vars(self).items() if name != "errors"}
        plain["documents_per_second"] = round(self.documents_per_second, 1)
        plain["errors"] = {
            str(code): {"count": entry.count, "examples": list(entry.examples)}
            for code, entry in self.errors.items()
        }
        return plain

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> Self:
        """Return the report that `to_dict` has told; fields that it does not know are left out."""
        known = {field.name for field in fields(cls)} - {"errors"}
        report = cls(**{name: value for name, value in plain.items() if name in known})
        for code, entry in plain.get("errors", {}).items():
            number = code.removeprefix("-").isdecimal()
            report.errors[int(code) if number else code] = ErrorCount(
                entry["count"], list(entry["examples"])
            )
        return report

    def render(self) -> str:
        """Return the report as lines for people."""
        megabytes = (self.bytes or self.sent) / 1e6
        rate = megabytes / self.seconds if self.seconds else 0.0
        lines = [
            f"{_plural(self.documents, 'document')} from {_plural(self.files, 'file')} "
            f"({megabytes:,.1f} MB) in {self.seconds:.2f} s: "
            f"{self.documents_per_second:,.0f} docs/s, {rate:,.1f} MB/s"
        ]
        if self.interrupted:
            lines.append("interrupted before the end")
        if self.resent:
            lines.append(f"{_plural(self.resent, 'time')} sent again after a server failure")
        if self.skipped:
            lines.append(f"{_plural(self.skipped, 'duplicate')} skipped")
        if self.replaced:
            lines.append(f"{_plural(self.replaced, 'duplicate')} replaced")
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
