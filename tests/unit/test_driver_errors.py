"""The exceptions: texts, labels, timeouts and pickles, as PyMongo's."""

from __future__ import annotations

import copy
import inspect
import pickle
from typing import Any

import pytest
from oracle import assert_same, normal

from mongodriver import errors
from mongodriver.values.errors import _bulk_error

NAMES = [
    name
    for name, kind in vars(errors).items()
    if inspect.isclass(kind) and issubclass(kind, BaseException) and not name.startswith("_")
]

ARGUMENTS = [
    "",
    "'m'",
    "'m', ['x']",
    "'m', []",
    "'m', {'errorLabels': ['L'], 'a': 1}",
    "'m', {'errorLabels': None}",
    "'m', 11",
    "'m', 11, {'errorLabels': ['L'], 'a': 1}",
    "'m', 50, {'a': 1}, 9",
    "'m', 11, {}",
    "{'writeErrors': [{'code': 11}], 'errorLabels': ['L']}",
    "{'error': None, 'writeErrors': [], 'writeConcernErrors': []}, True",
    "ValueError('c')",
    "ValueError('c'), {'f': 1}",
]

ATTRIBUTES = [
    "args",
    "timeout",
    "code",
    "details",
    "errors",
    "cause",
    "document",
    "encrypted_fields",
    "write_errors",
    "write_concern_errors",
    "error",
    "verbose",
    "has_error_label('L')",
    "_error_labels",
    "_max_wire_version",
]


@pytest.mark.parametrize("arguments", ARGUMENTS)
@pytest.mark.parametrize("name", NAMES)
def test_same_as_pymongo(name: str, arguments: str) -> None:
    call = f"errors.{name}({arguments})"
    assert_same(call)
    assert_same(f"str({call})")
    for attribute in ATTRIBUTES:
        assert_same(f"{call}.{attribute}")


@pytest.mark.parametrize("name", NAMES)
def test_same_ancestors_as_pymongo(name: str) -> None:
    assert_same(f"[kind.__name__ for kind in errors.{name}.__mro__]")


@pytest.mark.parametrize(
    "results",
    [
        {},
        {"writeErrors": [{"code": 50}]},
        {"writeErrors": [{"code": 1}, {"code": 50}]},
        {"writeErrors": [{"code": 50}, {"code": 1}]},
        {"writeConcernErrors": [{"code": 64, "errInfo": {"wtimeout": True}}]},
        {"writeConcernErrors": [{"code": 50}, {"code": 1}]},
        {"writeErrors": [{"code": 50}], "writeConcernErrors": [{"code": 1}]},
    ],
)
def test_timeout_of_a_bulk(results: dict[str, Any]) -> None:
    assert_same("errors.BulkWriteError(results).timeout", results=results)


PICKLED = [
    errors.PyMongoError("m", ["L"]),
    errors.AutoReconnect("m", {"errorLabels": ["L"]}),
    errors.NotPrimaryError("m", {"code": 10107}),
    errors.NetworkTimeout("m", ["x"]),
    errors.OperationFailure("m", 11, {"errorLabels": ["L"]}, 17),
    errors.DuplicateKeyError("m", 11000, {"keyValue": {"a": 1}}),
    errors.WTimeoutError("m", 64, {"a": 1}),
    errors.BulkWriteError({"writeErrors": [{"code": 11}], "errorLabels": ["L"]}),
    errors.ClientBulkWriteException({"error": None, "writeErrors": [1]}, True),
    errors.EncryptionError(ValueError("c")),
    errors.EncryptedCollectionError(ValueError("c"), {"f": 1}),
    errors.InvalidURI("m"),
]


@pytest.mark.parametrize("error", PICKLED, ids=lambda error: type(error).__name__)
def test_pickles_and_copies_keep_everything(error: Any) -> None:
    def state(some: Any) -> str:
        names = [name for name in ATTRIBUTES if name.isidentifier() and hasattr(some, name)]
        values = {name: getattr(some, name) for name in names}
        return repr((type(some), str(some), values))

    for other in (pickle.loads(pickle.dumps(error)), copy.deepcopy(error)):
        assert state(other) == state(error)


