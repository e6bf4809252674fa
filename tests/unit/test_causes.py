"""Which kind of cause an error stands for, which causes last, and when a selection is in vain."""

from __future__ import annotations

import copy
import errno
import pickle
import socket
import ssl
from time import monotonic

import pytest

from mongodriver.causes import Cause, CauseKind
from mongodriver.errors import (
    AutoReconnect,
    ConfigurationError,
    OperationFailure,
    ProtocolError,
    ServerSelectionTimeoutError,
)
from mongodriver.hello import Hello
from mongodriver.io.base import BadMessage, ConnectionClosed, HandshakeFailed, ProxyError
from mongodriver.io.faults import Finding, fault
from mongodriver.io.socks import ProxyTimeout
from mongodriver.read_preferences import ReadPreference, Secondary
from mongodriver.sdam.diagnosis import end_of_selection, selection_error
from mongodriver.sdam.evidence import Evidence, kind_of_error
from mongodriver.sdam.topology_description import TopologyDescription, TopologySettings
from mongodriver.server_description import ServerDescription
from mongodriver.values.causes import LASTING
from mongodriver.values.hints import _HINTS, _ORDER, hint_for, summary

K = CauseKind
A, B = ("a.test", 1), ("b.test", 2)


def tls_error(reason=None, kind=ssl.SSLError, code=None):
    error = kind(1, reason or "")
    if reason is not None:
        error.reason = reason
    if code is not None:
        error.verify_code = code
    return error


def certificate(code):
    return tls_error("CERTIFICATE_VERIFY_FAILED", ssl.SSLCertVerificationError, code)


FAULTS = [
    (socket.gaierror(socket.EAI_NONAME, "unknown"), K.DNS),
    (socket.gaierror(socket.EAI_AGAIN, "later"), K.DNS),
    (ConnectionRefusedError(errno.ECONNREFUSED, "refused"), K.REFUSED),
    (OSError(errno.EHOSTUNREACH, "no route"), K.UNREACHABLE),
    (OSError(errno.ENETUNREACH, "no network"), K.UNREACHABLE),
    (TimeoutError("timed out"), K.TIMED_OUT),
    (OSError(errno.ETIMEDOUT, "timed out"), K.TIMED_OUT),
    (ConnectionClosed("connection closed"), K.CLOSED),
    (ConnectionResetError(errno.ECONNRESET, "reset"), K.CLOSED),
    (BrokenPipeError(errno.EPIPE, "broken"), K.CLOSED),
    (FileNotFoundError(errno.ENOENT, "no such file"), K.SOCKET),
    (PermissionError(errno.EACCES, "denied"), K.SOCKET),
    (ProxyError("proxy"), K.PROXY),
    (ProxyTimeout("proxy"), K.PROXY),
    (BadMessage("length"), K.NOT_MONGODB),
    (OSError(errno.EMFILE, "too many"), K.OTHER),
    (certificate(9), K.TLS_NOT_YET_VALID),
    (certificate(10), K.TLS_EXPIRED),
    (certificate(18), K.TLS_UNTRUSTED),
    (certificate(19), K.TLS_UNTRUSTED),
    (certificate(20), K.TLS_UNTRUSTED),
    (certificate(21), K.TLS_UNTRUSTED),
    (certificate(23), K.TLS_REVOKED),
    (certificate(3), K.TLS_CERTIFICATE),
    (certificate(62), K.TLS_HOST_NAME),
    (certificate(64), K.TLS_HOST_NAME),
    (tls_error("WRONG_VERSION_NUMBER"), K.TLS_PLAIN_TEXT),
    (tls_error("TLSV13_ALERT_CERTIFICATE_REQUIRED"), K.TLS_CLIENT_CERTIFICATE),
    (tls_error("SSLV3_ALERT_BAD_CERTIFICATE"), K.TLS_CLIENT_CERTIFICATE),
    (tls_error("SSLV3_ALERT_CERTIFICATE_EXPIRED"), K.TLS_CLIENT_CERTIFICATE),
    (tls_error("TLSV1_ALERT_UNKNOWN_CA"), K.TLS_CLIENT_CERTIFICATE),
    (tls_error("TLSV1_ALERT_PROTOCOL_VERSION"), K.TLS_PROTOCOL),
    (tls_error("UNSUPPORTED_PROTOCOL"), K.TLS_PROTOCOL),
    (tls_error("TLSV1_ALERT_INTERNAL_ERROR"), K.TLS),
    (tls_error("SSLV3_ALERT_HANDSHAKE_FAILURE"), K.TLS),
    (tls_error("UNEXPECTED_EOF_WHILE_READING", ssl.SSLEOFError), K.TLS_CLOSED),
    (HandshakeFailed("hung up"), K.TLS_CLOSED),
    (ValueError("no fault of a stream"), None),
]


