"""Checkpoints: what is on the disk at any moment, and which job may go on with them."""

import errno
import json
import os
import subprocess
import sys
from dataclasses import dataclass

import pytest

from bsonx import CodecOptions
from bsonx._impl import run_coroutine as run
from mongodriver.ingest import ingest
from mongodriver.ingest.checkpoint import FileCheckpoint, job_identity
from mongodriver.ingest.errors import CheckpointError, IngestError
from mongodriver.ingest.sources.iterables import IterableSource

from .fake import FakeCollection

SEED = bytes(range(9))


@dataclass
class File:
    path: str
    repeatable: bool = True
    size: int = 0

    @property
    def name(self):
        return self.path


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture
def path(tmp_path):
    return tmp_path / "job.checkpoint"


@pytest.fixture
def files(tmp_path):
    for name in ("a.ndjson", "b.ndjson"):
        (tmp_path / name).write_text('{"n": 1}\n' * 100)
    return [File(str(tmp_path / name)) for name in ("a.ndjson", "b.ndjson")]


OPTIONS = {"mode": "insert", "types": {"n": "int"}, "key": None}


def identity(files, target="db.c", **options):
    return job_identity(files, target, {**OPTIONS, **options})


def known(path):
    return json.loads(path.read_text())["sources"]


def test_a_job_that_goes_on(path, files):
    one, other = (source.name for source in files)
    with FileCheckpoint(path, identity(files)) as checkpoint:
        assert (checkpoint.begun, checkpoint.finished, checkpoint.letters) == (False, False, 0)
        assert run(checkpoint.begin(one)) == (None, None)
        run(checkpoint.keep_seed(one, SEED))
        run(checkpoint.advance(one, {"documents": 7, "offset": 63}, 2))
        job = checkpoint.job
        run(checkpoint.close())
    with FileCheckpoint(path, identity(files), resume=True) as checkpoint:
        assert (checkpoint.begun, checkpoint.finished, checkpoint.letters) == (True, False, 2)
        assert checkpoint.job == job
        assert run(checkpoint.begin(one)) == (SEED, {"documents": 7, "offset": 63})
        assert run(checkpoint.begin(other)) == (None, None)
        run(checkpoint.finish(one))
        assert not checkpoint.finished
        run(checkpoint.keep_seed(other, SEED))
        run(checkpoint.finish(other))
    with FileCheckpoint(path, identity(files), resume=True) as checkpoint:
        assert checkpoint.finished
        assert run(checkpoint.begin(one)) == (SEED, {"documents": 7, "offset": 63})


def test_the_seed_is_on_the_disk_at_once_and_positions_now_and_then(path, files):
    clock, name = Clock(), files[0].name
    waiting = []
    with FileCheckpoint(
        path, identity(files), clock=clock, seconds=2, before=lambda: waiting.append(path.exists())
    ) as checkpoint:
        run(checkpoint.keep_seed(name, SEED))
        assert known(path)[name] == {"seed": SEED.hex(), "position": None, "done": False}
        clock.now = 1.9
        run(checkpoint.advance(name, {"documents": 1}, 0))
        assert known(path)[name]["position"] is None
        clock.now = 2.0
        run(checkpoint.advance(name, {"documents": 2}, 0))
        assert known(path)[name]["position"] == {"documents": 2}
        run(checkpoint.advance(name, {"documents": 3}, 0))
        assert known(path)[name]["position"] == {"documents": 2}
        run(checkpoint.close())
        assert known(path)[name]["position"] == {"documents": 3}
    assert waiting == [False, True, True]  # dead letters go to the disk first
    assert sorted(os.listdir(path.parent)) == ["a.ndjson", "b.ndjson", "job.checkpoint"]


