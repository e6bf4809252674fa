"""What a field of a reply may be: unusual but plain values are read, guesses are refused."""

from __future__ import annotations

import re

import pytest

from bsonx.binary import Binary
from bsonx.codec_options import CodecOptions, TypeDecoder, TypeRegistry
from bsonx.decimal128 import Decimal128
from bsonx.int64 import Int64
from bsonx.objectid import ObjectId
from bsonx.raw_bson import RawBSONDocument
from bsonx.son import SON
from bsonx.timestamp import Timestamp
from mongodriver.auth.credentials import CredentialCache, MongoCredential
from mongodriver.auth.scram import Scram
from mongodriver.errors import (
    NotPrimaryError,
    OperationFailure,
    ProtocolError,
    WriteConcernError,
    WTimeoutError,
)
from mongodriver.replies import fields
from mongodriver.replies.catalogue import check_report
from mongodriver.replies.times import is_cluster_time
from mongodriver.replies.verdicts import command_error, write_concern_error, write_error
from mongodriver.sdam.error_effects import error_effect
from mongodriver.sdam.topology_rules import compare_versions
from mongodriver.server_description import ServerDescription

DECIMAL = Decimal128
PLAIN = CodecOptions()


@pytest.mark.parametrize(
    ("value", "number"),
    [
        (3, 3),
        (Int64(3), 3),
        (3.0, 3),
        (-0.0, 0),
        (DECIMAL("3"), 3),
        (DECIMAL("3.00"), 3),
        (DECIMAL("-0"), 0),
        (2**63 - 1, 2**63 - 1),
        (-(2**63), -(2**63)),
        (2.0**63, None),
        (3.5, None),
        (float("nan"), None),
        (float("inf"), None),
        (DECIMAL("NaN"), None),
        (DECIMAL("sNaN"), None),
        (DECIMAL("-Infinity"), None),
        (DECIMAL("3.5"), None),
        (DECIMAL("9.999999999999999999999999999999999E+6144"), None),
        (DECIMAL("1E-6176"), None),
        (True, None),
        ("3", None),
        (None, None),
        ([3], None),
    ],
)
def test_whole_numbers(value, number):
    found = fields.whole_number(value)
    assert found == number
    assert number is None or type(found) is int
    if number is None:
        with pytest.raises(ProtocolError, match="'n' must be a whole number, not"):
            fields.integer({"n": value}, "n")
    else:
        assert fields.integer({"n": value}, "n") == number


def test_the_error_names_what_is_missing_and_what_came():
    with pytest.raises(ProtocolError, match=re.escape("'n' is missing")):
        fields.count({}, "n")
    with pytest.raises(ProtocolError, match=re.escape("'n' must be a count, not -1")):
        fields.count({"n": -1}, "n")
    error = fields.bad_reply("find", ("::1", 5), fields.unexpected("n", "a count", "x" * 10**6))
    assert str(error).startswith("[::1]:5: bad reply to find: 'n' must be a count, not 'xxx")
    assert len(str(error)) < 200
    assert str(fields.bad_reply("find", None, KeyError("a"))) == (
        "bad reply to find: KeyError: 'a'"
    )


@pytest.mark.parametrize("value", [True, 1, 1.0, Int64(1), DECIMAL("1")])
def test_flags(value):
    assert fields.flag({"f": value}, "f") is True
    assert fields.flag({"f": None}, "f") is False
    for wrong in (2, "x", [], 0.5):
        with pytest.raises(ProtocolError, match="'f' must be a boolean"):
            fields.flag({"f": wrong}, "f")


class Whole(TypeDecoder):
    bson_type = dict

    def transform_bson(self, value):
        return 7


class Typed:
    """A class of the user's that is no mapping."""


@pytest.mark.parametrize(
    ("found", "options", "good"),
    [
        ([], PLAIN, True),
        ([{}], PLAIN, True),
        ([{}, 5], PLAIN, False),
        ([SON()], CodecOptions(SON), True),
        ([RawBSONDocument(b"\x05\0\0\0\0")], CodecOptions(RawBSONDocument), True),
        ([b"x"], CodecOptions(RawBSONDocument), False),
        ([7], CodecOptions(type_registry=TypeRegistry([Whole()])), True),
        ([None], PLAIN, False),
    ],
)
def test_documents_of_the_user(found, options, good):
    if good:
        assert fields.documents({"b": found}, "b", options) is found
    else:
        with pytest.raises(ProtocolError, match="'b' must be a list of documents"):
            fields.documents({"b": found}, "b", options)