@pytest.mark.parametrize(("error", "kind"), FAULTS, ids=lambda value: str(value)[:40])
def test_the_kind_of_a_fault(error, kind):
    assert fault(error) == kind
    outer = AutoReconnect("a.test:1: what it says")
    outer.__cause__ = error
    assert kind_of_error(outer) == (kind or K.OTHER)


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (OperationFailure("Authentication failed.", 18), K.AUTHENTICATION),
        (OperationFailure("mechanism", 334), K.AUTHENTICATION),
        (OperationFailure("bad auth", 8000), K.AUTHENTICATION),
        (OperationFailure("API version", 322), K.COMMAND),
        (ProtocolError("a.test:1: bad reply to hello"), K.NOT_MONGODB),
        (ConfigurationError("whatever"), K.OTHER),
    ],
)
def test_the_kind_of_a_drivers_error(error, kind):
    assert kind_of_error(error) == kind


def test_each_kind_has_a_hint_of_one_line():
    assert _HINTS.keys() == set(K)
    assert set(_ORDER) | LASTING == set(K)
    for kind in K:
        hint = hint_for(kind, "rs0")
        assert hint
        assert "\n" not in hint
        assert "{" not in hint
    assert "'rs0'" in hint_for(K.SET_NAME, "rs0")


#: How a host looks that is starting, or that others cannot reach for a while.
PASSING = {K.DNS, K.REFUSED, K.UNREACHABLE, K.TIMED_OUT, K.NO_ANSWER, K.CLOSED, K.TLS_CLOSED}
PASSING |= {K.NO_PRIMARY, K.NO_MATCH, K.NOT_INITIATED, K.TLS_NOT_YET_VALID, K.PROXY, K.SOCKET}


def test_what_may_pass_does_not_last():
    assert not PASSING & LASTING


# -- selections --


def failed(address, error):
    outer = AutoReconnect(f"{address[0]}: {error}")
    outer.__cause__ = error
    return ServerDescription(address, error=outer)


def known(address, **fields):
    hello = {"ok": 1, "minWireVersion": 0, "maxWireVersion": 17, **fields}
    return ServerDescription(address, Hello(hello))


class Deployment:
    """A topology and what was heard of it, without any I/O."""

    def __init__(self, *seeds, **settings):
        self.description = TopologyDescription.initial(TopologySettings(seeds, **settings))
        self.evidence = Evidence(seeds)

    def hears(self, server):
        self.description = self.description.apply(server)
        now = self.description.server_descriptions().get(server.address)
        self.evidence.note(server, now)
        return self

    def ends(self, began=0.0):
        """Whether a selection that began then ends before its time is over."""
        later = monotonic() + 100
        return end_of_selection(self.description, self.evidence, began, later) < later

    def error(self, preference=None):
        return selection_error(self.description, self.evidence, preference, 30)


EXPIRED = certificate(10)
REFUSED = ConnectionRefusedError(errno.ECONNREFUSED, "refused")


def test_every_member_must_have_been_seen_to_fail():
    deployment = Deployment(A, B)
    assert not deployment.ends()
    assert not deployment.hears(failed(A, EXPIRED)).ends()
    assert deployment.hears(failed(B, EXPIRED)).ends()
    assert not deployment.hears(failed(A, REFUSED)).ends()


def test_what_was_seen_before_may_have_been_put_right():
    deployment = Deployment(A).hears(failed(A, EXPIRED))
    assert not deployment.ends(monotonic())
    assert deployment.hears(failed(A, EXPIRED)).ends(0.0)


