"""Errors of replies, their effect on the topology, and when operations are repeated."""

from __future__ import annotations

from typing import Any

import pytest

from mongodriver.errors import (
    AutoReconnect,
    CursorNotFound,
    DuplicateKeyError,
    ExecutionTimeout,
    NetworkTimeout,
    NotPrimaryError,
    OperationFailure,
    PyMongoError,
    ServerSelectionTimeoutError,
    WaitQueueTimeoutError,
    WriteConcernError,
    WriteError,
    WTimeoutError,
)
from mongodriver.execution.retry_rules import (
    BASE_BACKOFF,
    MAX_BACKOFF,
    NO_WRITES_PERFORMED,
    RETRYABLE_ERROR,
    RETRYABLE_WRITE,
    Retries,
    backoff,
    is_retryable_read,
    is_retryable_write,
)
from mongodriver.hello import Hello
from mongodriver.replies.verdicts import (
    command_error,
    reply_error,
    write_concern_error,
    write_error,
)
from mongodriver.sdam.error_effects import OVERLOADED, ErrorEffect, error_effect
from mongodriver.values.error_codes import (
    NOT_PRIMARY,
    RECOVERING,
    RETRYABLE,
    SHUTDOWN,
    is_state_change,
)
from mongodriver.values.server_description import ServerDescription

SHED = [OVERLOADED, RETRYABLE_ERROR]


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        ({"ok": 0, "errmsg": "x"}, OperationFailure),
        ({"ok": 0, "errmsg": "x", "code": 1}, OperationFailure),
        ({"ok": 0, "errmsg": "x", "code": 11000}, DuplicateKeyError),
        ({"ok": 0, "errmsg": "x", "code": 11001}, DuplicateKeyError),
        ({"ok": 0, "errmsg": "x", "code": 43}, CursorNotFound),
        ({"ok": 0, "errmsg": "x", "code": 50}, ExecutionTimeout),
        ({"ok": 0, "errmsg": "x", "code": 91}, NotPrimaryError),
        ({"ok": 0, "errmsg": "x", "code": 10107}, NotPrimaryError),
        ({"ok": 0, "errmsg": "not master"}, NotPrimaryError),
        ({"ok": 0, "errmsg": "node is recovering"}, NotPrimaryError),
        ({"ok": 0, "errmsg": "not master", "code": 5}, OperationFailure),
        ({"$err": "x", "code": 13435}, OperationFailure),
    ],
)
def test_command_errors(reply: dict[str, Any], kind: type) -> None:
    error = command_error(reply, 17)
    assert type(error) is kind
    message = reply.get("errmsg", reply.get("$err"))
    assert str(error) == f"{message}, full error: {reply}"
    assert error.details == reply  # type: ignore[union-attr]
    if isinstance(error, OperationFailure):
        assert error.code == reply.get("code")
        assert error._max_wire_version == 17


def test_a_good_reply_is_no_error() -> None:
    assert reply_error({"ok": 1.0, "n": 1}) is None
    assert command_error({"ok": 1, "writeErrors": [{"code": 1}]}) is None


def test_a_reply_without_a_reason() -> None:
    error = command_error({"ok": 0})
    assert str(error) == "the server gave no reason, full error: {'ok': 0}"


def test_the_reason_of_a_shard() -> None:
    reply = {"ok": 0, "raw": {"s": "x", "t": {"ok": 0, "errmsg": "inner", "code": 9}}}
    error = command_error(reply)
    assert isinstance(error, OperationFailure)
    assert error.code == 9
    assert str(error).startswith("inner, ")


@pytest.mark.parametrize("code", [[1], {"a": 1}, "x", None])
def test_a_code_that_is_no_number(code: Any) -> None:
    error = reply_error({"ok": 0, "errmsg": "x", "code": code})
    assert isinstance(error, OperationFailure)
    assert error.code is None


@pytest.mark.parametrize(
    ("reply", "allowed", "is_error"),
    [
        ({"ok": 0, "errmsg": "x", "code": 26}, [26], False),
        ({"ok": 0, "errmsg": "x", "code": 26}, ["x"], True),
        ({"ok": 0, "errmsg": "x"}, ["x"], False),
        ({"ok": 0, "errmsg": "x"}, [26], True),
        ({"ok": 0, "errmsg": "x", "code": 10107}, [10107], False),
        ({"ok": 0, "errmsg": "x", "code": 26}, [], True),
    ],
)
def test_allowed_errors(reply: dict[str, Any], allowed: list[Any], is_error: bool) -> None:
    assert (command_error(reply, allowable_errors=allowed) is not None) is is_error


@pytest.mark.parametrize(
    ("errors", "kind", "code"),
    [
        ([{"index": 0, "code": 11000, "errmsg": "dup"}], DuplicateKeyError, 11000),
        ([{"code": 121, "errmsg": "one"}, {"code": 2, "errmsg": "two"}], WriteError, 2),
        ([{"code": 3}], WriteError, 3),
    ],
)
def test_write_errors(errors: list[dict[str, Any]], kind: type, code: int) -> None:
    error = write_error({"ok": 1, "writeErrors": errors})
    assert type(error) is kind
    assert error is not None
    assert error.code == code
    assert error.details == errors[-1]