# -- verdicts --


@pytest.mark.parametrize("ok", [1, 1.0, True, Int64(1), DECIMAL("1"), DECIMAL("1.0")])
def test_success_in_any_type(ok):
    assert command_error({"ok": ok}) is None


@pytest.mark.parametrize("ok", [0, 0.0, False, Int64(0), DECIMAL("0")])
def test_failure_in_any_type(ok):
    error = command_error({"ok": ok, "errmsg": "m", "code": 8})
    assert (type(error), error.code) == (OperationFailure, 8)


@pytest.mark.parametrize("ok", [2, -1, 0.5, float("nan"), "1", None, [], {}, DECIMAL("NaN")])
def test_neither(ok):
    with pytest.raises(ProtocolError, match="'ok' must be 0 or 1"):
        command_error({"ok": ok, "errmsg": "m"})


def test_a_reply_without_ok_is_a_failure():
    assert type(command_error({})) is OperationFailure
    assert "bad" in str(command_error({"$err": "bad", "code": 3}))


@pytest.mark.parametrize(
    ("code", "read"),
    [
        *((43, 43), (43.0, 43), (Int64(43), 43), (DECIMAL("43"), 43), ("43", None), ([], None)),
        *((True, None), (float("nan"), None), (None, None), (1.5, None)),
    ],
)
def test_codes_in_any_type(code, read):
    error = command_error({"ok": 0, "errmsg": "m", "code": code})
    assert error.code == read
    assert write_error({"writeErrors": [{"code": code}]}).code == read
    assert write_concern_error({"writeConcernError": {"code": code}}).code == read


@pytest.mark.parametrize("labels", [None, 5, "RetryableWriteError", {}, [5, None], True])
def test_labels_that_are_none(labels):
    error = command_error({"ok": 0, "errmsg": "m", "errorLabels": labels})
    assert error._error_labels == set()
    assert not error.has_error_label("RetryableWriteError")
    assert command_error({"ok": 0, "errorLabels": ["a", 5]})._error_labels == {"a"}


@pytest.mark.parametrize("message", [5, None, [], {}, b"x"])
def test_messages_that_are_none(message):
    assert isinstance(command_error({"ok": 0, "errmsg": message}), OperationFailure)
    assert isinstance(write_error({"writeErrors": [{"errmsg": message}]}), OperationFailure)


def test_errors_nested_too_deep_to_be_shown():
    deep: object = {}
    for _ in range(100_000):
        deep = {"a": deep}
    error = command_error({"ok": 0, "errmsg": "m", "more": deep})
    assert str(error) == "m"
    while deep:  # taken apart, which the interpreter cannot do at once
        deep = deep.pop("a")


@pytest.mark.parametrize("info", [None, 5, "x", [], {}, {"wtimeout": False}])
def test_a_write_concern_error_that_is_no_timeout(info):
    error = write_concern_error({"writeConcernError": {"code": 64, "errInfo": info}})
    assert type(error) is WriteConcernError
    met = {"writeConcernError": {"code": 64, "errInfo": {"wtimeout": True}}}
    assert type(write_concern_error(met)) is WTimeoutError


@pytest.mark.parametrize("value", [5, "x", [], True, 0, ""])
def test_errors_that_are_none(value):
    with pytest.raises(ProtocolError, match="'writeConcernError' must be a document"):
        write_concern_error({"writeConcernError": value})
    assert write_concern_error({"writeConcernError": None}) is None
    assert write_error({"writeErrors": None}) is None
    if value != []:
        with pytest.raises(ProtocolError, match="'writeErrors' must be a list"):
            write_error({"writeErrors": value})
    with pytest.raises(ProtocolError, match="'writeErrors' must be a list of documents"):
        write_error({"writeErrors": [value]})


# -- versions and times --

VERSION = {"processId": ObjectId(), "counter": Int64(5)}
WRONG_VERSIONS = [5, "x", [], {}, {"processId": None}, {**VERSION, "counter": "x"}]


@pytest.mark.parametrize("wrong", WRONG_VERSIONS)
def test_topology_versions_that_are_none_count_as_older(wrong):
    assert compare_versions(VERSION, wrong) == -1
    assert compare_versions(wrong, VERSION) == -1
    assert compare_versions(wrong, wrong) == -1


