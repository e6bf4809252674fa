"""What a job keeps beside its documents: its dead letters, and how far it came."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from mongodriver.ingest.checkpoint import FileCheckpoint, files_beside, job_identity
from mongodriver.ingest.dead_letter import make_dead_letter
from mongodriver.ingest.errors import CheckpointError, IngestError
from mongodriver.ingest.letters import JobLetters
from mongodriver.ingest.outputs import refuse_inputs
from mongodriver.public.collection_base import CollectionBase
from mongodriver.public.kinds import is_blocking

if TYPE_CHECKING:
    from mongodriver.ingest.dead_letter import DeadLetterTarget
    from mongodriver.ingest.options import IngestOptions
    from mongodriver.ingest.seams import Checkpoint

__all__ = ["Keeping", "NothingKept"]

#: Options that say how fast, or how patiently, and not what becomes of a record.
_FREE = {
    "lanes",
    "batch_documents",
    "batch_bytes",
    "batch_seconds",
    "max_in_flight",
    "retry_seconds",
    "drain_seconds",
    "max_errors",
}


class NothingKept:
    """The checkpoint of a job of which anything may have been stored before, and that may be done
    again as often as one likes."""

    async def begin(self, source: str) -> tuple[bytes, None]:
        """Say that the source has begun, and that it is to be read from the beginning."""
        return bytes(9), None

    async def keep_seed(self, source: str, seed: bytes) -> None:
        """Do nothing: no ids are drawn."""

    async def advance(self, source: str, position: Mapping[str, Any], letters: int) -> None:
        """Do nothing."""

    async def finish(self, source: str) -> None:
        """Do nothing."""

    async def close(self) -> None:
        """Do nothing."""


class Keeping:
    """Dead letters and checkpoint of one job; to be closed.

    :param tasks: its sources, or the files that are to become sources, with their collections.
    :param dead_letter: see `make_dead_letter`; None: bad records are only counted.
    :param checkpoint: the path of a file, or a checkpoint of the caller's own.
    :param resume: go on where the file says, if the job has begun.
    :param settings: more that says what becomes of a record.
    :raises IngestError: where a file is there already, or is that of another job; OSError where
        none can be made.
    """

    def __init__(
        self,
        tasks: Sequence[tuple[Any, Any]],
        options: IngestOptions,
        *,
        dead_letter: DeadLetterTarget | None = None,
        checkpoint: str | os.PathLike[str] | Checkpoint | None = None,
        resume: bool = False,
        settings: Mapping[str, Any] | None = None,
    ) -> None:
        sources = [getattr(source, "file", source) for source, _ in tasks]
        for _, collection in tasks:
            _check_collection(dead_letter, collection)
        self._file: FileCheckpoint | None = None
        self.checkpoint: Checkpoint | None = None
        if isinstance(checkpoint, str | os.PathLike):
            _keep_apart(checkpoint, dead_letter, sources)
            identity = job_identity(
                sources,
                ", ".join(sorted({collection.full_name for _, collection in tasks})),
                {**_deciding(options), **(settings or {}), "dead_letter": _name_of(dead_letter)},
            )
            self.checkpoint = self._file = FileCheckpoint(
                checkpoint, identity, resume=resume, before=self._before_checkpoint
            )
        elif resume and checkpoint is None:
            raise CheckpointError("resume needs the checkpoint of the job")
        elif checkpoint is not None and not hasattr(checkpoint, "begin"):
            kind = type(checkpoint).__name__
            raise CheckpointError(f"a checkpoint is the path of a file, not {kind}")
        else:
            self.checkpoint = checkpoint
        try:
            blocking = all(is_blocking(collection) for _, collection in tasks)
            self.letters = self._letters(dead_letter, sources, blocking)
        except BaseException:
            if self._file is not None:
                self._file.release()
            raise

    def _letters(
        self, target: DeadLetterTarget | None, sources: Sequence[Any], blocking: bool
    ) -> JobLetters:
        made = None
        if target is not None:
            job = None if self._file is None else self._file.job
            made = make_dead_letter(
                target, _files(sources), resume=self.begun, job=job, blocking=blocking
            )
        return JobLetters(made, sources, resumable=self._file is not None)

    def _before_checkpoint(self) -> None:
        self.letters.sync()

    @property
    def begun(self) -> bool:
        """Whether an earlier run of the job may have stored something."""
        return self._file is not None and self._file.begun

    @property
    def has_letters(self) -> bool:
        """Whether this run, or an earlier one, has met a bad record."""
        return bool(self.letters.count or (self._file is not None and self._file.letters))

    def close(self) -> None:
        """Write down how far the job came, and close the files. Raises CheckpointError."""
        try:
            if self._file is not None:
                self._file.end()
        finally:
            self.letters.close()


def _keep_apart(path: str | os.PathLike[str], dead_letter: Any, sources: Sequence[Any]) -> None:
    """Raise IngestError where a file of the checkpoint is one that is read, or the dead letter."""
    ours = files_beside(path)
    for one in ours:
        refuse_inputs(one, _files(sources), "the checkpoint")
    path_of_dead = os.fspath(dead_letter) if isinstance(dead_letter, str | os.PathLike) else None
    if path_of_dead and os.path.realpath(path_of_dead) in map(os.path.realpath, ours):
        raise IngestError(f"dead letters cannot go to {path_of_dead}, where the checkpoint is")


def _check_collection(dead_letter: Any, collection: Any) -> None:
    """Raise IngestError for a dead letter that is the collection loaded, or of another flavour."""
    if not isinstance(dead_letter, CollectionBase):
        return
    if is_blocking(dead_letter) is not is_blocking(collection):
        raise IngestError("dead letters go to a collection of the same kind of client as documents")
    if dead_letter._core is collection._core and dead_letter.full_name == collection.full_name:
        raise IngestError(f"dead letters cannot go to {collection.full_name}, which is loaded")


def _files(sources: Sequence[Any]) -> list[Any]:
    return [source for source in sources if hasattr(source, "is_stdin")]


def _deciding(options: IngestOptions) -> dict[str, Any]:
    """Return the options that make a job what it is, as values of JSON."""
    found: dict[str, Any] = {}
    for field in dataclasses.fields(options):
        value = getattr(options, field.name)
        if dataclasses.is_dataclass(value):
            found |= {
                one.name: _plain(getattr(value, one.name)) for one in dataclasses.fields(value)
            }
        elif field.name not in _FREE:
            found[field.name] = _plain(value)
    return found


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(name): _plain(one) for name, one in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(one) for one in value]
    return value if isinstance(value, str | int | float | bool | None) else repr(value)


def _name_of(dead_letter: DeadLetterTarget | None) -> str | None:
    if isinstance(dead_letter, str | os.PathLike):
        return os.path.abspath(dead_letter)
    if isinstance(dead_letter, CollectionBase):
        return f"collection {dead_letter.full_name}"
    return None if dead_letter is None else "another"
