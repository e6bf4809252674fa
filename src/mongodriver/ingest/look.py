"""A look at what would be read: formats, columns with types, bad records. Nothing is stored."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import bsonx
from bsonx.csv import Column
from bsonx.errors import BSONError
from bsonx.json_util import dumps
from mongodriver.ingest.batch import BatchLimits, Ids
from mongodriver.ingest.errors import IngestError, in_words
from mongodriver.values.sequences import EncodedDocuments

if TYPE_CHECKING:
    from mongodriver.ingest.sources.base import Source

__all__ = ["ColumnPlan", "SourcePlan", "look", "look_at", "render"]

_RECORDS = 1000
_BYTES = 8 << 20
_BAD = 3  # bad records that are shown
_COLUMNS = 40  # columns that are shown
_WIDEST = 40  # characters of an example
_OPTIONS: bsonx.CodecOptions[dict[str, Any]] = bsonx.CodecOptions(
    datetime_conversion=bsonx.DatetimeConversion.DATETIME_AUTO,
    unicode_decode_error_handler="backslashreplace",  # what the server stores, people may see
)
_NAMES = {
    "str": "string",
    "int": "int",
    "Int64": "int",
    "float": "double",
    "bool": "bool",
    "datetime": "date",
    "DatetimeMS": "date",
    "ObjectId": "objectId",
    "Decimal128": "decimal",
    "NoneType": "null",
    "dict": "object",
    "list": "array",
    "bytes": "binData",
    "Binary": "binData",
    "Timestamp": "timestamp",
    "Regex": "regex",
}


@dataclass(frozen=True)
class ColumnPlan:
    """A column of CSV, or a field of the documents that were looked at.

    :param name: the field's.
    :param type: what its values become, as MongoDB calls it; several with commas.
    :param guessed: whether that was found by looking at values.
    :param example: one of its values, as text; None where there was none.
    :param nulls: how many values are null or missing.
    """

    name: str
    type: str
    guessed: bool
    example: str | None
    nulls: int


@dataclass(frozen=True)
class SourcePlan:
    """What a source is taken for.

    :param name: the source's.
    :param format: of a file: "csv", "ndjson", ...; None where it is no file.
    :param encoding: of the text of a file.
    :param delimiter: of CSV.
    :param size: bytes on disk, where that is known.
    :param columns: in their order.
    :param records: how many good ones were looked at; the first of them.
    :param bad: how many bad ones were met among them.
    :param examples: the first bad ones: position and what is wrong.
    :param notes: what may have been taken in another way than it was meant.
    :param error: what keeps it from being read, or from being read further.
    """

    name: str
    format: str | None = None
    encoding: str | None = None
    delimiter: str | None = None
    size: int | None = None
    columns: Sequence[ColumnPlan] = ()
    records: int = 0
    bad: int = 0
    examples: Sequence[tuple[int, str]] = ()
    notes: Sequence[str] = ()
    error: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain values for JSON."""
        plain = dict(vars(self))
        plain["columns"] = [vars(column) for column in self.columns]
        plain["notes"] = list(self.notes)
        plain["examples"] = [list(example) for example in self.examples]
        return plain


@dataclass
class _Fields:
    """What was seen of the fields of documents."""

    types: dict[str, Counter[str]] = field(default_factory=dict)
    examples: dict[str, str] = field(default_factory=dict)

    def add(self, document: dict[str, Any]) -> None:
        for name, value in document.items():
            kind = _NAMES.get(type(value).__name__, type(value).__name__)
            self.types.setdefault(name, Counter())[kind] += 1
            if value is not None and name not in self.examples:
                self.examples[name] = _shown(value)

    def columns(self, records: int, known: Sequence[Column], is_read: bool) -> list[ColumnPlan]:
        by_name = {column.name: column for column in known}
        names = [column.name for column in known if column.kind != "skip"] if known else self.types
        found = []
        for name in names:
            types = self.types.get(name, Counter())
            kinds = [kind for kind, _ in types.most_common() if kind != "null"]
            nulls = records - types.total() + types["null"]
            column = by_name.get(name)
            guessed = column is None or column.kind.endswith("?") or not is_read
            what = ", ".join(kinds) or (_declared(column) if column else "null")
            found.append(ColumnPlan(name, what, guessed, self.examples.get(name), nulls))
        return found


