from collections.abc import Iterable, Mapping
from typing import Any, Protocol

from pymongo import MongoClient


class Store(Protocol):
    def insert_one(self, document: Any) -> Any: ...
    def count_documents(self, filter: Mapping[str, Any]) -> int: ...


class Finder(Protocol):
    def find(self, filter: Mapping[str, Any]) -> Iterable[dict[str, Any]]: ...


def fill(store: Store, finder: Finder) -> int:
    return store.count_documents({})


def use(client: MongoClient[dict[str, Any]]) -> None:
    fill(client.db.c, client.db.c)
    fill(client.db, client.db.c)
    method = client.db.c.find_one
    reveal_type(method({}))
    inserts = map(client.db.c.insert_one, [{"a": 1}])
    reveal_type(list(inserts))
