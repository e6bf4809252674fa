"""Log messages of a client: collected from Python's loggers and compared with a test's.

As PyMongo's, messages go to a logger for each component (``pymongo.command``), at the level DEBUG,
and are extended JSON with the client's id as ``clientId`` or ``topologyId``.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Mapping
from typing import Any

from bsonx import json_util
from bsonx.errors import BSONError

from . import inside
from .failures import Mismatch, Unsupported
from .values import Matcher

#: Python's levels of the specification's (logging specification, log severity levels).
_LEVELS = {
    "emergency": logging.CRITICAL,
    "alert": logging.CRITICAL,
    "critical": logging.CRITICAL,
    "error": logging.ERROR,
    "warning": logging.WARNING,
    "notice": logging.INFO,
    "info": logging.INFO,
    "debug": logging.DEBUG,
    "trace": logging.DEBUG,
}
#: How many collect from a logger, and what its level was before the first of them.
_USERS: Counter[str] = Counter()
_LEVELS_BEFORE: dict[str, int] = {}
#: What the driver has in place of an error that would tell secrets.
_REDACTED = "REDACTED"


class Message:
    """A message as tests see it."""

    def __init__(self, component: str, level: int, data: Mapping[str, Any]) -> None:
        self.component = component
        self.level = level
        self.data = data

    def __repr__(self) -> str:
        return f"<{self.component}: {self.data.get('message')!r}>"


class Logs(logging.Handler):
    """Collects the messages of one client."""

    def __init__(self, observed: Mapping[str, str]) -> None:
        super().__init__(logging.DEBUG)
        self._observed = {name: _LEVELS[level] for name, level in observed.items()}
        self._loggers = {name: logging.getLogger(f"pymongo.{name}") for name in observed}
        self._client: Any = None
        #: Messages of all clients, with whose they are: this one may be made a moment later.
        self._taken: list[tuple[Any, Message]] = []
        for name, logger in self._loggers.items():
            if not _USERS[name]:
                _LEVELS_BEFORE[name] = logger.level
            _USERS[name] += 1
            logger.addHandler(self)
            logger.setLevel(self._observed[name])

    def begin(self, client: Any) -> None:
        """From now on the client is known whose messages are collected."""
        if self._observed:
            self._client = inside.topology_id(client)

    @property
    def messages(self) -> list[Message]:
        """The client's so far, none before it is known."""
        if self._client is None:
            return []
        return [message for owner, message in list(self._taken) if owner == self._client]

    def emit(self, record: logging.LogRecord) -> None:
        """Take a message. From any thread."""
        component = record.name.rpartition(".")[2]
        try:
            data = json_util.loads(record.getMessage())
        except (TypeError, ValueError, BSONError):
            data = {"message": record.getMessage()}
        if record.levelno < self._observed[component]:
            return
        owner = data.get("clientId", data.get("topologyId"))
        self._taken.append((owner, Message(component, record.levelno, data)))

    def forget(self) -> None:
        """Begin anew with all but the messages of commands."""
        self._taken[:] = [one for one in self._taken if one[1].component == "command"]

    def end(self) -> None:
        """Collect no more."""
        loggers, self._loggers = self._loggers, {}
        for name, logger in loggers.items():
            logger.removeHandler(self)
            _USERS[name] -= 1
            if not _USERS[name]:
                logger.setLevel(_LEVELS_BEFORE[name])


def heeded(matcher: Matcher, logs: Logs, expected: Mapping[str, Any]) -> list[Message]:
    """A client's messages but for those that are to be ignored."""
    ignored = expected.get("ignoreMessages", ())
    return [
        message
        for message in logs.messages
        if not any(_suits(matcher, one, message) for one in ignored)
    ]


def check_logs(matcher: Matcher, logs: Logs, expected: Mapping[str, Any]) -> None:
    """Raise Mismatch unless a client's messages are those that are expected."""
    actual = heeded(matcher, logs, expected)
    wanted = expected["messages"]
    if expected.get("ignoreExtraMessages"):
        actual = actual[: len(wanted)]
    if len(actual) != len(wanted):
        raise Mismatch(f"messages {actual}, expected {wanted}")
    for index, (one, message) in enumerate(zip(wanted, actual, strict=True)):
        check_message(matcher, one, message, f"message {index}")


def _suits(matcher: Matcher, expected: Mapping[str, Any], message: Message) -> bool:
    try:
        check_message(matcher, expected, message, "")
    except Mismatch:
        return False
    return True


def check_message(
    matcher: Matcher, expected: Mapping[str, Any], message: Message, path: str
) -> None:
    """Raise Mismatch unless a message is as expected."""
    if message.component != expected["component"]:
        raise Mismatch(f"{path} is {message}, expected one of {expected['component']}")
    if message.level != _LEVELS[expected["level"]]:
        raise Mismatch(f"{path} has the level {message.level}, expected {expected['level']}")
    matcher.match(expected["data"], message.data, path)
    redacted = expected.get("failureIsRedacted")
    if redacted is None:
        return
    if "failure" not in message.data:
        raise Mismatch(f"{path} has no failure")
    if redacted != is_redacted(message.data["failure"]):
        raise Mismatch(f"{path} has the failure {message.data['failure']!r}")


def is_redacted(failure: Any) -> bool:
    """Whether an error tells nothing but what is never secret (its code and labels)."""
    if isinstance(failure, str) and failure.startswith("{"):
        failure = json_util.loads(failure)
    if isinstance(failure, Mapping):
        return not set(failure) - {"code", "codeName", "errorLabels"}
    if isinstance(failure, str):
        return _REDACTED in failure
    raise Unsupported(f"a failure that is a {type(failure).__name__}")
