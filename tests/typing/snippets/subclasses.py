from typing import Any

from pymongo import MongoClient
from pymongo.collection import Collection
from pymongo.database import Database


class Counted(Collection[dict[str, Any]]):
    calls = 0

    def find(self, *args: Any, **kwargs: Any) -> Any:
        self.calls += 1
        return super().find(*args, **kwargs)

    def insert_one(self, document: dict[str, Any]) -> None:
        self.calls += 1


class Named(MongoClient[dict[str, Any]]):
    def __getitem__(self, name: str) -> Database[dict[str, Any]]:
        return super().__getitem__(name.lower())


reveal_type(Named().a)
reveal_type(Counted(Named().a, "b"))
