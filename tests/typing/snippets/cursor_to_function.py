from collections.abc import Iterable, Iterator
from typing import Any

from pymongo.collection import Collection


def total(rows: Iterable[dict[str, Any]]) -> int:
    return sum(row["n"] for row in rows)


def rows(c: Collection[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    total(c.find())
    total(c.aggregate([]))
    total(c.find_one())
    yield from c.find()
    yield from c.aggregate([{"$match": {}}])
