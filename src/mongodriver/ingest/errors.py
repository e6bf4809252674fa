"""Errors of the ingestion."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mongodriver.values.errors import OperationFailure, reason

if TYPE_CHECKING:
    from mongodriver.ingest.report import IngestReport


class IngestError(Exception):
    """A source cannot be read (any further), the job was given impossible settings, or it had to
    end before all was done.

    `report` says what had been done by then; None where nothing was begun.
    """

    report: IngestReport | None = None


def in_words(error: BaseException, about: str = "") -> str:
    """What an error says, in one line, without what the reader knows already.

    :param about: the source that it is about, whose name stands in front of this.
    """
    text = reason(error)
    if isinstance(error, OSError) and error.strerror and error.filename in (None, about):
        text = error.strerror
    if isinstance(error, OperationFailure):
        text = text.partition(", full error: ")[0]
    text = " ".join(text.split())
    while about and text.startswith(f"{about}: "):
        text = text.removeprefix(f"{about}: ")
    return text


class DeadLetterError(IngestError):
    """Records that could not be stored can be kept nowhere else either: they would be lost."""


class CheckpointError(IngestError):
    """A checkpoint is that of another job, or cannot be read or written."""


class TooManyErrors(IngestError):
    """More records were bad than the job was to bear."""