def _declared(column: Column) -> str:
    names = {"str": "string", "float": "double", "objectid": "objectId"}
    kind = column.kind.rstrip("?")
    return names.get(kind, kind)


def look(sources: Iterable[Source]) -> list[SourcePlan]:
    """Return what each source is taken for; see `look_at`."""
    return [look_at(source) for source in sources]


def look_at(source: Source) -> SourcePlan:
    """Read the first records of a source; one that can be read only once is used up by that.

    What keeps it from being read is told in the plan's `error`.
    """
    file = getattr(source, "file", None)
    said: dict[str, Any] = {"format": getattr(file, "format", None), "size": source.size}
    try:
        reader = source.open(Ids())
    except (OSError, IngestError) as error:
        return SourcePlan(source.name, error=in_words(error, source.name), **said)
    try:
        return _read(source.name, reader, said)
    finally:
        reader.close()


def _read(name: str, reader: Any, said: dict[str, Any]) -> SourcePlan:
    fields = _Fields()
    records = bad = 0
    examples: list[tuple[int, str]] = []
    problem = None
    plan = getattr(reader, "plan", None)
    own = plan is None or plan.id_column >= 0
    try:
        while records < _RECORDS and bad < _RECORDS:
            batch = reader.read(BatchLimits(_RECORDS - records, _BYTES))
            if batch is None:
                break
            told = [(one.position, one.error) for one in batch.rejects]
            encoded = EncodedDocuments(batch.data, batch.ends)
            for index in range(len(encoded)):
                try:
                    document = bsonx.decode(encoded.document(index), _OPTIONS)
                except BSONError as error:
                    told.append((batch.positions[index], str(error)))
                    continue
                if not own or batch.own_ids:
                    document.pop("_id", None)
                fields.add(document)
                records += 1
            bad += len(told)
            examples += sorted(told)
    except (OSError, IngestError) as error:
        problem = in_words(error, name)
    said = {**said, "encoding": getattr(reader, "encoding", None)}
    if plan is not None:
        said["delimiter"] = chr(plan.dialect.delimiter)
    known = () if plan is None else plan.columns
    columns = fields.columns(records, known, is_read=plan is not None)
    return SourcePlan(
        name,
        columns=columns,
        records=records,
        bad=bad,
        examples=examples[:_BAD],
        notes=getattr(reader, "notes", ()),
        error=problem,
        **said,
    )


def _shown(value: Any) -> str:
    text = value if isinstance(value, str) else _in_json(value)
    text = " ".join(text.split())
    return text if len(text) <= _WIDEST else text[: _WIDEST - 3] + "..."


def _in_json(value: Any) -> str:
    if hasattr(value, "isoformat"):
        return str(value.isoformat())
    if isinstance(value, (dict, list)):
        return dumps(value)
    return str(value)


def render(plans: Iterable[SourcePlan]) -> str:
    """Return plans as lines for people: a table of the columns for each source."""
    return "\n\n".join("\n".join(_lines(plan)) for plan in plans)


def _lines(plan: SourcePlan) -> list[str]:
    said = [part for part in (plan.format, plan.encoding) if part]
    if plan.delimiter is not None:
        said.append(f"delimiter {plan.delimiter!r}")
    if plan.size is not None:
        said.append(f"{plan.size:,} bytes")
    lines = [f"{plan.name}: {', '.join(said)}" if said else plan.name]
    rows = [("field", "type", "example")]
    rows += [(column.name, column.type, column.example or "") for column in plan.columns[:_COLUMNS]]
    if plan.columns:
        widths = [max(len(row[n]) for row in rows) for n in range(2)]
        lines += [
            f"  {name:{widths[0]}}  {kind:{widths[1]}}  {example}".rstrip()
            for name, kind, example in rows
        ]
    if len(plan.columns) > _COLUMNS:
        lines.append(f"  and {len(plan.columns) - _COLUMNS} more fields")
    first = "the first " if plan.records >= _RECORDS else ""
    lines.append(f"  looked at {first}{plan.records:,} records, {plan.bad:,} bad ones")
    lines += [f"    {position}: {error}" for position, error in plan.examples]
    lines += [f"  note: {note}" for note in plan.notes]
    if plan.error is not None:
        lines.append(f"  cannot be read{' further' if plan.records else ''}: {plan.error}")
    return lines
