"""Schemas: from text, from files, from classes."""

import json
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, ClassVar, NamedTuple, NewType, NotRequired, Optional, TypedDict

import pytest

from bsonx import Decimal128, Int64, ObjectId
from mongodriver.ingest import IngestError
from mongodriver.ingest.schema import Schema

Weight = NewType("Weight", float)


@dataclass
class Flight:
    _id: ObjectId
    carrier: str
    number: int
    delay: float | None
    when: datetime
    late: Optional[bool]  # noqa: UP045
    fare: Decimal
    total: Decimal128
    miles: Int64
    weight: Weight
    known: ClassVar[int] = 0


TYPES = {
    "_id": "objectid",
    "carrier": "str",
    "number": "int",
    "delay": "float",
    "when": "date",
    "late": "bool",
    "fare": "decimal",
    "total": "decimal",
    "miles": "int",
    "weight": "float",
}


class Row(TypedDict):
    a: int
    b: NotRequired[str]


class Pair(NamedTuple):
    a: int
    b: str | None


class Bad:
    a: list[int]


def test_from_classes():
    assert Schema.from_class(Flight).types == TYPES
    for typed in (Row, Pair):
        assert Schema.from_class(typed).types == {"a": "int", "b": "str"}


@pytest.mark.parametrize(
    ("typed", "problem"),
    [
        (Bad, r"Bad\.a: a column cannot be of type list\[int\]"),
        (int, "is no class with fields"),
        (5, "is no class with fields"),
        (type("Any_", (), {"__annotations__": {"a": Any}}), "cannot be of type typing.Any"),
        (
            type("Union_", (), {"__annotations__": {"a": int | str}}),
            r"cannot be of type int \| str",
        ),
        (type("Lost", (), {"__annotations__": {"a": "Nowhere"}}), "is no class with fields"),
    ],
)
def test_classes_that_are_none(typed, problem):
    with pytest.raises(IngestError, match=problem):
        Schema.from_class(typed)


def test_from_text():
    assert Schema.from_text("a:int,b:date(%d, %m %Y)").types == {"a": "int", "b": "date(%d, %m %Y)"}


VALIDATOR = {
    "properties": {
        "a": {"bsonType": "int"},
        "b": {"bsonType": ["string", "null"]},
        "c": {"bsonType": ["int", "long"]},
        "d": {"bsonType": "objectId"},
    }
}


@pytest.mark.parametrize(
    ("content", "types"),
    [
        ({"a": "int", "b": "date(%Y)"}, {"a": "int", "b": "date(%Y)"}),
        ({}, {}),
        (VALIDATOR, {"a": "int", "b": "str", "c": "int", "d": "objectid"}),
        ({"$jsonSchema": VALIDATOR}, {"a": "int", "b": "str", "c": "int", "d": "objectid"}),
    ],
)
def test_from_files(tmp_path, content, types):
    path = tmp_path / "schema.json"
    path.write_text(json.dumps(content))
    assert Schema.from_file(path).types == types
    assert Schema.load(str(path)).types == types


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("{", "not JSON"),
        ("[]", "it must be an object"),
        ('{"a": 5}', "it must be an object"),
        ('{"a": "integer"}', "unknown type 'integer'"),
        ('{"properties": {"a": {"type": "string"}}}', "property 'a' has no bsonType"),
        ('{"properties": {"a": {"bsonType": ["int", "string"]}}}', "property 'a' has no bsonType"),
        ('{"properties": {"a": {"bsonType": "array"}}}', "property 'a' has no bsonType"),
    ],
)
def test_files_that_are_none(tmp_path, text, problem):
    path = tmp_path / "schema.json"
    path.write_text(text)
    with pytest.raises(IngestError, match=problem) as caught:
        Schema.from_file(path)
    assert str(caught.value).startswith(str(path))


def test_by_name():
    assert Schema.load(f"{__name__}:Flight").types == TYPES
    for name in ("missing.json", "os:Nothing", "no.such.module:A", "a b:C", ":A", "os:"):
        with pytest.raises(IngestError, match=r"there is no (file|class)"):
            Schema.load(name)
