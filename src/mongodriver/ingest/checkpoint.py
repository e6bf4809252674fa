"""How far a job came, kept in a file, so that a job that was killed can go on.

**Each record once.** A checkpoint says up to where everything is settled: stored, or in the dead
letter. What was sent behind it may have arrived or not, so a resumed job reads it again and sends
it again. For that not to store anything twice, a document has to get the `_id` that it had before.
Ids are therefore not drawn when documents are sent but follow from the document's number in its
source and a seed, drawn once for each source (`batch.Ids`). The seed is on the disk before
anything of the source is sent; a number is the same whenever the source is read, however its
documents come to be put into batches. So no word about a batch has to be on the disk before it
is sent, which would cost a wait for the disk for each, and a checkpoint may be as old as it likes:
that makes a resumed job read more again, and nothing else.

**The same input.** All this holds only for the same records in the same order, so a checkpoint
knows its files by size, time of change and the beginning of their content, and the options that
say what becomes of a record. A job that differs is refused, with a sentence.

**One at a time.** Two processes that went on with one job would each undo the other's checkpoints,
so the file is locked as long as a job works with it.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Self

from mongodriver.ingest.batch import Position
from mongodriver.ingest.errors import CheckpointError
from mongodriver.ingest.outputs import check_folder, replace_durably

_VERSION = 1
_SECONDS = 1.0
_FINGERPRINT = 1 << 20  # bytes


class FileCheckpoint:
    """A `seams.Checkpoint` in a file. To be closed.

    :param path: the file. Beside it there is `path.lock` while the job works, and `path.new` for
        a moment now and then.
    :param identity: what makes the job what it is (see `job_identity`).
    :param resume: go on where the file says. Without it, there must be no such file; with it, a
        missing file means that the job has not begun.
    :param seconds: how much may have to be read again: the file is written once in so many seconds.
    :param before: called before the file is written, with what has to be on the disk by then.
    :raises CheckpointError: when the file is that of another job, is there or cannot be read.
    :raises OSError: when it cannot be written.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        identity: Mapping[str, Any],
        *,
        resume: bool = False,
        seconds: float = _SECONDS,
        before: Callable[[], None] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.path = os.path.abspath(path)
        self._seconds = seconds
        self._before = before or _nothing
        self._clock = clock
        self._state: dict[str, Any] = {"job": uuid.uuid4().hex, "letters": 0, "sources": {}}
        self._identity = json.loads(json.dumps(identity))
        self._dirty = False
        check_folder(self.path)
        self._lock: Lock | None = Lock(f"{self.path}.lock")
        try:
            self._take_up(resume)
        except BaseException:
            self._lock.release()
            raise
        self._earlier = self.letters
        self._written = clock()

    @property
    def job(self) -> str:
        """The job's id, the same in all its runs."""
        return str(self._state["job"])

    @property
    def begun(self) -> bool:
        """Whether an earlier run has sent something, or may have."""
        return bool(self._state["sources"])

    @property
    def finished(self) -> bool:
        """Whether nothing is left to be done."""
        known = self._state["sources"]
        names = [source["name"] for source in self._identity.get("sources", [])]
        return bool(names) and all(known.get(name, {}).get("done") for name in names)

    @property
    def letters(self) -> int:
        """How many dead letters there were up to the checkpoint. More than that by those that an
        earlier run and a later one have met."""
        return int(self._state["letters"])

    def _take_up(self, resume: bool) -> None:
        if not os.path.exists(self.path):
            return
        if not os.path.isfile(self.path):  # a device may never end, and is not to be replaced
            raise CheckpointError(f"{self.path} is no file, so that it cannot be a checkpoint")
        with open(self.path, "rb") as file:
            text = file.read()
        known = _parse(self.path, text)  # nobody is to be told to remove what is something else
        if not resume:
            raise CheckpointError(
                f"{self.path} is the checkpoint of a job that has begun: resume it, or remove it"
            )
        difference = _difference(known["identity"], self._identity)
        if difference:
            raise CheckpointError(f"{self.path} is the checkpoint of another job: {difference}")
        self._state = {name: known[name] for name in self._state}

    async def begin(self, source: str) -> tuple[bytes | None, Position | None]:
        """Return the seed of the source's ids and where to go on; None where nothing is known."""
        known = self._state["sources"].get(source)
        if known is None:
            return None, None
        return bytes.fromhex(known["seed"]), known["position"]

    async def keep_seed(self, source: str, seed: bytes) -> None:
        """Remember the seed of a source's ids; returns when that is on the disk."""
        self._state["sources"][source] = {"seed": seed.hex(), "position": None, "done": False}
        self._write()

    async def advance(self, source: str, position: Position, letters: int) -> None:
        """Remember that all before `position` is settled; it is written now and then."""
        self._state["sources"][source]["position"] = dict(position)
        self._note(letters)
        if self._clock() - self._written >= self._seconds:
            self._write()

    async def finish(self, source: str) -> None:
        """Remember that the source has been read to its end, and that all of it is settled."""
        self._state["sources"][source]["done"] = True
        self._write()

    async def close(self) -> None:
        """Write what is not yet written, and let others have the file."""
        self.end()

    def end(self) -> None:
        """The same, for who has nothing to await."""
        try:
            if self._dirty:
                self._write()
        finally:
            self.release()

    def release(self) -> None:
        """Let others have the file, and write nothing more."""
        if self._lock is not None:
            self._lock.release()
            self._lock = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.release()

    def _note(self, letters: int) -> None:
        self._state["letters"] = self._earlier + letters
        self._dirty = True

    def _write(self) -> None:
        self._before()
        content = {"version": _VERSION, "identity": self._identity, **self._state}
        try:
            replace_durably(self.path, json.dumps(content, indent=1).encode() + b"\n")
        except OSError as error:
            raise CheckpointError(f"the checkpoint cannot be written: {error}") from error
        self._dirty = False
        self._written = self._clock()