def test_labels_can_be_added_and_removed() -> None:
    error = errors.PyMongoError("m")
    error._add_error_label("L")
    assert error.has_error_label("L")
    error._remove_error_label("L")
    error._remove_error_label("L")
    assert not error.has_error_label("L")


def test_a_reply_in_the_text_names_the_products_own_types() -> None:
    from bsonx.objectid import ObjectId

    error = errors.OperationFailure("m", 1, {"_id": ObjectId("0" * 24)})
    assert normal(error) == "m, full error: {'_id': ObjectId('000000000000000000000000')}"


def failures(*codes):
    texts = {
        11000: "E11000 duplicate key error collection: d.c index: idx_email dup key: { e: 1 }",
        121: "Document failed validation",
    }
    return [
        {"index": i, "code": code, "errmsg": texts.get(code, "?"), "op": {"x": "y" * 50}}
        for i, code in enumerate(codes)
    ]


def test_summary_of_a_bulk_write():
    errors_ = failures(11000, 121, 11000)
    error = _bulk_error(errors.BulkWriteError, 10_000, {"writeErrors": errors_})
    assert error.summary == "3 of 10,000 failed: 2 E11000 on idx_email, 1 validation"
    assert error.by_code == {11000: [errors_[0], errors_[2]], 121: [errors_[1]]}
    again = pickle.loads(pickle.dumps(error))
    assert (again.summary, str(again), type(again)) == (error.summary, str(error), type(error))


@pytest.mark.parametrize(
    ("details", "expected"),
    [
        ({}, "0 failed"),
        ({"writeErrors": failures(121)}, "1 failed: 1 validation"),
        (
            {"writeErrors": [], "writeConcernErrors": [{"code": 64}]},
            "0 failed; 1 write concern error",
        ),
        (
            {"writeErrors": failures(*range(20, 28)), "writeConcernErrors": [{}, {}]},
            "8 failed: 1 code 20, 1 code 21, 1 code 22, 1 code 23, 1 code 24, 3 other; "
            "2 write concern errors",
        ),
        ({"writeErrors": [{"code": 11000, "errmsg": "?"}, {}]}, "2 failed: 1 E11000, 1 other"),
        (
            {"writeErrors": [{"code": 2, "errmsg": "object to insert too large. size"}]},
            "1 failed: 1 too large",
        ),
        (
            {"writeErrors": [{"code": 11000, "errmsg": "E11000 index: db.c.$a_1 dup key"}]},
            "1 failed: 1 E11000 on a_1",
        ),
    ],
)
def test_summaries_of_what_users_and_servers_give(details, expected):
    assert errors.BulkWriteError(details).summary == expected
    assert errors.ClientBulkWriteException(details, False).summary == expected


def test_a_short_text_of_a_bulk_is_that_of_pymongo():
    for results in (
        {},
        {"writeErrors": failures(11000, 121), "nInserted": 1, "upserted": []},
        None,
    ):
        assert_same("str(errors.BulkWriteError(results))", results=results)
    assert_same(
        "str(errors.ClientBulkWriteException(r, True))", r={"error": None, "writeErrors": []}
    )


def test_a_long_text_of_a_bulk_is_cut():
    results = {"writeErrors": failures(*[121] * 100_000), "nInserted": 0}
    error = _bulk_error(errors.BulkWriteError, 200_000, results)
    whole = f"batch op errors occurred, full error: {results}"
    text, _, account = str(error).rpartition("... (")
    assert len(text) < 5_000
    assert whole.startswith(text)
    assert account == "100,000 of 200,000 failed: 100,000 validation)"
    assert error.args == (str(error),)


def test_a_bulk_error_that_cannot_be_shown():
    nested: list = []
    for _ in range(100_000):
        nested = [nested]
    assert str(errors.BulkWriteError({"writeErrors": [nested]})) == "batch op errors occurred"