def test_a_member_that_answers_can_still_serve():
    secondary = known(B, setName="rs", secondary=True, hosts=["a.test:1", "b.test:2"])
    deployment = Deployment(A, B, replica_set_name="rs").hears(failed(A, EXPIRED))
    assert not deployment.hears(secondary).ends()
    error = deployment.error()
    assert [(c.address, c.kind) for c in error.causes] == [(A, K.TLS_EXPIRED), (B, K.NO_PRIMARY)]
    assert error.retryable


@pytest.mark.parametrize("error", [e for e, k in FAULTS if k in PASSING], ids=str)
def test_what_may_pass_is_waited_for(error):
    deployment = Deployment(A)
    for _ in range(10):
        deployment.hears(failed(A, error))
    assert not deployment.ends()
    assert deployment.error().retryable


@pytest.mark.parametrize("error", [e for e, k in FAULTS if k in LASTING], ids=str)
def test_what_lasts_is_not(error):
    deployment = Deployment(A).hears(failed(A, error))
    assert deployment.ends()
    assert not deployment.error().retryable


def test_the_opt_out():
    deployment = Deployment(A, fail_fast=False).hears(failed(A, EXPIRED))
    assert not deployment.ends()
    assert not deployment.error().retryable


def test_a_refused_login_is_left_to_the_operation():
    deployment = Deployment(A)
    deployment.hears(ServerDescription(A, error=OperationFailure("Authentication failed.", 18)))
    assert not deployment.ends()
    (cause,) = deployment.error().causes
    assert (cause.kind, cause.permanent) == (K.AUTHENTICATION, True)


FOUND_OUT = [K.TLS_CLIENT_CERTIFICATE, K.TLS_REQUIRED, K.TLS_PLAIN_TEXT]


def hung_up(kind):
    """A server that hung up, and why, by a second look."""
    finding = Finding(kind)
    finding.__cause__ = ConnectionClosed("connection closed")
    return failed(A, finding)


@pytest.mark.parametrize("kind", FOUND_OUT)
def test_what_a_second_look_found_out_must_be_found_again(kind):
    """The first time it may just have been going down; once anybody has answered it is."""
    deployment = Deployment(A)
    for ends in (False, True):
        deployment.hears(hung_up(kind))
        assert deployment.ends() is ends
        (cause,) = deployment.error().causes
        assert (cause.kind, cause.permanent) == (kind, ends)
    deployment.hears(known(A))
    for _ in range(9):
        deployment.hears(hung_up(kind))
    assert not deployment.ends()


def test_something_else_in_between_begins_to_count_anew():
    deployment = Deployment(A).hears(hung_up(K.TLS_REQUIRED)).hears(failed(A, REFUSED))
    assert not deployment.hears(hung_up(K.TLS_REQUIRED)).ends()


def test_members_that_left_are_forgotten():
    evidence = Evidence([A])
    for address in (A, B):
        evidence.note(failed(address, REFUSED), failed(address, REFUSED))
        evidence.forget(address)
        assert evidence.times(address) == 0
    refused = known(A, setName="other")
    for address in (A, B):
        evidence.note(known(address, setName="other"), None)
        evidence.forget(address)
    assert list(evidence.refused) == [A]
    assert evidence.refused[A] == refused


def test_a_member_of_another_set():
    wrong = known(A, setName="other", secondary=True, hosts=["a.test:1"])
    deployment = Deployment(A, replica_set_name="rs").hears(wrong)
    assert not deployment.description.server_descriptions()
    assert deployment.ends()
    error = deployment.error()
    (cause,) = error.causes
    assert (cause.address, cause.kind, cause.permanent) == (A, K.SET_NAME, True)
    assert "'other'" in cause.hint
    assert "'other'" in cause.detail
    assert not error.retryable


def test_a_member_of_another_set_beside_one_that_starts():
    wrong = known(A, setName="other", secondary=True, hosts=["a.test:1"])
    deployment = Deployment(A, B, replica_set_name="rs").hears(wrong).hears(failed(B, REFUSED))
    assert not deployment.ends()


