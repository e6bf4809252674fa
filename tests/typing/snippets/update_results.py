from typing import Any

from pymongo.collection import Collection


def update(c: Collection[dict[str, Any]]) -> int:
    result = c.update_one({"a": 1}, {"$set": {"b": 1}}, upsert=True)
    reveal_type(result)
    reveal_type(result.matched_count)
    reveal_type(result.upserted_id)
    reveal_type(result.raw_result)
    c.update_many({}, [{"$set": {"a": 1}}], array_filters=[{"x": 1}], hint="a_1")
    c.replace_one({"a": 1}, {"b": 1})
    reveal_type(c.delete_many({}).deleted_count)
    c.update_one({"a": 1})
    c.update_one({"a": 1}, "x")
    c.delete_one("x")
    c.delete_one({}, hint=[("a", 1)], collation={"locale": "de"})
    c.delete_one({}, collation="de")
    return result.modified_count
