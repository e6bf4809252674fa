"""cachelib: a cache in MongoDB."""

import sys

from cachelib import MongoDbCache
from pymongo import MongoClient

with MongoClient(sys.argv[1]) as client:
    client.drop_database("use_cachelib")
    cache = MongoDbCache(client=client, db="use_cachelib", collection="cache", key_prefix="p-")
    assert cache.set("a", {"deep": [1, 2.5, None]})
    assert cache.get("a") == {"deep": [1, 2.5, None]}
    assert cache.add("a", 1) is False
    assert cache.set_many({"b": 1, "c": b"x"})
    assert cache.get_dict("a", "b", "none") == {"a": {"deep": [1, 2.5, None]}, "b": 1, "none": None}
    assert (cache.inc("b", 4), cache.dec("b")) == (5, 4)
    assert cache.set("gone", 1, timeout=-1) is not None
    assert cache.delete_many("a", "b")
    assert (cache.has("a"), cache.has("c")) == (False, True)
    assert cache.clear()
    assert cache.get("c") is None
print("ok")
