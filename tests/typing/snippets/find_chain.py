from typing import Any

from pymongo import ASCENDING, DESCENDING
from pymongo.collation import Collation
from pymongo.collection import Collection


def chain(c: Collection[dict[str, Any]]) -> list[dict[str, Any]]:
    cursor = c.find().sort("a").skip(1).limit(2).batch_size(10).hint("a_1").comment("x")
    reveal_type(cursor)
    reveal_type(cursor.sort([("a", ASCENDING), ("b", DESCENDING)]))
    reveal_type(cursor.sort({"a": 1}))
    reveal_type(cursor.max_time_ms(5).collation(Collation("de")).allow_disk_use(True))
    reveal_type(cursor.clone())
    reveal_type(cursor.rewind())
    reveal_type(cursor.add_option(2))
    reveal_type(cursor.explain())
    return cursor.to_list()
