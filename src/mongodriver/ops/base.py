"""What an operation is: a command as data, apart from how it travels.

The public classes build an `Operation`; `execution` runs it::

    command = operation.build(attempt)          a fresh `Command`; called again for a retry
    ...                                         session, concerns, encode, exchange, decode
    result = operation.parse(reply, attempt)    what the caller of `execute` gets

Nothing here does I/O, waits or reads a clock, so every operation is tested without a server.

Who adds what.  `build` returns only the command's own fields in the order they go on the wire,
without ``lsid``, ``txnNumber``, ``$clusterTime``, ``$db``, ``$readPreference``, ``readConcern``,
``writeConcern`` and the API version: the executor adds those from the operation's attributes.
Replies with ``ok: 0`` never reach `parse`, except those in `allowable_errors`.  A reply with
``ok: 1`` and write errors or a write concern error does so only where `reports_errors` is set,
after the executor has looked at it for a retry.
"""

from __future__ import annotations

from collections.abc import Container, MutableMapping, Sequence
from enum import Enum
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

if TYPE_CHECKING:
    from bsonx.codec_options import CodecOptions

    from ..values.sequences import DocumentSequences, EncodedDocuments

__all__ = [
    "CLOSING",
    "COMMAND_OVERHEAD",
    "NEVER",
    "READ",
    "WRITE",
    "Attempt",
    "Command",
    "Operation",
    "RetryPolicy",
    "present",
]

ResultT = TypeVar("ResultT")

#: What a write command or statement may have beyond the largest document, bytes: the server's own
#: allowance.
COMMAND_OVERHEAD = 16 * 1024 - 2


class RetryPolicy(Enum):
    """Which errors an operation may be repeated after."""

    #: None: what it does twice may differ from what it does once.
    NEVER = 0
    #: Those of the retryable reads specification, under the client's ``retryReads``.
    READ = 1
    #: Those of the retryable writes specification, under ``retryWrites``, with a ``txnNumber``.
    WRITE = 2
    #: The same ones, whatever the client's options: the end of a transaction.
    CLOSING = 3


#: Read often: a module's name is found sooner than a member of a class.
NEVER, READ, WRITE = RetryPolicy.NEVER, RetryPolicy.READ, RetryPolicy.WRITE
CLOSING = RetryPolicy.CLOSING


class Attempt(Protocol):
    """What an operation may know of the attempt it is built for.

    These attributes carry information the other way:

    ``stop``
        Set before `Operation.parse` when the command had a document sequence: the index after the
        last document that was sent.
    ``keep_session``
        Set to True by `Operation.parse` when the result needs the implicit session later (a live
        cursor).  It is then left to the result, whose owner passes it as ``session`` in later
        calls and ends it.
    ``address``, ``pinned``
        Set by `Operation.parse` of one with several batches: the member, or the connection, that
        the next one must go to.
    ``max_time_ms``
        What the server is told to be its limit, until the next command finds out anew.
    """

    #: Its address, server type, wire version and limits.  A cursor that must stay on it keeps it
    #: and hands it back.
    connection: Any
    #: The core session in use, explicit or implicit, or None.
    session: Any
    #: True on every attempt after the first.
    is_retry: bool
    #: The last attempt failed because its server was overloaded.
    shed: bool
    stop: int
    keep_session: bool
    address: Any
    pinned: Any
    max_time_ms: int | None


class Command:
    """One command ready to be completed and encoded.

    :param body: the command, its name first.  A fresh dict the executor adds to.
    :param documents: statements that travel as a document sequence (OP_MSG section kind 1), or
        None for a command that is its body alone; `DocumentSequences` where there are several,
        which the operation has encoded within the limits, so that nothing below concerns them;
        `EncodedDocuments` for a sequence that is encoded but not divided.
    :param identifier: name of the sequence: "documents", "updates" or "deletes".
    :param start: index in `documents` of the first one to send.  The executor sends as many as
        fit and reports the end in ``attempt.stop``.
    :param add_ids: give documents without ``_id`` a fresh one while encoding (inserts).
    :param ids: list that receives the ``_id`` of each document encoded, or None.
    :param max_document_size: byte limit of one document of the sequence; 0 means
        the largest document of the server.
    :param max_count: limit of statements in this command; 0 means
        as many as the server takes.
    """

    __slots__ = (
        "add_ids",
        "body",
        "documents",
        "identifier",
        "ids",
        "max_count",
        "max_document_size",
        "start",
    )

    def __init__(
        self,
        body: dict[str, Any],
        documents: Sequence[Any] | DocumentSequences | EncodedDocuments | None = None,
        identifier: str = "",
        start: int = 0,
        *,
        add_ids: bool = False,
        ids: list[Any] | None = None,
        max_document_size: int = 0,
        max_count: int = 0,
    ) -> None:
        self.body = body
        self.documents: Any = documents
        self.identifier = identifier
        self.start = start
        self.add_ids = add_ids
        self.ids = ids
        self.max_document_size = max_document_size
        self.max_count = max_count


