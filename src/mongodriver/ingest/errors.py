"""Errors of the ingestion."""


class IngestError(Exception):
    """A whole file cannot be read (any further), or the job was given impossible settings."""


class DeadLetterError(IngestError):
    """Records that could not be stored can be kept nowhere else either: they would be lost."""


class CheckpointError(IngestError):
    """A checkpoint is that of another job, or cannot be read or written."""


RejectFileError = DeadLetterError
