"""Classes with fields as documents, which PyMongo does not have."""

from dataclasses import dataclass
from typing import Any, NamedTuple, assert_type

import attrs
import msgspec
import pydantic

import bsonx
from bsonx.codec_options import CodecOptions
from mongodriver import MongoClient
from mongodriver.asynchronous.collection import AsyncCollection
from mongodriver.asynchronous.database import AsyncDatabase
from mongodriver.collection import Collection
from mongodriver.cursor import Cursor
from mongodriver.database import Database


@dataclass
class Movie:
    title: str


class Struct(msgspec.Struct):
    title: str


@attrs.define
class Attrs:
    title: str


class Model(pydantic.BaseModel):
    title: str


class Tuple(NamedTuple):
    title: str


class Neither:
    title: str


def classes(
    a: Collection[Movie],
    b: Collection[Struct],
    c: Collection[Attrs],
    d: Collection[Model],
    e: Collection[Tuple],
) -> None:
    assert_type(a.find_one(), Movie | None)
    assert_type(b.find_one(), Struct | None)
    assert_type(c.find_one(), Attrs | None)
    assert_type(d.find_one(), Model | None)
    assert_type(e.find_one(), Tuple | None)


def no_document(
    a: Collection[Neither],  # error
    b: Collection[int],  # error
    c: Collection[list[Movie]],  # error
) -> None:
    CodecOptions(document_class=Neither)  # error


def options(db: Database[dict[str, Any]], client: MongoClient[dict[str, Any]]) -> None:
    movies = CodecOptions(document_class=Movie)
    assert_type(movies, CodecOptions[Movie])
    assert_type(db.get_collection("a", movies), Collection[Movie])
    assert_type(db.get_collection("a", codec_options=movies).find(), Cursor[Movie])
    assert_type(db.create_collection("a", movies), Collection[Movie])
    assert_type(db.a.with_options(movies), Collection[Movie])
    assert_type(client.get_database("a", movies), Database[Movie])
    assert_type(client.get_default_database("a", movies), Database[Movie])
    assert_type(MongoClient(document_class=Movie), MongoClient[Movie])
    # As in PyMongo: options for mappings say nothing of the collection.
    plain = CodecOptions(document_class=dict[str, int])
    assert_type(db.get_collection("a", plain), Collection[dict[str, Any]])
    movie = db.get_collection("a", movies).find_one()
    movie.title  # error
    if movie is not None:
        assert_type(movie.title, str)
        movie.director  # error


async def asynchronous(db: AsyncDatabase[dict[str, Any]]) -> None:
    movies = CodecOptions(document_class=Movie)
    assert_type(db.get_collection("a", movies), AsyncCollection[Movie])
    assert_type(await db.create_collection("a", movies), AsyncCollection[Movie])
    assert_type(await db.a.with_options(movies).find_one(), Movie | None)


def decoding(data: bytes) -> None:
    assert_type(bsonx.decode(data, type=Movie), Movie)
    assert_type(bsonx.decode_all(data, type=Struct), list[Struct])
    assert_type(bsonx.decode(data, CodecOptions(document_class=Model)), Model)
    assert_type(list(bsonx.decode_iter(data, type=Movie)), list[Movie])
    bsonx.decode(data, kind=Movie)  # error