@pytest.mark.parametrize("wrong", [*WRONG_VERSIONS, None])
def test_a_state_change_with_a_wrong_version_still_is_one(wrong):
    reply = {"ok": 0, "code": 10107, "errmsg": "not primary", "topologyVersion": wrong}
    error = command_error(reply)
    assert isinstance(error, NotPrimaryError)
    assert error_effect(error, ServerDescription(("a", 1))).mark_unknown
    known = ServerDescription(("a", 1), error=error)
    assert known.topology_version is None or isinstance(known.topology_version, dict)


@pytest.mark.parametrize("code", [[], {}, "91", 1e400])
def test_a_state_change_with_a_code_that_is_none(code):
    error = command_error({"ok": 0, "code": code, "errmsg": "not master"})
    assert isinstance(error, NotPrimaryError)
    assert not error_effect(error, ServerDescription(("a", 1))).clear_pool


@pytest.mark.parametrize(
    ("value", "good"),
    [
        ({"clusterTime": Timestamp(1, 1)}, True),
        ({"clusterTime": Timestamp(1, 1), "signature": None}, True),
        ({"clusterTime": Timestamp(1, 1), "signature": {"hash": b"x", "keyId": Int64(1)}}, True),
        ({"clusterTime": Timestamp(1, 1), "signature": {"hash": {"deep": 1}, "keyId": 1}}, False),
        ({"clusterTime": Timestamp(1, 1), "signature": {"hash": b"x" * 10**6, "keyId": 1}}, False),
        # Servers refuse all commands that come with one of these.
        ({"clusterTime": Timestamp(1, 1), "signature": {"hash": b"x"}}, False),
        ({"clusterTime": Timestamp(1, 1), "signature": {"keyId": 1}}, False),
        ({"clusterTime": Timestamp(1, 1), "signature": {"hash": "x", "keyId": 1}}, False),
        ({"clusterTime": Timestamp(1, 1), "signature": {"hash": b"x", "keyId": "1"}}, False),
        ({"clusterTime": Timestamp(1, 1), "signature": {"hash": b"x", "keyId": 1.5}}, False),
        ({"clusterTime": Timestamp(1, 1), "signature": 5}, False),
        ({"clusterTime": Timestamp(1, 1), "more": [1]}, False),
        ({"clusterTime": 1}, False),
        ({}, False),
        (5, False),
    ],
)
def test_cluster_times(value, good):
    assert is_cluster_time(value) is good


# -- others --


@pytest.mark.parametrize(
    "report",
    [
        {"valid": True},
        {"valid": 1.0},
        {"result": "fine"},
        {"raw": {"shard": {"valid": True}}},
        {"raw": {"shard": {"valid": True}}, "valid": True},
    ],
)
def test_good_reports_of_validate(report):
    check_report(report, "t")


@pytest.mark.parametrize("report", [{"valid": "x"}, {"raw": 5}, {"raw": {"a": 5}}, {"result": 5}])
def test_reports_of_validate_that_are_none(report):
    with pytest.raises(ProtocolError):
        check_report(report, "t")


NONCE = b"x" * 24
CREDENTIAL = MongoCredential("SCRAM-SHA-256", "admin", "u", "p", None, CredentialCache())


CREDENTIAL = MongoCredential("SCRAM-SHA-256", "admin", "u", "p", None, CredentialCache())


@pytest.mark.parametrize("field", ["conversationId", "done", "payload", "ok"])
@pytest.mark.parametrize("value", [None, "x", [], {}, 2**70, float("nan"), b"", Binary(b"r=a")])
def test_damaged_replies_of_a_login(field, value):
    scram = Scram(
        MongoCredential("SCRAM-SHA-256", "admin", "u", "p", None, CredentialCache()),
        "SCRAM-SHA-256",
        NONCE,
    )
    first = scram.start()["payload"].split(b"r=")[1]
    challenge = b"r=" + first + b"server,s=c2FsdA==,i=4096"
    reply = {"conversationId": 1, "done": False, "payload": challenge, "ok": 1}
    try:
        scram.reply({**reply, field: value})
    except (OperationFailure, ProtocolError):
        pass
    scram = Scram(
        MongoCredential("SCRAM-SHA-256", "admin", "u", "p", None, CredentialCache()),
        "SCRAM-SHA-256",
        NONCE,
    )
    scram.reply(reply)
    final = b"v=" + scram._server_signature
    try:
        scram.reply({**reply, "payload": final, "done": True, field: value})
    except (OperationFailure, ProtocolError):
        pass
