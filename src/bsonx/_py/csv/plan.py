"""What is made of rows: columns with names and types."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from operator import call
from typing import Any

from bsonx._py.csv.rows import Dialect
from bsonx._py.csv.values import BLANKS, CONVERTERS, NUMERIC, with_comma

__all__ = ["KINDS", "SKIP", "Column", "Plan", "RowValues", "converter_of"]

#: The type of columns that are left out.
SKIP = "skip"
#: All types, by the numbers that C knows them by.
KINDS = (
    *("str", "int", "float", "decimal", "bool", "date", "objectid", SKIP),
    *("int?", "float?", "bool?", "date?"),
)
_COMMA = 44
_REMEMBERED = 10_000  # values of a column
_LONGEST = 64  # characters of a value that is worth remembering


@dataclass(frozen=True)
class Column:
    """One column.

    :param name: the field's.
    :param kind: one of `str`, `int`, `float`, `decimal`, `bool`, `date`, `objectid`, `skip`; with
        a question mark a type that was guessed (`int?`, `float?`, `bool?`, `date?`): what does not
        fit it stays text.
    :param nulls: the texts that mean null; blanks around them do not count where it is no text.
    :param convert: what makes values of texts in place of `kind`: raises ValueError.
    """

    name: str
    kind: str = "str"
    nulls: tuple[str, ...] = ("",)
    convert: Callable[[str], Any] | None = None


@dataclass(frozen=True)
class Plan:
    """How documents are made of CSV text.

    :param columns: in the order of the fields.
    :param dialect: how rows are written.
    :param omit_nulls: whether null fields are left out.
    :param id_column: the number of the column that becomes `_id`, -1: none. A null there is a new
        id, or, with `id_needed`, makes a bad row.
    """

    columns: tuple[Column, ...]
    dialect: Dialect = field(default_factory=Dialect)
    omit_nulls: bool = False
    id_column: int = -1
    id_needed: bool = False

    @property
    def is_plain(self) -> bool:
        """Whether no column has a converter of its own."""
        return all(column.convert is None for column in self.columns)


def converter_of(column: Column, dialect: Dialect) -> Callable[[str], Any]:
    """What makes values of the texts of a column; raises ValueError."""
    if column.convert is not None:
        return column.convert
    convert = CONVERTERS.get(column.kind, str)
    return with_comma(convert) if dialect.point == _COMMA and column.kind in NUMERIC else convert


class _Memo(dict[str, Any]):
    """A column's values by their text. Columns repeat themselves, so most values are one lookup."""

    def __init__(self, column: Column, dialect: Dialect) -> None:
        super().__init__()
        self._convert = converter_of(column, dialect)
        self._nulls = frozenset(column.nulls)
        self._is_text = self._convert is str

    def __missing__(self, text: str) -> Any:
        if text in self._nulls or (not self._is_text and text.strip(BLANKS) in self._nulls):
            value = None
        else:
            value = self._convert(text)
        if len(self) < _REMEMBERED and len(text) <= _LONGEST:
            self[text] = value
        return value


class RowValues:
    """From the fields of rows to documents."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._columns = [
            (index, column.name, _Memo(column, plan.dialect).__getitem__)
            for index, column in enumerate(plan.columns)
            if column.kind != SKIP or column.convert is not None
        ]
        if plan.id_column >= 0:
            index, _, convert = next(one for one in self._columns if one[0] == plan.id_column)
            self._columns = [one for one in self._columns if one[0] != index]
            self._columns.insert(0, (index, "_id", convert))
        # Where every column makes a field, in its order, one step does for all.
        self._names: list[str] = []
        if not plan.omit_nulls and plan.id_column < 0 and len(self._columns) == len(plan.columns):
            self._names = [name for _, name, _ in self._columns]
            self._converters = [convert for _, _, convert in self._columns]

    def document(self, texts: Sequence[str]) -> dict[str, Any]:
        """Return the document of one row, `_id` first where it has one.

        :raises ValueError: names the column at fault.
        """
        plan = self._plan
        if len(texts) != len(plan.columns):
            raise ValueError(f"{len(texts)} fields where the header has {len(plan.columns)}")
        if self._names:
            try:
                return dict(zip(self._names, map(call, self._converters, texts), strict=True))
            except ValueError:
                pass  # which column it was is found below
        document = {}
        for index, name, convert in self._columns:
            try:
                value = convert(texts[index])
            except ValueError as error:
                raise ValueError(f"column {plan.columns[index].name!r}: {error}")
            if value is None:
                if index == plan.id_column:
                    if plan.id_needed:
                        name = plan.columns[index].name
                        raise ValueError(f"column {name!r} is to be the _id, and is empty")
                    continue
                if plan.omit_nulls:
                    continue
            document[name] = value
        return document
