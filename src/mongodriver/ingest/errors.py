"""Errors of the ingestion."""


class IngestError(Exception):
    """A whole file cannot be read (any further), or the job was given impossible settings."""


class RejectFileError(IngestError):
    """Rejected records cannot be written any more, so that they would be lost."""