def test_a_write_that_fails_leaves_the_old_one(path, files, monkeypatch):
    name = files[0].name
    with FileCheckpoint(path, identity(files)) as checkpoint:
        run(checkpoint.keep_seed(name, SEED))
        before = path.read_bytes()

        def fail(file):
            raise OSError(28, "No space left on device")

        monkeypatch.setattr("os.fsync", fail)
        with pytest.raises(CheckpointError, match=r"cannot be written: .*No space left"):
            run(checkpoint.finish(name))
        assert path.read_bytes() == before


def test_a_missing_checkpoint_is_a_job_that_has_not_begun(path, files):
    with FileCheckpoint(path, identity(files), resume=True) as checkpoint:
        assert not checkpoint.begun


def test_a_checkpoint_is_not_written_over(path, files):
    with FileCheckpoint(path, identity(files)) as checkpoint:
        run(checkpoint.keep_seed(files[0].name, SEED))
    with pytest.raises(CheckpointError, match="has begun: resume it, or remove it"):
        FileCheckpoint(path, identity(files))


def write_on(source):
    with open(source.path, "a") as file:
        file.write("{}\n")


def touch(source):
    os.utime(source.path, ns=(0, 12345))


def change_start(source):
    found = os.stat(source.path)
    with open(source.path, "r+b") as file:
        file.write(b'{"m"')
    os.utime(source.path, ns=(found.st_atime_ns, found.st_mtime_ns))


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (write_on, "a.ndjson is another file now .it had 900 bytes and has 903"),
        (touch, "a.ndjson is another file now .it has been written to"),
        (change_start, "a.ndjson is another file now .it begins in another way"),
    ],
)
def test_a_file_that_has_changed(path, files, change, problem):
    with FileCheckpoint(path, identity(files)) as checkpoint:
        run(checkpoint.keep_seed(files[0].name, SEED))
    change(files[0])
    with pytest.raises(CheckpointError, match=f"the checkpoint of another job: .*{problem}"):
        FileCheckpoint(path, identity(files), resume=True)


def test_a_job_that_differs(path, files):
    with FileCheckpoint(path, identity(files)) as checkpoint:
        run(checkpoint.keep_seed(files[0].name, SEED))
    for other, problem in (
        (identity(files, "db.d"), "that one goes into db.c, this one into db.d"),
        (identity(files[:1]), "that one reads .*a.ndjson, .*b.ndjson, this one .*a.ndjson"),
        (identity(files[::-1]), "that one reads .*a.ndjson, .*b.ndjson, this one .*b.ndjson"),
        (identity(files, mode="upsert"), 'mode was "insert" and is "upsert"'),
        (identity(files, new=1), "new was null and is 1"),
    ):
        with pytest.raises(CheckpointError, match=problem):
            FileCheckpoint(path, other, resume=True)
    with FileCheckpoint(path, identity(files), resume=True):
        pass  # it has let go of the lock


