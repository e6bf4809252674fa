from collections.abc import Mapping
from typing import Any, Generic, TypeVar

from bson import ObjectId
from pymongo.collection import Collection
from pymongo.database import Database

T = TypeVar("T", bound=Mapping[str, Any])


class Repository(Generic[T]):
    def __init__(self, database: Database[T], name: str) -> None:
        self.collection: Collection[T] = database[name]

    def get(self, key: ObjectId) -> T | None:
        return self.collection.find_one({"_id": key})

    def add(self, document: T) -> ObjectId:
        return self.collection.insert_one(document).inserted_id

    def all(self) -> list[T]:
        return list(self.collection.find())

    def first(self) -> T:
        return self.collection.find_one()


def use(database: Database[dict[str, int]]) -> None:
    repository = Repository(database, "a")
    reveal_type(repository)
    reveal_type(repository.get(ObjectId()))
    repository.add({"a": "b"})
