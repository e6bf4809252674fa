from typing import NotRequired, TypedDict

from bson import ObjectId
from bson.raw_bson import RawBSONDocument
from pymongo.collection import Collection


class Movie(TypedDict):
    _id: NotRequired[ObjectId]
    title: str


def insert(movies: Collection[Movie]) -> ObjectId:
    result = movies.insert_one({"title": "Solaris"})
    movies.insert_one(Movie(title="Stalker"))
    movies.insert_one({"name": "Stalker"})
    movies.insert_one({"title": 7})
    movies.insert_many([{"title": "a"}, {"title": "b"}])
    movies.insert_many([{"title": "a"}, {"titel": "b"}])
    movies.insert_one(RawBSONDocument(b"\x05\x00\x00\x00\x00"))
    movies.insert_one("title")
    reveal_type(result)
    return result.inserted_id