class Operation(Generic[ResultT]):
    """A command as data.  Subclasses set attributes where they differ from these defaults.

    The defaults live on the class, so building an operation costs only the attributes it needs.
    An operation belongs to one call of ``execute``; `build` may run several times (retries).
    """

    #: Command name, as in monitoring events: "find", "insert", ...
    name: str = ""
    #: Of the operation, in spans, where it is not that of the command.
    own_name: str = ""
    #: Database the command runs on.
    database: str = ""
    #: Collection, for cursors and logs; "" when the command has none.
    collection: str = ""
    #: Selects a writable server; `read_preference` is then ignored.
    is_write: bool = False
    #: How long each attempt may wait for a server, seconds; None: as the client's options say.
    selection_timeout: float | None = None
    #: A write of which errors of its selection say that there is no primary, not that writes
    #: cannot go anywhere.
    names_primary: bool = False
    #: A command as the user wrote it: nobody knows whether it writes.
    of_the_user: bool = False
    #: After which errors it may be repeated.
    retry_policy: RetryPolicy = NEVER
    #: The command may be no larger than a document. Others have `COMMAND_OVERHEAD` more.
    within_a_document: bool = False
    #: An aggregation that writes ($out, $merge): its read preference counts only if every server
    #: speaks wire version 13 or newer, else the primary is used.  Never retried.
    has_output_stage: bool = False
    #: Value object, or None: primary.
    read_preference: Any = None
    #: It was asked for by this very operation, so that it counts in transactions as well.
    own_read_preference: bool = False
    #: Value object, or None: leave ``readConcern`` out.
    read_concern: Any = None
    #: Value object, or None: leave ``writeConcern`` out.
    write_concern: Any = None
    #: False for w=0 writes: sent with the moreToCome flag, no reply; `parse` gets ``{"ok": 1}``.
    acknowledged: bool = True
    #: How the body, and the user's fields of the reply, are encoded and decoded.
    codec_options: CodecOptions[Any]
    #: Reply fields (top level or under "cursor") decoded as the user wants; the rest of the reply
    #: is plain.  None: the whole reply is decoded with `reply_options`.
    user_fields: frozenset[str] | None = frozenset()
    #: The fields of the user that are arrays of documents are joined (`decode_message`): the user
    #: gets the batch of the reply as bytes, and listeners see it so.
    gives_bytes: bool = False
    #: How the reply's fields of the user, or the whole reply, are decoded; None: as the body was
    #: encoded.
    reply_options: CodecOptions[Any] | None = None
    #: `parse` deals with the ``writeErrors`` and the ``writeConcernError`` of a reply itself.
    #: Otherwise the executor raises what they stand for.
    reports_errors: bool = False
    #: Whether the server takes ``maxTimeMS``, so that it ends no later than the client does.
    takes_max_time: bool = True
    #: Whether an implicit session may be added.
    supports_session: bool = True
    #: Codes or messages of errors that are an answer: the ``ok: 0`` reply goes to `parse`.
    allowable_errors: Container[int | str] = ()
    #: The server may stream the replies of an exhaust cursor: the result pins the connection
    #: (``attempt.connection.pinned``), and each later operation on it reads the next reply.
    exhaust: bool = False
    #: Encoding, the round trip and decoding may be one call of the codec. That knows only what is
    #: usual: no several document sequences, and nothing of `exhaust`, which wants False here.
    goes_directly: bool = True
    #: `more` must be asked after each `parse`; False saves the call.
    multi_batch: bool = False

    def build(self, attempt: Attempt) -> Command:
        """The command for this attempt.  Raises ConfigurationError for options the server lacks."""
        raise TypeError(f"{type(self).__name__} has no build()")

    def parse(self, reply: MutableMapping[str, Any], attempt: Attempt) -> ResultT:
        """The result of the call, from a successful reply."""
        return reply  # type: ignore[return-value]

    def more(self) -> bool:
        """Whether another batch follows; `parse` of the last one gives the result.

        Asked by the executor after `parse` when `multi_batch` is true.  Each batch is an execution
        of its own: `build` again, a new txnNumber, its own retry.  `name` and `retry_policy` may
        have changed.
        """
        return False

    def document_too_large(self, size: int, limit: int) -> Exception:
        """The exception for a statement, or a whole command, that no message can carry."""
        from mongodriver.values.errors import DocumentTooLarge

        if self.name == "insert" or self.within_a_document:
            return DocumentTooLarge(
                f"BSON document too large ({size} bytes) - the connected server supports "
                f"BSON document sizes up to {limit} bytes."
            )
        return DocumentTooLarge(f"{self.name} command document too large")


def present(**fields: Any) -> dict[str, Any]:
    """The fields that are not None, in the order given."""
    return {name: value for name, value in fields.items() if value is not None}
