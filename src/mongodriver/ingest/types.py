"""Types for the columns of a CSV file: from text to BSON values.

A column's type is given by the user, or guessed from a sample of the column's values. A value
that does not fit a given type is an error; one that does not fit a guess stays what it is, text
(a float in a column of integers stays a number). A guess is careful: `007` and `1_000` are text.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from math import isinf
from typing import Any

from bsonx.decimal128 import Decimal128
from bsonx.objectid import ObjectId
from mongodriver.ingest.errors import IngestError

Converter = Callable[[str], Any]

_INT64 = range(-(1 << 63), 1 << 63)
_EXACT_DIGITS = 15  # a float holds that many
_PLAIN_INT = re.compile(r"0|-?[1-9][0-9]*")
_ANY_INT = re.compile(r"[+-]?[0-9]+")
# An exponent needs its sign or a point: 12e4 may be a part number.
_PLAIN_FLOAT = re.compile(
    r"-?(?:(?:0|[1-9][0-9]*)(?:\.[0-9]+)?|\.[0-9]+)(?:(?<=\.[0-9])[eE][+-]?[0-9]+|[eE][+-][0-9]+)?"
)
_PLAIN_DATE = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
    r"(?:[T ][0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:[.,][0-9]{1,3}0*)?)?(?:Z|[+-][0-9]{2}:?[0-9]{2})?)?"
)
_TRUTH = {"true": True, "t": True, "yes": True, "y": True, "1": True}
_TRUTH |= {"false": False, "f": False, "no": False, "n": False, "0": False}
_PLAIN_TRUTH = {"true": True, "false": False}
_ITEM = re.compile(r"\s*([^:]+):\s*([a-z0-9]+)\s*(?:\((.*)\))?\s*", re.S)


class Omitted:
    """Stands for a value that gets no field."""

    def __repr__(self) -> str:
        return "OMITTED"


OMITTED = Omitted()


def to_int(text: str) -> int:
    """Return the 64-bit integer that `text` names."""
    if not _ANY_INT.fullmatch(text) or len(text) > 25 or int(text) not in _INT64:
        raise ValueError(f"{_shown(text)} is not a 64-bit integer")
    return int(text)


def to_float(text: str) -> float:
    """Return `text` as a float; NaN and infinities may be spelled out."""
    try:
        value = float(text) if text.isascii() and "_" not in text else None
    except ValueError:
        value = None
    if value is None:
        raise ValueError(f"{_shown(text)} is not a number")
    if _is_lost(text, value):
        raise ValueError(f"{_shown(text)} is too large or too small for a float")
    return value


def _is_lost(text: str, value: float) -> bool:
    """Whether a finite number has become infinite, or a number other than 0 has become 0."""
    if isinf(value):
        return any(digit in text for digit in "0123456789")
    return value == 0 and any(digit in text.lower().split("e")[0] for digit in "123456789")


def to_decimal(text: str) -> Decimal128:
    """Return `text` as a Decimal128."""
    try:
        if text.isascii():
            return Decimal128(text)
    except Exception:  # decimal's own errors derive from ArithmeticError, not ValueError
        pass
    raise ValueError(f"{_shown(text)} is not a decimal number")


def to_bool(text: str) -> bool:
    """Return the truth value that `text` names: true/false, t/f, yes/no, y/n, 1/0."""
    try:
        return _TRUTH[text.lower()]
    except KeyError:
        raise ValueError(f"{_shown(text)} is not a truth value")


def to_date(text: str) -> datetime:
    """Return the ISO 8601 date or time; without an offset it is taken as UTC."""
    try:
        return _aware(datetime.fromisoformat(text))
    except (ValueError, OverflowError):
        raise ValueError(f"{_shown(text)} is not an ISO 8601 date")


def to_objectid(text: str) -> ObjectId:
    """Return the ObjectId of 24 hex digits."""
    try:
        return ObjectId(text)
    except Exception:
        raise ValueError(f"{_shown(text)} is not an ObjectId")


def date_by_format(form: str) -> Converter:
    """Return a converter for dates in the strptime format `form`."""

    def convert(text: str) -> datetime:
        try:
            return _aware(datetime.strptime(text, form))
        except (ValueError, OverflowError):
            raise ValueError(f"{_shown(text)} does not match the date format {form!r}")

    return convert


def _aware(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _shown(text: str) -> str:
    return repr(text if len(text) <= 40 else text[:37] + "...")


def _skip(text: str) -> Omitted:
    return OMITTED


_CONVERTERS: dict[str, Converter] = {
    "bool": to_bool,
    "date": to_date,
    "decimal": to_decimal,
    "double": to_float,
    "float": to_float,
    "int": to_int,
    "long": to_int,
    "objectid": to_objectid,
    "skip": _skip,
    "str": str,
    "string": str,
}


def parse_types(text: str) -> dict[str, str]:
    """Split `name:type,name:type` into a mapping; `date(FORMAT)` takes a strptime format.

    Raises IngestError for anything else. A comma inside the parentheses belongs to the format.
    """
    types: dict[str, str] = {}
    for item in _split(text):
        match = _ITEM.fullmatch(item)
        if match is None:
            raise IngestError(f"{item.strip()!r} is not of the form name:type")
        name, kind, form = match.group(1).strip(), match.group(2), match.group(3)
        if name in types:
            raise IngestError(f"column {name!r} has two types")
        types[name] = kind if form is None else f"{kind}({form})"
        converter_for(types[name])
    return types


def _split(text: str) -> Iterable[str]:
    depth = start = 0
    for index, character in enumerate(text):
        depth += (character == "(") - (character == ")")
        if character == "," and depth == 0:
            yield text[start:index]
            start = index + 1
    if text[start:].strip() or start:
        yield text[start:]


def converter_for(kind: str) -> Converter:
    """Return the converter for a type as the user writes it."""
    if kind.startswith("date(") and kind.endswith(")"):
        return date_by_format(kind[5:-1])
    try:
        return _CONVERTERS[kind]
    except KeyError:
        known = ", ".join(sorted(_CONVERTERS))
        raise IngestError(f"unknown type {kind!r}; there are {known} and date(FORMAT)")


def guess(values: Iterable[str]) -> Converter:
    """Return a converter that fits every one of `values`, nulls excluded."""
    candidates = list(_GUESSES)
    seen = False
    for value in values:
        seen = True
        candidates = [(kind, c) for kind, c in candidates if type(c(value)) is kind]
        if not candidates:
            return str
    return candidates[0][1] if seen else str


def _guessed_int(text: str) -> int | float | str:
    """An integer; a float is still better than text."""
    if _PLAIN_INT.fullmatch(text) and len(text) <= 20 and (value := int(text)) in _INT64:
        return value
    return _guessed_float(text)


def _guessed_float(text: str) -> float | str:
    if not _PLAIN_FLOAT.fullmatch(text):
        return text
    if _PLAIN_INT.fullmatch(text) and len(text) > _EXACT_DIGITS:
        return text  # a float would lose digits
    value = float(text)
    return text if _is_lost(text, value) else value


def _guessed_bool(text: str) -> bool | str:
    return _PLAIN_TRUTH.get(text.lower(), text)


def _guessed_date(text: str) -> datetime | str:
    if not _PLAIN_DATE.fullmatch(text):
        return text
    try:
        return to_date(text)
    except ValueError:
        return text


_GUESSES: tuple[tuple[type, Converter], ...] = (
    (int, _guessed_int),
    (float, _guessed_float),
    (bool, _guessed_bool),
    (datetime, _guessed_date),
)


class _Memo(dict[str, Any]):
    """A column's values by their text. Columns repeat themselves, so most values are one lookup."""

    _LIMIT = 10_000
    _LONGEST = 64

    def __init__(self, convert: Converter, nulls: Collection[str], null: object) -> None:
        super().__init__(dict.fromkeys(nulls, null))
        self._convert = convert

    def __missing__(self, text: str) -> Any:
        value = self._convert(text)
        if len(self) < self._LIMIT and len(text) <= self._LONGEST:
            self[text] = value
        return value