def test_a_direct_connection_with_a_member_of_another_set():
    wrong = known(A, setName="other", secondary=True, hosts=["a.test:1"])
    deployment = Deployment(A, replica_set_name="rs", direct_connection=True).hears(wrong)
    # However long ago it was heard: a server that streams its answers would say otherwise.
    assert deployment.ends()
    assert deployment.ends(monotonic())
    assert [cause.kind for cause in deployment.error().causes] == [K.SET_NAME]


@pytest.mark.parametrize("direct", [True, None])
def test_a_set_that_is_not_initiated_may_become_one(direct):
    ghost = known(A, isreplicaset=True)
    deployment = Deployment(A, replica_set_name="rs", direct_connection=direct).hears(ghost)
    assert not deployment.ends()
    assert [cause.kind for cause in deployment.error().causes] == [K.NOT_INITIATED]


def test_standalone_servers_in_a_list_of_hosts():
    deployment = Deployment(A, B).hears(known(A)).hears(known(B))
    assert deployment.ends()
    assert [cause.kind for cause in deployment.error().causes] == [K.NOT_A_MEMBER] * 2


def test_dns_may_name_others():
    deployment = Deployment(A, B, fqdn="cluster.test").hears(known(A)).hears(known(B))
    assert not deployment.description.server_descriptions()
    assert not deployment.ends()


def test_an_election_is_waited_for():
    deployment = Deployment(A, replica_set_name="rs")
    deployment.hears(known(A, setName="rs", secondary=True, hosts=["a.test:1"]))
    assert not deployment.ends()
    for preference in (None, ReadPreference.PRIMARY):
        assert [c.kind for c in deployment.error(preference).causes] == [K.NO_PRIMARY]
    other = deployment.error(Secondary([{"dc": "x"}]))
    assert [c.kind for c in other.causes] == [K.NO_MATCH]
    assert other.retryable


def test_names_that_only_the_set_knows():
    deployment = Deployment(A)
    primary = known(
        A, setName="rs", isWritablePrimary=True, hosts=["inner.test:1"], me="inner.test:1"
    )
    deployment.hears(primary)
    inner = ("inner.test", 1)
    deployment.hears(failed(inner, socket.gaierror(socket.EAI_NONAME, "unknown")))
    error = deployment.error()
    assert [(c.address, c.kind) for c in error.causes] == [(inner, K.DNS)]
    assert "directConnection=true" in error.hint


# -- errors --


def test_a_hint_names_the_hosts_and_is_no_part_of_the_message():
    error = Deployment(A, B).hears(failed(A, EXPIRED)).hears(failed(B, EXPIRED)).error()
    assert error.hint.startswith("a.test:1, b.test:2: the server's certificate has expired")
    assert error.__notes__ == [f"Hint: {error.hint}"]
    assert "Hint" not in str(error)
    assert error.args == (str(error),)
    assert error.timeout


def test_many_hosts_are_counted():
    causes = [Cause((f"h{n}", 1), K.REFUSED, "", hint_for(K.REFUSED), False) for n in range(5)]
    assert summary(causes).startswith("h0:1, h1:1, h2:1 and 2 more: nothing listens there")


def test_errors_with_causes_can_be_copied_and_pickled():
    error = Deployment(A).hears(failed(A, REFUSED)).error()
    for same in (copy.copy(error), pickle.loads(pickle.dumps(error))):
        assert str(same) == str(error)
        assert [cause[:5] for cause in same.causes] == [cause[:5] for cause in error.causes]
        assert (same.hint, same.retryable) == (error.hint, error.retryable)
    assert pickle.loads(pickle.dumps(K.DNS)) is K.DNS


def test_an_error_made_by_others_has_no_causes():
    error = ServerSelectionTimeoutError("m")
    assert (error.causes, error.hint, error.retryable) == ((), "", True)


@pytest.mark.parametrize(("lowest", "highest", "kind"), [(0, 2, K.TOO_OLD), (99, 99, K.TOO_NEW)])
def test_a_server_of_another_age(lowest, highest, kind):
    server = known(A, minWireVersion=lowest, maxWireVersion=highest)
    deployment = Deployment(A).hears(server)
    with pytest.raises(ConfigurationError, match="wire version") as raised:
        deployment.description.check_compatible()
    assert raised.value.__notes__ == [f"Hint: {hint_for(kind)}"]
    assert [cause.kind for cause in deployment.error().causes] == [kind]
