"""Commands written by the user, and administrative ones that are little more than their fields."""

from __future__ import annotations

from collections.abc import Container, Mapping, MutableMapping
from typing import Any

from mongodriver.values.errors import ConfigurationError, InvalidOperation

from ..replies.codec import without_decoders
from ..replies.verdicts import write_concern_error
from .base import READ, Attempt, Command, Operation
from .cursor import CursorReply, read_cursor

__all__ = [
    "EVERYTHING",
    "CreateEncrypted",
    "CursorCommand",
    "ListCommand",
    "RunCommand",
    "WriteCommand",
]

_FIRST_BATCH = frozenset({"firstBatch"})
#: The first wire version whose servers know queryable encryption as drivers do.
_ENCRYPTED_WIRE_VERSION = 21


class _Everything:
    """Contains any code and any message."""

    def __contains__(self, item: object) -> bool:
        return True


#: As `allowable_errors`: return every failed reply instead of raising.
EVERYTHING = _Everything()


class RunCommand(Operation[Any]):
    """A command as the user wrote it: the reply as the codec options make it, with the values
    that stand in it, whatever they say of errors of a write.

    :param fields: the command, its name first.
    :param allowable_errors: codes and messages of errors that are returned, not raised.
    :param concern_errors: raise what the ``writeConcernError`` of the reply stands for.
    """

    own_name = "runCommand"
    of_the_user = True
    user_fields: frozenset[str] | None = None
    reports_errors = True
    own_read_preference = True

    def __init__(
        self,
        database: str,
        fields: Mapping[str, Any],
        codec_options: Any,
        read_preference: Any = None,
        allowable_errors: Container[int | str] | None = None,
        write_concern: Any = None,
        concern_errors: bool = False,
    ) -> None:
        self.write_concern = write_concern
        self._concern_errors = concern_errors
        self.name = next(iter(fields))
        self.database = database
        self.fields = fields
        self.codec_options = codec_options
        self.reply_options = without_decoders(codec_options)
        self.read_preference = read_preference
        if allowable_errors:
            self.allowable_errors = allowable_errors

    def build(self, attempt: Attempt) -> Command:
        return Command(dict(self.fields))

    def parse(self, reply: MutableMapping[str, Any], attempt: Attempt) -> Any:
        error = write_concern_error(reply) if self._concern_errors else None
        if error is not None:
            raise error
        return reply


class CursorCommand(RunCommand):
    """A command of the user whose reply is a cursor; `reply_options` are for its getMores too."""

    of_the_user = False  # it reads
    user_fields = _FIRST_BATCH

    def parse(self, reply: MutableMapping[str, Any], attempt: Attempt) -> CursorReply:
        cursor = reply.get("cursor")
        if not isinstance(cursor, Mapping) or "firstBatch" not in cursor:
            raise InvalidOperation("Command does not return a cursor.")
        return read_cursor(self, reply, attempt)


class ListCommand(Operation[CursorReply]):
    """listCollections, listIndexes and others that read a cursor from a server that may be a
    secondary.

    :param empty_on: error codes that mean "there is nothing": an empty cursor.
    """

    retry_policy = READ
    user_fields = _FIRST_BATCH

    def __init__(
        self,
        database: str,
        fields: Mapping[str, Any],
        codec_options: Any,
        read_preference: Any = None,
        *,
        collection: str = "",
        empty_on: tuple[int, ...] = (),
    ) -> None:
        self.name = next(iter(fields))
        self.database = database
        self.collection = collection
        self.fields = fields
        self.codec_options = codec_options
        self.read_preference = read_preference
        self.allowable_errors = empty_on

    def build(self, attempt: Attempt) -> Command:
        return Command(dict(self.fields))

    def parse(self, reply: MutableMapping[str, Any], attempt: Attempt) -> CursorReply:
        if not reply.get("ok"):
            return CursorReply([], 0, f"{self.database}.{self.collection}", None)
        return read_cursor(self, reply, attempt)


class WriteCommand(Operation[Any]):
    """create, drop, createIndexes and others that change the catalogue: sent to a writable
    server with a write concern, never retried.  The result is the reply.

    :param ignore: error codes that are an answer too.
    """

    is_write = True

    def __init__(
        self,
        database: str,
        fields: Mapping[str, Any],
        codec_options: Any,
        write_concern: Any = None,
        *,
        ignore: tuple[int | str, ...] = (),
    ) -> None:
        self.name = next(iter(fields))
        self.database = database
        self.fields = fields
        self.codec_options = codec_options
        if write_concern is not None and "writeConcern" not in fields:
            self.write_concern = write_concern
            self.acknowledged = write_concern.acknowledged
        self.allowable_errors = ignore

    def build(self, attempt: Attempt) -> Command:
        return Command(dict(self.fields))


class CreateEncrypted(WriteCommand):
    """create for queryable encryption; refused on servers that had it only as a preview."""

    def build(self, attempt: Attempt) -> Command:
        if attempt.connection.max_wire_version < _ENCRYPTED_WIRE_VERSION:
            raise ConfigurationError(
                "Driver support of Queryable Encryption is incompatible with server. Upgrade "
                "server to use Queryable Encryption. Got maxWireVersion "
                f"{attempt.connection.max_wire_version} but need maxWireVersion >= "
                f"{_ENCRYPTED_WIRE_VERSION} (MongoDB >=7.0)"
            )
        return super().build(attempt)
