from typing import Any

from pymongo.collection import Collection


def count(c: Collection[dict[str, Any]]) -> str:
    reveal_type(c.count_documents({}))
    reveal_type(c.estimated_document_count())
    reveal_type(c.distinct("a", {"b": 1}))
    c.count_documents()
    c.count({})
    return c.count_documents({"a": 1}, limit=3)
