"""One work on its way to the server, until each of its documents is settled."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from mongodriver.ingest.batch import ENCODE, PARSE, Code
from mongodriver.ingest.duplicates import (
    arrived_before,
    is_duplicate,
    is_duplicate_id,
    replacement,
)
from mongodriver.ingest.modes import kind_of
from mongodriver.ingest.retrying import (
    Patience,
    is_of_a_document,
    is_transient,
    is_transient_reply,
)
from mongodriver.values.errors import DocumentTooLarge, PyMongoError, WriteConcernError
from mongodriver.values.sequences import EncodedDocuments

if TYPE_CHECKING:
    from mongodriver.ingest.options import IngestOptions
    from mongodriver.ingest.work import Work
    from mongodriver.ops.encoded_write import EncodedWrite

__all__ = ["Delivery", "Failure", "Outcome"]

#: How often a document that is refused as a duplicate is to be put in the place of the other one.
_MOST_TRIES = 3

#: Told of each acknowledgement: how many documents, and the seconds it took.
Acknowledged = Callable[[int, float], None]


@dataclass(slots=True)
class Failure:
    """Why the document number `index` of a work is not stored."""

    index: int
    code: Code
    message: str


@dataclass(slots=True)
class Outcome:
    """What became of a work: all documents are settled but those with a failure, and, where
    `fatal` is set in an ordered job, those behind it.

    :param fatal: the index of a document with a failure that ends the job.
    """

    failures: list[Failure] = field(default_factory=list)
    duplicates: int = 0
    skipped: int = 0
    skipped_bytes: int = 0
    replaced: int = 0
    inserted: int = 0
    modified: int = 0
    deleted: int = 0
    resent: int = 0
    fatal: int | None = None


class Delivery:
    """Sends a work, again where that may help.

    What is sent again may have arrived before. Then a document that the index of `_id` refuses is
    our own, and counts as stored (see `duplicates.arrived_before`).
    """

    def __init__(
        self, work: Work, options: IngestOptions, patience: Patience, acknowledged: Acknowledged
    ) -> None:
        self.outcome = Outcome()
        self._work = work
        self._options = options
        self._patience = patience
        self._acknowledged = acknowledged
        self._maybe_stored = work.maybe_stored
        self._doubled: list[tuple[int, dict[str, Any]]] = []  # to be replaced
        self._tries: dict[int, int] = {}  # how often that was tried

    async def run(self) -> Outcome:
        """Settle all documents.

        :raises IngestError: when the server does not recover.
        :raises PyMongoError: when it refuses the whole work, or its write concern is not met.
        :raises JobStopped: when the job ends meanwhile.
        """
        kind, retryable = kind_of(self._options, self._work.own_ids)
        places: Sequence[int] = range(len(self._work.statements))
        statements = self._work.statements
        while places:
            operation = self._write(kind, statements, retryable)
            await self._execute(operation, places)
            places = await self._judge(operation, places)
            if self._doubled:
                places = await self._replace(places)
            if places:
                statements = self._work.statements.some(places)
        return self.outcome

    def _write(self, kind: str, statements: EncodedDocuments, retryable: bool) -> EncodedWrite:
        options: dict[str, Any] = {}
        if self._options.bypass_document_validation and kind != "delete":
            options["bypassDocumentValidation"] = True
        ordered = self._options.ordered
        return self._work.target.write(kind, statements, ordered, retryable, options)

    async def _execute(self, operation: EncodedWrite, places: Sequence[int]) -> None:
        """Send all statements of an operation, however often that takes."""
        while operation.more():
            started, before = time.monotonic(), operation.start
            try:
                await self._work.target.execute(operation)
            except DocumentTooLarge as error:
                self._leave_out(operation, places, ENCODE, str(error))
            except PyMongoError as error:
                if operation.start > before:
                    self._patience.succeeded()
                if is_of_a_document(error):
                    if not operation.narrow():
                        self._leave_out(
                            operation, places, getattr(error, "code", None) or ENCODE, str(error)
                        )
                elif is_transient(error):
                    self._maybe_stored = True
                    await self._patience.wait(error)
                    self.outcome.resent += 1
                else:
                    raise
            else:
                self._patience.succeeded()
                self._acknowledged(operation.start - before, time.monotonic() - started)

    def _leave_out(
        self, operation: EncodedWrite, places: Sequence[int], code: Code, message: str
    ) -> None:
        index = places[operation.start]
        self._fail(index, code, message)
        operation.pass_over()
        if self._options.ordered:
            operation.start = len(operation.statements)

    async def _judge(self, operation: EncodedWrite, places: Sequence[int]) -> Sequence[int]:
        """Settle what the server has told of; return what is to be sent again."""
        if operation.concern_errors:
            # The members that have it may be gone: all of it has to be confirmed once more. What is
            # inserted is counted then, what is changed only now.
            if operation.name != "insert":
                self._count(operation)
            await self._wait_for(operation.concern_errors)
            return self._not_failed(places)
        self._count(operation)
        errors = {places[error["index"]]: error for error in operation.errors}
        if errors and self._maybe_stored:
            await self._believe(errors, places)
        transient = []
        for index, error in errors.items():
            if is_transient_reply(error):
                transient.append(index)
            else:
                self._settle(index, error)
        if transient:
            self._maybe_stored = True
            await self._patience.wait(errors[transient[0]])
            self.outcome.resent += 1
        if not self._options.ordered:
            return transient
        if self.outcome.fatal is not None or not operation.errors:
            return []
        behind = operation.errors[0]["index"] + (0 if transient else 1)
        return places[behind:]

    async def _wait_for(self, concern_errors: Sequence[Mapping[str, Any]]) -> None:
        for error in concern_errors:
            if not is_transient_reply(error):
                raise WriteConcernError(str(error.get("errmsg")), error.get("code"), error)
        self._maybe_stored = True
        await self._patience.wait(concern_errors[0])
        self.outcome.resent += 1

    async def _believe(self, errors: dict[int, Any], places: Sequence[int]) -> None:
        """Take the errors away that are about documents of ours, which had arrived before."""
        duplicates = [index for index, error in errors.items() if is_duplicate_id(error)]
        if self._options.mode != "insert" or not duplicates:
            return
        accepted = [index for index in places if index not in errors]
        for index in await arrived_before(self._work, duplicates, accepted):
            del errors[index]
            self.outcome.inserted += 1

    def _settle(self, index: int, error: dict[str, Any]) -> None:
        outcome, policy = self.outcome, self._options.on_duplicate
        duplicate = is_duplicate(error)
        outcome.duplicates += duplicate and index not in self._tries
        if duplicate and policy == "skip":
            outcome.skipped += 1
            outcome.skipped_bytes += self._work.documents.size(index)
        elif duplicate and policy == "replace" and self._options.mode == "insert":
            self._doubled.append((index, error))
        else:
            self._refuse(index, error, duplicate and policy == "error")

    def _refuse(self, index: int, error: Mapping[str, Any], fatal: bool = False) -> None:
        self._fail(index, error.get("code", 0), str(error.get("errmsg", "")), fatal)

    def _fail(self, index: int, code: Code, message: str, fatal: bool = False) -> None:
        self.outcome.failures.append(Failure(index, code, message))
        if self.outcome.fatal is None and (fatal or self._options.ordered):
            self.outcome.fatal = index

    def _count(self, operation: EncodedWrite) -> None:
        outcome = self.outcome
        if operation.name == "insert":
            outcome.inserted += operation.count
        elif operation.name == "delete":
            outcome.deleted += operation.count
        else:
            outcome.inserted += operation.upserted
            outcome.modified += operation.modified

    async def _replace(self, places: Sequence[int]) -> Sequence[int]:
        """Put duplicates in the place of what is there; return what is to be inserted after this:
        `places`, and those that there was nothing for."""
        doubled, self._doubled = self._doubled, []
        updates = {}
        for index, error in doubled:
            try:
                document = self._work.documents.document(index)
                updates[index] = replacement(document, error, self._work.own_ids)
            except ValueError as problem:
                self._fail(index, PARSE, str(problem))
        vanished = await self._put_in_place(updates) if updates else []
        for index, error in doubled:
            self._tries[index] = self._tries.get(index, 0) + 1
            if index in vanished and self._tries[index] == _MOST_TRIES:
                vanished.remove(index)  # it is there, and cannot be found by its key
                self._refuse(index, error)
        if self._options.ordered and self.outcome.fatal is not None:
            return []
        return sorted({*places, *vanished})

    async def _put_in_place(self, updates: Mapping[int, bytes]) -> list[int]:
        """Send replacements; return those that have found nothing in whose place to be put."""
        places, vanished = [*updates], []
        while places:
            statements = EncodedDocuments.of(updates[index] for index in places)
            operation = self._write("update", statements, True)
            await self._execute(operation, places)
            self._count(operation)
            if operation.concern_errors:
                await self._wait_for(operation.concern_errors)
                continue
            again = []
            for error in operation.errors:
                if is_transient_reply(error):
                    again.append(places[error["index"]])
                else:
                    self._refuse(places[error["index"]], error)
            done = self._not_failed(index for index in places if index not in again)
            if operation.count == len(done):
                self.outcome.replaced += len(done)
            elif len(done) == 1:
                vanished += done
            else:  # one after the other, to see for which of them there is nothing
                for index in done:
                    vanished += await self._put_in_place({index: updates[index]})
            if again:
                await self._patience.wait(operation.errors[0])
            places = again
        return vanished

    def _not_failed(self, places: Iterable[int]) -> list[int]:
        failed = {failure.index for failure in self.outcome.failures}
        return [index for index in places if index not in failed]
