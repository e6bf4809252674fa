"""The exceptions: texts, labels, timeouts and pickles, as PyMongo's."""

from __future__ import annotations

import copy
import inspect
import pickle
from typing import Any

import pytest
from oracle import assert_same, normal

from mongodriver import errors

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