@pytest.mark.parametrize(
    ("document", "kind"),
    [
        ({"code": 64, "errmsg": "w", "errInfo": {"wtimeout": True}}, WTimeoutError),
        ({"code": 50, "errmsg": "w"}, WTimeoutError),
        ({"code": 64, "errmsg": "w"}, WriteConcernError),
        ({"code": 91, "errmsg": "w"}, WriteConcernError),
        ({"errmsg": "w"}, WriteConcernError),
    ],
)
def test_write_concern_errors(document: dict[str, Any], kind: type) -> None:
    reply = {"ok": 1, "writeConcernError": document, "errorLabels": [RETRYABLE_WRITE]}
    error = write_concern_error(reply)
    assert type(error) is kind
    assert error is not None
    assert error.has_error_label(RETRYABLE_WRITE)
    assert "errorLabels" not in document


def test_the_first_error_of_a_reply() -> None:
    both = {"ok": 1, "writeErrors": [{"code": 2}], "writeConcernError": {"code": 1}}
    assert type(reply_error(both)) is WriteError
    assert type(reply_error({**both, "ok": 0, "errmsg": "x"})) is OperationFailure
    assert type(reply_error({"ok": 1, "writeConcernError": {"code": 1}})) is WriteConcernError


def test_state_changes_go_by_code_if_there_is_one() -> None:
    for code in NOT_PRIMARY | RECOVERING:
        assert is_state_change(code, "")
    assert not is_state_change(1, "not master")
    assert not is_state_change(None, None)
    assert is_state_change(None, "not master or secondary")


SERVER = ServerDescription(
    ("a", 1), Hello({"ok": 1, "topologyVersion": {"processId": 1, "counter": 5}})
)


def _state_change(code: int, counter: int | None = None) -> NotPrimaryError:
    version = {} if counter is None else {"topologyVersion": {"processId": 1, "counter": counter}}
    return NotPrimaryError("x", {"code": code, **version})


@pytest.mark.parametrize(
    ("error", "arguments", "effect"),
    [
        (_state_change(10107), {}, ErrorEffect(True, False, True, True)),
        (_state_change(91), {}, ErrorEffect(True, True, True, True)),
        (_state_change(91, 6), {}, ErrorEffect(True, True, True)),
        (_state_change(10107, 6), {}, ErrorEffect(True, False, True)),
        (_state_change(10107, 5), {}, ErrorEffect()),
        (_state_change(10107), {"max_wire_version": 7}, ErrorEffect(True, True, True, True)),
        (_state_change(91), {"load_balanced": True}, ErrorEffect(False, True, True, True)),
        (_state_change(91), {"generation": 0, "pool_generation": 1}, ErrorEffect()),
        (WriteConcernError("x", 91, {}), {}, ErrorEffect(True, True, True, True)),
        (AutoReconnect("x"), {}, ErrorEffect(True, True, False, True)),
        (AutoReconnect("x"), {"load_balanced": True}, ErrorEffect(False, True, False, True)),
        (NetworkTimeout("x"), {}, ErrorEffect()),
        (NetworkTimeout("x"), {"handshake_complete": False}, ErrorEffect(True, True, False, True)),
        (OperationFailure("x", 18), {}, ErrorEffect()),
        (
            OperationFailure("x", 18),
            {"handshake_complete": False},
            ErrorEffect(True, True, False, True),
        ),
        (WaitQueueTimeoutError("x"), {}, ErrorEffect()),
        (AutoReconnect("x", {"errorLabels": SHED}), {"handshake_complete": False}, ErrorEffect()),
        # Whoever is in no state to serve says so also when overloaded.
        (
            NotPrimaryError("x", {"code": 91, "errorLabels": SHED}),
            {},
            ErrorEffect(True, True, True, True),
        ),
        (ValueError("x"), {}, ErrorEffect()),
    ],
)
def test_effects(error: Exception, arguments: dict[str, Any], effect: ErrorEffect) -> None:
    found = error_effect(error, SERVER, **arguments)
    assert found == effect
    assert bool(found) is (effect != ErrorEffect())


def test_errors_of_servers_that_are_gone_have_no_effect() -> None:
    assert not error_effect(AutoReconnect("x"), None)


@pytest.mark.parametrize(
    ("error", "retryable"),
    [
        (AutoReconnect("x"), True),
        (NetworkTimeout("x"), True),
        (NotPrimaryError("x", {}), True),
        (ServerSelectionTimeoutError("x"), False),
        (WaitQueueTimeoutError("x"), False),
        (OperationFailure("x", 11600), True),
        (OperationFailure("x", 134), True),
        (OperationFailure("x", 1), False),
        (OperationFailure("x"), False),
        (ValueError("x"), False),
    ],
)
def test_reads_that_may_be_repeated(error: Exception, retryable: bool) -> None:
    assert is_retryable_read(error) is retryable


