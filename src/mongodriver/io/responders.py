"""Asking OCSP responders, over HTTP (RFC 6960, appendix A)."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from urllib.parse import SplitResult, urlsplit

from .blocking_connect import open_socket
from .daemon import DaemonCall
from .deadline import remaining
from .ocsp import Answer, NotBelieved, Question, now

#: The largest answer that is read, in bytes: those of responders have some thousand.
MAX_ANSWER = 64 * 1024
#: How many responders are asked about one certificate.
_MAX_RESPONDERS = 4


def ask_responders(
    question: Question, urls: Sequence[str], deadline: float | None
) -> Answer | None:
    """The first answer that says something; None if none does in time."""
    usable = [url for url in map(_usable, urls) if url is not None][:_MAX_RESPONDERS]
    return _first([DaemonCall(_answer, question, url, deadline) for url in usable], deadline)


def _usable(text: str) -> SplitResult | None:
    """The address of a responder, or None for what is none, or cannot be asked."""
    try:
        url = urlsplit(text)
        if url.scheme == "http" and url.hostname and url.port != 0:
            return url if text.isprintable() and text.isascii() and " " not in text else None
    except ValueError:
        pass
    return None


def _first(asked: Sequence[DaemonCall[Answer]], deadline: float | None) -> Answer | None:
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
    return None


def _answer(question: Question, url: SplitResult, deadline: float | None) -> Answer:
    return question.answer(_post(url, question.request, deadline), now())


def _post(url: SplitResult, body: bytes, deadline: float | None) -> bytes:
    """The content of a responder's answer.

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