def job_identity(sources: Sequence[Any], target: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """Return what makes a job what it is, as values of JSON.

    :param sources: with `name` and `repeatable`; those with a `path` are files.
    :param target: the full name of the collection.
    :param options: those that say what becomes of a record, and not how fast.
    :raises CheckpointError: when a source cannot be read a second time.
    :raises OSError: when a file cannot be read.
    """
    names = [source.name for source in sources]
    for source in sources:
        if not source.repeatable:
            raise CheckpointError(
                f"{source.name} cannot be read a second time, so that the job could not be resumed"
            )
        if names.count(source.name) > 1:
            raise CheckpointError(
                f"{source.name} is to be read twice, which no checkpoint can tell"
            )
    files = [{"name": source.name, **_file_identity(source)} for source in sources]
    return {"target": target, "sources": files, "options": json.loads(json.dumps(options))}


def _file_identity(source: Any) -> dict[str, Any]:
    path = getattr(source, "path", None)
    if path is None:
        fingerprint = getattr(source, "fingerprint", dict)
        return {"size": source.size, **fingerprint()}
    with open(path, "rb") as file:
        found = os.fstat(file.fileno())
        start = hashlib.sha256(file.read(_FINGERPRINT)).hexdigest()
    return {
        "path": os.path.abspath(path),
        "size": found.st_size,
        "changed": found.st_mtime_ns,
        "start": start,
    }


def _parse(path: str, text: bytes) -> dict[str, Any]:
    try:
        known = json.loads(text)
        version = known["version"]
        if version != _VERSION:
            raise CheckpointError(f"{path} is the checkpoint of another version ({version})")
        for source in known["sources"].values():
            bytes.fromhex(source["seed"])
        if not isinstance(known["identity"]["sources"], list) or not known["job"]:
            raise ValueError("fields are missing")
        return {**known, "letters": int(known["letters"])}
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise CheckpointError(f"{path} is no checkpoint") from error


def _difference(known: Mapping[str, Any], given: Mapping[str, Any]) -> str:
    """Return in what two jobs differ, in words; "" when they are the same."""
    if known["target"] != given["target"]:
        return f"that one goes into {known['target']}, this one into {given['target']}"
    names = [[source["name"] for source in one["sources"]] for one in (known, given)]
    if names[0] != names[1]:
        return f"that one reads {_listed(names[0])}, this one {_listed(names[1])}"
    for before, now in zip(known["sources"], given["sources"], strict=True):
        if before != now:
            what = "another file now" if "path" in now else "not what it was"
            return f"{now['name']} is {what} ({_file_difference(before, now)})"
    options = known["options"], given["options"]
    for name in sorted({*options[0], *options[1]}):
        values = [one.get(name) for one in options]
        if values[0] != values[1]:
            return f"{name} was {json.dumps(values[0])} and is {json.dumps(values[1])}"
    return ""


def _file_difference(before: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    if before.get("path") != now.get("path"):
        return f"it was {before.get('path')}"
    if before.get("size") != now.get("size"):
        return f"it had {before.get('size')} bytes and has {now.get('size')}"
    if before.get("items") != now.get("items"):
        return f"it had {before.get('items')} items and has {now.get('items')}"
    if before.get("start") != now.get("start"):
        return "it begins in another way"
    return "it has been written to"


def files_beside(path: str | os.PathLike[str]) -> list[str]:
    """The files that a checkpoint in `path` has of its own."""
    return [f"{os.fspath(path)}{suffix}" for suffix in ("", ".lock", ".new")]


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names) if len(names) < 4 else f"{names[0]} and {len(names) - 1} more"


def _nothing() -> None:
    """There is nothing that has to be on the disk before."""


class Lock:
    """A file that only one process has at a time; CheckpointError for the others."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._file = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        try:
            _lock(self._file)
            if not os.path.samestat(os.fstat(self._file), os.stat(path)):
                raise FileNotFoundError(path)  # the one who had it has just removed it
            if os.fstat(self._file).st_size:
                raise CheckpointError(f"{path} is there, and is no lock")
        except CheckpointError:
            os.close(self._file)
            raise
        except OSError as error:
            os.close(self._file)
            raise CheckpointError(
                f"another process works with {path.removesuffix('.lock')}"
            ) from error

    def release(self) -> None:
        """Let others have it."""
        with contextlib.suppress(OSError):
            os.unlink(self._path)
        os.close(self._file)


def _lock(file: int) -> None:
    try:
        import fcntl
    except ImportError:  # Windows has no such locks: there nobody is kept away
        return
    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
