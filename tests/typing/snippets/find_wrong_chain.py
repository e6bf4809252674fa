from typing import Any

from pymongo.collection import Collection


def chain(c: Collection[dict[str, Any]]) -> list[str]:
    c.find().limit("3")
    c.find().sort(5)
    c.find().sort("a", None, 3)
    c.find().skip(None)
    c.find().batchSize(3)
    c.find().hint(3)
    return c.find().to_list()
