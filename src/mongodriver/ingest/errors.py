"""Errors of the ingestion."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mongodriver.ingest.report import IngestReport


class IngestError(Exception):
    """A source cannot be read (any further), the job was given impossible settings, or it had to
    end before all was done.

    `report` says what had been done by then; None where nothing was begun.
    """

    report: IngestReport | None = None


class DeadLetterError(IngestError):
    """Records that could not be stored can be kept nowhere else either: they would be lost."""


class CheckpointError(IngestError):
    """A checkpoint is that of another job, or cannot be read or written."""


class TooManyErrors(IngestError):
    """More records were bad than the job was to bear."""
