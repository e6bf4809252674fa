"""Asking OCSP responders whether a server's certificate was revoked (ocsp-support specification).

Stapled responses cannot be asked for by Python's ssl module. So a certificate that demands them is
only believed when a responder vouches for it; all others also when nobody answers.
"""

from __future__ import annotations

import ssl
import threading
from collections.abc import Callable, Sequence
from datetime import datetime
from time import monotonic
from typing import TypeVar
from urllib.parse import SplitResult, urlsplit

from .blocking import open_socket
from .daemon import DaemonCall
from .deadline import remaining, sooner
from .ocsp import NotBelieved, Question, must_staple, now

#: Seconds in which a responder must have answered.
PATIENCE = 5.0
#: Seconds for which nobody is asked again after nobody has known.
PAUSE = 60.0
#: The largest answer that is read, in bytes: those of responders have some thousand.
MAX_ANSWER = 64 * 1024
#: How many responders are asked, and answers remembered.
_MAX_RESPONDERS, _MAX_KNOWN = 4, 1024

ValueT = TypeVar("ValueT")

#: Asks, until a deadline at most, and raises ssl.SSLCertVerificationError for what was revoked.
Inquiry = Callable[["float | None"], None]


class Responders:
    """The responders that one client asks, and what they have said."""

    def __init__(self) -> None:
        self._known: dict[bytes, tuple[bool, datetime]] = {}
        self._quiet_until: dict[bytes, float] = {}

    def inquiry(
        self, certificate: bytes, issuer: bytes | None, urls: Sequence[str]
    ) -> Inquiry | None:
        """What is still to be asked about a server's certificate; None if nothing is.

        :param certificate: in DER, trusted but for this.
        :param issuer: the next certificate of the chain that was verified; None if there is none.
        :param urls: of the certificate's responders.
        :raises ssl.SSLCertVerificationError: where it is known to be revoked.
        """
        strict = must_staple(certificate)
        if issuer is None or not urls:
            if strict:
                raise _refused("it demands a stapled OCSP response, and names no responder")
            return None
        question = Question(certificate, issuer)
        known = self._known.get(question.key)
        if known is not None and now() < known[1]:
            _judge(known[0])
            return None
        if not strict and self._quiet_until.get(question.key, 0.0) > monotonic():
            return None

        def ask(deadline: float | None) -> None:
            self._ask(question, urls, strict, sooner(deadline, PATIENCE))

        return ask

    def _ask(
        self, question: Question, urls: Sequence[str], strict: bool, deadline: float | None
    ) -> None:
        usable = [url for url in map(_usable, urls) if url is not None][:_MAX_RESPONDERS]
        asked = [DaemonCall(_answer, question, url, deadline) for url in usable]
        revoked, until = _first(asked, deadline)
        if revoked is None:
            if strict:
                raise _refused(
                    "it demands a stapled OCSP response, which is never seen here, and no "
                    "responder vouches for it; tlsDisableOCSPEndpointCheck=true is to trust it"
                )
            _remember(self._quiet_until, question.key, monotonic() + PAUSE)
            return
        if until is not None:
            _remember(self._known, question.key, (revoked, until))
        _judge(revoked)


def _remember(memory: dict[bytes, ValueT], key: bytes, value: ValueT) -> None:
    while len(memory) >= _MAX_KNOWN:
        memory.pop(next(iter(memory), b""), None)
    memory[key] = value


def _judge(revoked: bool) -> None:
    if revoked:
        raise _refused("it was revoked, says its OCSP responder")


def _refused(why: str) -> ssl.SSLCertVerificationError:
    return ssl.SSLCertVerificationError(
        1, f"[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: {why}"
    )


def _usable(text: str) -> SplitResult | None:
    """The address of a responder, or None for what is none, or cannot be asked."""
    try:
        url = urlsplit(text)
        if url.scheme == "http" and url.hostname and url.port != 0:
            return url if text.isprintable() and text.isascii() and " " not in text else None
    except ValueError:
        pass
    return None


def _first(
    asked: Sequence[DaemonCall[tuple[bool, datetime | None]]], deadline: float | None
) -> tuple[bool | None, datetime | None]:
    """The first answer that says something; (None, None) if none does in time."""
    ended = threading.Semaphore(0)
    for call in asked:
        call.when_done(ended.release)
    waiting = list(asked)
    try:
        while waiting and ended.acquire(timeout=remaining(deadline)):
            done = next(call for call in waiting if call.done)
            waiting.remove(done)
            try:
                return done.result()
            except (NotBelieved, OSError, ValueError):
                continue  # silence proves nothing either
    except TimeoutError:
        pass
    return None, None


def _answer(
    question: Question, url: SplitResult, deadline: float | None
) -> tuple[bool, datetime | None]:
    return question.answer(_post(url, question.request, deadline), now())


def _post(url: SplitResult, body: bytes, deadline: float | None) -> bytes:
    """The content of a responder's answer (RFC 6960, appendix A).

    As HTTP 1.0 has it: nothing is sent in chunks, and the connection's end is the answer's.
    """
    host = url.hostname or ""
    path = (url.path or "/") + (f"?{url.query}" if url.query else "")
    lines = (
        f"POST {path} HTTP/1.0",
        f"Host: {url.netloc.rpartition('@')[2]}",
        "Content-Type: application/ocsp-request",
        "Accept: application/ocsp-response",
        f"Content-Length: {len(body)}",
    )
    message = "\r\n".join((*lines, "", "")).encode("ascii", "strict") + body
    with open_socket((host, url.port or 80), deadline) as sock:
        sock.settimeout(remaining(deadline))
        sock.sendall(message)
        answer = b""
        while not (whole := _content(answer)):
            sock.settimeout(remaining(deadline))
            more = sock.recv(8192)
            if not more:
                break
            answer += more
            if len(answer) > MAX_ANSWER:
                raise OSError("an answer that does not end")
    return whole or answer.partition(b"\r\n\r\n")[2]


def _content(answer: bytes) -> bytes | None:
    """The content of an answer that says how long it is, once it is whole."""
    head, end, content = answer.partition(b"\r\n\r\n")
    if not end:
        return None
    status, *fields = head.split(b"\r\n")
    if status.split(None, 2)[1:2] != [b"200"]:
        raise OSError(f"the responder answers {status[:80]!r}")
    for field in fields:
        name, _, value = field.partition(b":")
        if name.strip().lower() == b"content-length" and len(content) >= int(value):
            return content[: int(value)]
    return None
