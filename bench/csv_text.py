"""Typed CSV to BSON: Python's csv module, conversions and PyMongo's encoder beside `bsonx.csv`."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

import bson

import bsonx
from bsonx.csv import Column, Converter, Plan, RowValues
from codec import repeat
from interleaved import Case

ROWS = 1000
# As the flights of `make demo`.
INTEGERS = ("year", "month", "day", "dep_time", "dep_delay", "arr_time", "arr_delay", "flight")
FIELDS = (*INTEGERS, "carrier", "tailnum", "origin", "dest", "distance", "speed", "time_hour")


def text() -> str:
    """Rows like those of flights."""
    lines = [",".join(FIELDS)]
    for n in range(ROWS):
        late = "NA" if n % 40 == 7 else n % 97 - 20
        lines.append(
            f"2013,{n % 12 + 1},{n % 28 + 1},{n * 7 % 2400},{late},{n * 11 % 2400},{late},"
            f"{n * 13 % 6000},{('UA', 'AA', 'B6')[n % 3]},N{n * 31 % 99999},EWR,IAH,"
            f"{n * 17 % 4983},{n * 29 % 600 / 7:.3f},2013-{n % 12 + 1:02}-{n % 28 + 1:02}T05:00:00Z"
        )
    return "\n".join(lines) + "\n"


def by_hand(content: str) -> int:
    """What people write: DictReader, conversions by column, an id, encode."""
    size = 0
    for row in csv.DictReader(io.StringIO(content, newline="")):
        document: dict[str, Any] = {"_id": bson.ObjectId()}
        for name, value in row.items():
            if value in ("NA", ""):
                document[name] = None
            elif name in INTEGERS or name == "distance":
                document[name] = int(value)
            elif name == "speed":
                document[name] = float(value)
            elif name == "time_hour":
                document[name] = datetime.fromisoformat(value)
            else:
                document[name] = value
        size += len(bson.encode(document))
    return size


def plan() -> Plan:
    """The types that a look at the rows finds."""
    nulls = ("", "NA")
    kinds = dict.fromkeys((*INTEGERS, "distance"), "int?")
    kinds |= {"speed": "float?", "time_hour": "date?"}
    return Plan(
        tuple(
            Column(name, kinds.get(name, "str"), nulls if name in kinds else ("",))
            for name in FIELDS
        )
    )


def rows_in_python(content: str) -> Callable[[], object]:
    """Our own rows, where a column has a converter of Python's: then C cannot read them."""
    columns = plan().columns
    slow = Plan((*columns[:-1], Column("time_hour", "date", (), datetime.fromisoformat)))
    converter = Converter(slow)
    data = content.partition("\n")[2].encode()
    return lambda: converter.read(data, first_id=bytes(12))


def cases() -> Iterator[Case]:
    """A thousand rows of fifteen columns."""
    content = text()
    converter = Converter(plan())
    data = content.partition("\n")[2].encode()
    ours = bsonx.decode_all(converter.read(data, first_id=bytes(12)).data)
    values = RowValues(plan())
    assert len(ours) == ROWS
    assert by_hand(content) == len(converter.read(data, first_id=bytes(12)).data)
    assert list(ours[0].values())[1:] == [
        value.replace(tzinfo=None) if isinstance(value, datetime) else value
        for value in values.document(data.decode().splitlines()[0].split(",")).values()
    ]
    yield Case(
        "csv",
        "1000 rows",
        {
            "pymongo": repeat(by_hand, content),
            "ours": repeat(lambda: converter.read(data, first_id=bytes(12))),
        },
    )
    yield Case(
        "csv",
        "1000 rows, a converter",
        {"pymongo": repeat(by_hand, content), "ours": repeat(rows_in_python(content))},
    )