def test_relative_paths_name_the_same_file(path, files, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    one = job_identity([File("a.ndjson")], "db.c", {})
    other = job_identity([File("./a.ndjson")], "db.c", {})
    assert one["sources"][0]["path"] == other["sources"][0]["path"] == files[0].path


@pytest.mark.parametrize(
    "text",
    ["", "{}", "x", "[]", '{"version": 1}', '{"version": 1, "sources": {"a": 1}}', "\xff"],
)
def test_what_is_no_checkpoint(path, files, text):
    path.write_text(text, encoding="latin-1")
    with pytest.raises(CheckpointError, match="is no checkpoint"):
        FileCheckpoint(path, identity(files), resume=True)
    assert path.read_text(encoding="latin-1") == text


def test_a_later_version(path, files):
    path.write_text('{"version": 99}')
    with pytest.raises(CheckpointError, match=r"of another version .99"):
        FileCheckpoint(path, identity(files), resume=True)


def test_what_cannot_be_read_again(files):
    with pytest.raises(CheckpointError, match="stdin cannot be read a second time"):
        job_identity([File("stdin", repeatable=False)], "db.c", {})
    with pytest.raises(CheckpointError, match=r"a.ndjson is to be read twice"):
        job_identity([files[0], files[0]], "db.c", {})


def test_one_process_at_a_time(path, files):
    pytest.importorskip("fcntl")
    with FileCheckpoint(path, identity(files)) as checkpoint:
        for resume in (False, True):
            with pytest.raises(CheckpointError, match="another process works with"):
                FileCheckpoint(path, identity(files), resume=resume)
        run(checkpoint.close())
        FileCheckpoint(path, identity(files)).release()


def test_a_killed_process_keeps_nobody_away(path, files):
    code = (
        "import os, signal, sys; from mongodriver.ingest.checkpoint import FileCheckpoint;"
        "c = FileCheckpoint(sys.argv[1], {}); os.kill(os.getpid(), signal.SIGKILL)"
    )
    subprocess.run([sys.executable, "-c", code, str(path)], check=False)
    assert path.with_name(f"{path.name}.lock").exists()
    FileCheckpoint(path, identity(files)).release()


def test_a_folder_that_is_missing(tmp_path):
    with pytest.raises(FileNotFoundError):
        FileCheckpoint(tmp_path / "no" / "job", {})


@pytest.mark.parametrize(
    ("items", "problem"),
    [([{"a": 1}] * 5, "it had 3 items and has 5"), ([{"a": 2}] * 3, "it begins in another way")],
)
def test_other_documents_of_python(path, items, problem):
    """Else the first ones of them would be taken for stored."""
    before, now = (
        identity([IterableSource(one, CodecOptions())]) for one in ([{"a": 1}] * 3, items)
    )
    with FileCheckpoint(path, before) as checkpoint:
        run(checkpoint.keep_seed("iterable", SEED))
    with pytest.raises(CheckpointError, match=f"iterable is not what it was .{problem}"):
        FileCheckpoint(path, now, resume=True)
    FileCheckpoint(path, before, resume=True).release()


def test_a_device_is_no_checkpoint(files):
    """Some have no end."""
    for resume in (False, True):
        with pytest.raises(CheckpointError, match="/dev/null is no file"):
            FileCheckpoint("/dev/null", identity(files), resume=resume)


def test_a_file_that_is_no_lock_is_kept(path, files):
    lock = path.with_name(f"{path.name}.lock")
    lock.write_text("mine")
    with pytest.raises(CheckpointError, match="is there, and is no lock"):
        FileCheckpoint(path, identity(files))
    assert lock.read_text() == "mine"


@pytest.mark.parametrize("suffix", ["", ".lock", ".new"])
def test_files_of_a_checkpoint_are_for_nothing_else(tmp_path, suffix):
    """The lock is removed in the end, and what dead letters there were with it."""
    source = tmp_path / "a.ndjson"
    source.write_text("{}\n")
    here = os.path.relpath(tmp_path / "job")
    with pytest.raises(IngestError, match="where the checkpoint is"):
        ingest(FakeCollection(), source, checkpoint=tmp_path / "job", dead_letter=here + suffix)
    read = tmp_path / f"job{suffix}"
    source.rename(read)
    with pytest.raises(IngestError, match="the checkpoint cannot go to"):
        ingest(FakeCollection(), read, format="ndjson", checkpoint=tmp_path / "job")
    assert read.read_text() == "{}\n"


def test_what_is_no_checkpoint_is_not_called_one(path, files):
    path.write_text("notes of somebody's\n")
    with pytest.raises(CheckpointError, match=r"is no checkpoint$"):
        FileCheckpoint(path, identity(files))


def test_a_checkpoint_that_cannot_be_written_ends_the_job(tmp_path, monkeypatch):
    """Nothing has been sent by then. It is no fault of the file that is read."""
    source = tmp_path / "a.ndjson"
    source.write_text("{}\n")

    def full(file, data):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("os.write", full)
    collection = FakeCollection()
    with pytest.raises(CheckpointError, match="the checkpoint cannot be written"):
        ingest(collection, source, checkpoint=tmp_path / "job")
    assert not collection.calls
    assert list(tmp_path.iterdir()) == [source]