def test_writes_go_by_their_label() -> None:
    assert not is_retryable_write(OperationFailure("x", 91))
    assert is_retryable_write(OperationFailure("x", 1, {"errorLabels": [RETRYABLE_WRITE]}))
    assert SHUTDOWN <= RETRYABLE


def _half() -> float:
    return 0.5


def _write(**changes: Any) -> Retries:
    return Retries(**{"is_write": True, "retryable": True, **changes})


def test_a_network_error_repeats_a_write_once() -> None:
    retries = _write()
    first, second = AutoReconnect("1"), AutoReconnect("2")
    assert retries.after(first, _half) == 0
    assert first.has_error_label(RETRYABLE_WRITE)
    assert retries.after(second, _half) is None
    assert retries.error is second


def test_a_write_that_is_not_retryable_is_neither_labelled_nor_repeated() -> None:
    retries = _write(retryable=False)
    error = AutoReconnect("x")
    assert retries.after(error, _half) is None
    assert not error.has_error_label(RETRYABLE_WRITE)


def test_only_the_server_labels_its_own_errors() -> None:
    retries = _write()
    assert retries.after(NotPrimaryError("x", {"code": 10107}), _half) is None
    labelled = NotPrimaryError("x", {"code": 10107, "errorLabels": [RETRYABLE_WRITE]})
    assert _write().after(labelled, _half) == 0


def test_with_a_deadline_an_operation_is_repeated_as_long_as_it_allows() -> None:
    retries = Retries(is_write=False, retryable=True, unlimited=True)
    for _ in range(10):
        assert retries.after(AutoReconnect("x"), _half) == 0


@pytest.mark.parametrize("is_write", [True, False])
def test_what_the_server_shed_is_repeated_whatever_it_is(is_write: bool) -> None:
    retries = Retries(is_write=is_write, retryable=False, adaptive_retries=2)
    error = OperationFailure("x", 462, {"errorLabels": SHED})
    assert retries.after(error, _half) == backoff(1, 0.5) == 0.1
    assert retries.after(error, _half) == backoff(2, 0.5) == 0.2
    assert retries.after(error, _half) is None
    assert retries.error is error


def test_no_adaptive_retries() -> None:
    retries = Retries(is_write=False, retryable=False, adaptive_retries=0)
    assert retries.after(OperationFailure("x", 462, {"errorLabels": SHED}), _half) is None


def test_after_an_overload_other_errors_count_as_well() -> None:
    retries = Retries(is_write=False, retryable=True, adaptive_retries=2)
    assert retries.after(OperationFailure("x", 462, {"errorLabels": SHED}), _half) == 0.1
    assert retries.after(AutoReconnect("x"), _half) == 0
    assert retries.after(AutoReconnect("x"), _half) is None


def test_the_server_may_ask_for_another_backoff() -> None:
    retries = Retries(is_write=False, retryable=False, adaptive_retries=2)
    reply = {"errorLabels": SHED, "baseBackoffMS": 10}
    assert retries.after(OperationFailure("x", 462, reply), _half) == pytest.approx(0.01)
    for wish in ("x", -1, None):
        again = Retries(is_write=False, retryable=False, adaptive_retries=2)
        error = OperationFailure("x", 462, {**reply, "baseBackoffMS": wish})
        assert again.after(error, _half) == BASE_BACKOFF


def test_the_backoff_is_bounded() -> None:
    assert backoff(20, 1.0) == MAX_BACKOFF
    assert backoff(1, 0.0) == 0


def _labelled(name: str, *labels: str) -> OperationFailure:
    return OperationFailure(name, 91, {"errorLabels": [RETRYABLE_WRITE, *labels]})


@pytest.mark.parametrize(
    ("errors", "raised"),
    [
        (["1", "2"], 1),
        (["1", "2 no writes"], 0),
        (["1 no writes", "2"], 1),
        (["1 no writes", "2 no writes"], 0),
    ],
)
def test_the_error_that_tells_most_is_raised(errors: list[str], raised: int) -> None:
    retries = _write()
    made = [
        _labelled(name, *([NO_WRITES_PERFORMED] if "no writes" in name else [])) for name in errors
    ]
    for error in made:
        retries.after(error, _half)
    assert retries.error is made[raised]


def test_errors_of_the_driver_itself_do_not_hide_the_servers() -> None:
    retries = _write()
    error = AutoReconnect("x")
    retries.after(error, _half)
    assert retries.after(ServerSelectionTimeoutError("y"), _half) is None
    assert retries.error is error


def test_a_storage_engine_without_retryable_writes() -> None:
    retries = _write()
    reply = {"ok": 0, "errmsg": "Transaction numbers are only allowed on ...", "code": 20}
    error = command_error(reply)
    assert isinstance(error, PyMongoError)
    assert retries.after(error, _half) is None
    assert "retryWrites=false" in str(retries.error)
    other = OperationFailure("x", 20, {"errmsg": "x"})
    again = _write()
    again.after(other, _half)
    assert again.error is other
