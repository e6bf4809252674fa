from typing import Any

from pymongo import ASCENDING, GEO2D, TEXT, IndexModel
from pymongo.collection import Collection
from pymongo.operations import SearchIndexModel


def indexes(c: Collection[dict[str, Any]]) -> None:
    reveal_type(c.create_index("a", unique=True))
    reveal_type(c.create_index([("a", ASCENDING), ("b", TEXT), "c"], name="x"))
    c.create_index([("loc", GEO2D)], min=-100, max=100)
    reveal_type(c.create_indexes([IndexModel("a"), IndexModel([("b", -1)])]))
    for index in c.list_indexes():
        reveal_type(index)
    reveal_type(c.index_information())
    reveal_type(c.index_information()["a_1"]["key"])
    c.drop_index("a_1")
    c.drop_index([("a", 1)])
    reveal_type(c.list_search_indexes())
    reveal_type(c.create_search_index(SearchIndexModel({"mappings": {"dynamic": True}})))
    c.create_index(5)
    c.create_indexes([("a", 1)])
    c.create_index([("a", 1, 2)])
