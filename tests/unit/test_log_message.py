"""The text of structured log records."""

from __future__ import annotations

import json
from collections import OrderedDict

import pytest

from bsonx import encode, json_util
from bsonx.binary import Binary
from bsonx.code import Code
from bsonx.int64 import Int64
from bsonx.objectid import ObjectId
from bsonx.raw_bson import RawBSONDocument
from mongodriver.events.log_message import LogMessage, document_text

ID = ObjectId("0123456789abcdef01234567")

DOCUMENTS = [
    {},
    {"a": 1, "b": [], "c": {}, "d": "", "e": None, "f": 0},
    {"find": "c", "filter": {"_id": ID, "x": {"$gt": 1.5}}, "limit": Int64(3)},
    {"a": "x" * 50, "b": "y" * 50},
    {"a": 'quotes " and \\ and \x01' * 9},
    {"a": b"z" * 100, "b": Binary(b"z" * 100, 5)},
    {"long name " * 20: 1, "b": 2},
    {"a": [[[["deep", {"x": [1, 2, 3] * 20}]]]] * 5},
    {"a": list(range(200)), "b": 5},
    {"a": Code("f()" * 40, {"x": 1})},
    OrderedDict([("b", ["x" * 30] * 9), ("a", 1)]),
    RawBSONDocument(encode({"a": ["x" * 30] * 9, "b": {"c": 1}})),
    {"documents": [{"_id": i, "s": "x" * 7} for i in range(50)]},
]


def whole(document):
    return json_util.dumps(document, json_options=json_util.RELAXED_JSON_OPTIONS)


@pytest.mark.parametrize("document", DOCUMENTS, ids=range(len(DOCUMENTS)))
def test_documents_are_cut_where_their_text_is(document):
    text = whole(document)
    assert document_text(document, None) == text
    for limit in range(len(text) + 3):
        expected = text if len(text) <= limit else text[:limit] + "..."
        assert document_text(document, limit) == expected


class Seen(dict):
    """Tells how much of it was looked at."""

    looked_at = 0

    def __getitem__(self, key):
        self.looked_at += 1
        return super().__getitem__(key)


def test_no_more_of_a_document_is_looked_at_than_is_shown():
    document = Seen({str(i): "x" * 10 for i in range(1000)})
    assert document_text(document, 100).endswith("...")
    assert document.looked_at < 20


def test_a_message_is_a_json_object():
    message = LogMessage("Command started", {"clientId": ID, "n": 5}, {"command": {"ping": 1}})
    assert str(message) == (
        '{"message": "Command started", "clientId": {"$oid": "0123456789abcdef01234567"}, '
        '"n": 5, "command": "{\\"ping\\": 1}"}'
    )


def test_what_extended_json_does_not_know_is_shown_as_python_does():
    assert json.loads(str(LogMessage("m", {"x": (object,)})))["x"] == ["<class 'object'>"]


@pytest.mark.parametrize(
    "name", ["MONGODB_LOG_MAX_DOCUMENT_LENGTH", "MONGOB_LOG_MAX_DOCUMENT_LENGTH"]
)
@pytest.mark.parametrize(
    ("value", "length"),
    [("5", 8), ("0", 3), ("unlimited", 2009), ("", 1003), ("-1", 1003), ("many", 1003)],
)
def test_the_environment_says_how_long_documents_may_be(monkeypatch, name, value, length):
    monkeypatch.setenv(name, value)
    message = LogMessage("m", {"field": "y" * 2000}, {"command": {"a": "x" * 2000}})
    shown = json.loads(str(message))
    assert len(shown["command"]) == length
    assert shown["field"] == "y" * 2000


def test_the_length_of_documents_is_1000(monkeypatch):
    monkeypatch.delenv("MONGODB_LOG_MAX_DOCUMENT_LENGTH", raising=False)
    monkeypatch.delenv("MONGOB_LOG_MAX_DOCUMENT_LENGTH", raising=False)
    shown = json.loads(str(LogMessage("m", {}, {"reply": {"a": "x" * 2000}})))
    assert shown["reply"] == '{"a": "' + "x" * 993 + "..."
