from typing import Any, TypedDict

from bson import ObjectId
from pymongo import MongoClient
from pymongo.collection import Collection


class Movie(TypedDict):
    _id: ObjectId
    title: str
    year: int


client: MongoClient = MongoClient()
movies: Collection[Movie] = client.films.movies
movie = movies.find_one({"title": "Solaris"})
reveal_type(movie)
print(movie["title"])
if movie is not None:
    reveal_type(movie["year"])
    print(movie["director"])
    length: str = movie["year"]
for each in movies.find():
    reveal_type(each)
whole: dict[str, Any] = movies.find_one()