class RowBuilder:
    """Makes documents of rows.

    `names` are the columns. `types` maps columns to their types; the others are guessed from
    `sample` (rows as lists of text), or stay text when `sample` is None. `nulls` are the texts
    that mean null; `NA` among the defaults does so only in columns that are not text, since it
    may be a word there. `omit_nulls` leaves such fields out.
    Raises IngestError when `types` names a column that does not exist.
    """

    DEFAULT_NULLS = ("", "NA")

    def __init__(
        self,
        names: Sequence[str],
        types: Mapping[str, str],
        *,
        sample: Sequence[Sequence[str]] | None = None,
        nulls: Collection[str] | None = None,
        omit_nulls: bool = False,
    ) -> None:
        if unknown := [name for name in types if name not in names]:
            raise IngestError(f"there is no column {unknown[0]!r}; there are {', '.join(names)}")
        self.names = list(names)
        self._filter = omit_nulls or any(kind == "skip" for kind in types.values())
        null = OMITTED if omit_nulls else None
        self._converters: list[Converter] = []
        for index, name in enumerate(names):
            markers = self.DEFAULT_NULLS if nulls is None else nulls
            if name in types:
                convert = converter_for(types[name])
            elif sample is None:
                convert = str
            else:
                convert = guess(row[index] for row in sample if row[index] not in markers)
            if convert is str and nulls is None:
                markers = ("",)
            # The bound method of dict is what Python calls fastest, and it knows __missing__.
            self._converters.append(_Memo(convert, markers, null).__getitem__)

    def build(self, row: Sequence[str]) -> dict[str, Any]:
        """Return the document of one row; raises ValueError naming the column at fault."""
        if len(row) != len(self.names):
            raise ValueError(f"{len(row)} fields where the header has {len(self.names)}")
        try:
            document = dict(zip(self.names, map(operator.call, self._converters, row), strict=True))
        except ValueError:
            raise ValueError(self._problem(row))
        if self._filter:
            return {name: value for name, value in document.items() if value is not OMITTED}
        return document

    def _problem(self, row: Sequence[str]) -> str:
        for name, convert, text in zip(self.names, self._converters, row, strict=True):
            try:
                convert(text)
            except ValueError as error:
                return f"column {name!r}: {error}"
        return "the row cannot be converted"  # not reached: one of them has raised
