"""How CSV is to be read."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from mongodriver.ingest.csv.types import column
from mongodriver.ingest.errors import IngestError

__all__ = ["CSVOptions"]

_MAX_FIELD = 1 << 20


@dataclass(frozen=True)
class CSVOptions:
    """How to read CSV.

    :param delimiter: one ASCII character; None: what the file's name and its first rows say.
    :param columns: the names, None when the first row has them.
    :param types: by column: `str`, `int`, `float`, `decimal`, `bool`, `date`, `date(FORMAT)`,
        `objectid`, `skip`.
    :param infer: whether the other columns' types are guessed; else they stay text.
    :param nulls: the texts that mean null, in all columns. None: the empty text, and in columns
        that are not text what programs write for it (`NA`, `NULL`, ...).
    :param omit_nulls: leave null fields out.
    :param decimal: what stands in front of the fraction of a number: "." or ",".
    :param max_field: bytes of a field at most; a quote left open takes as many.
    :raises IngestError: for what cannot be.
    """

    delimiter: str | None = None
    columns: Sequence[str] | None = None
    types: Mapping[str, str] = field(default_factory=dict)
    infer: bool = True
    nulls: Collection[str] | None = None
    omit_nulls: bool = False
    decimal: str = "."
    max_field: int = _MAX_FIELD

    def __post_init__(self) -> None:
        if self.delimiter is not None:
            _check_delimiter(self.delimiter)
        if self.decimal not in (".", ",") or self.decimal == self.delimiter:
            raise IngestError(
                f"a point or a comma stands before fractions, and nothing else: {self.decimal!r}"
            )
        if not 1 <= self.max_field <= 64 << 20:
            raise IngestError(f"a field may have 1 to {64 << 20} bytes, not {self.max_field}")
        for name, kind in self.types.items():
            column(name, kind)


def _check_delimiter(delimiter: str) -> None:
    if len(delimiter) != 1 or not delimiter.isascii() or delimiter in '"\r\n\0':
        raise IngestError(
            f"the delimiter must be one ASCII character, no quote and no end of a line, "
            f"not {delimiter!r}"
        )
