"""The files of the unified test format: all there are, in whatever folder."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from bsonx import json_util
from mongodriver.errors import PyMongoError
from specs import absent, all_files, folder_of, is_unified, listed, load, read, specs_root

from .failures import Mismatch

#: Folders of files that do not fit, or whose tests fail: there to try the runner itself.
NOT_VALID = ("unified-test-format/invalid",)
FAILING = ("unified-test-format/valid-fail",)

#: The specifications that each of the files `test_unified_SUBJECT` runs. Processes share the suite
#: by files, so that none should take much longer than the others.
SUBJECTS = {
    "timeouts": {"client-side-operations-timeout"},
    "transactions": {
        "causal-consistency",
        "sessions",
        "transactions",
        "transactions-convenient-api",
    },
    "retries": {"client-backpressure", "retryable-reads", "retryable-writes"},
    "monitoring": {
        "connection-monitoring-and-pooling",
        "load-balancers",
        "server-discovery-and-monitoring",
        "server-selection",
    },
    "crud": {
        "collection-management",
        "crud",
        "index-management",
        "read-write-concern",
        "run-command",
        "versioned-api",
    },
}
#: The subject of all others.
OTHERS = "specs"


def subject_of(specification: str) -> str:
    """Which of the files `test_unified_SUBJECT` runs the tests of a specification."""
    found = (subject for subject, names in SUBJECTS.items() if specification in names)
    return next(found, OTHERS)


def load_unified(path: Path) -> Any:
    """A file's content, in extended JSON."""
    return json_util.loads(path.read_text(encoding="utf-8"))


def _in_folders(*folders: str) -> list[Path]:
    root = specs_root()
    return [] if root is None else [p for p in all_files(root) if folder_of(p, root) in folders]


def _of_subject(subject: str) -> list[Path]:
    root = specs_root()
    if root is None:
        return []
    found = []
    for path in all_files(root):
        folder = folder_of(path, root)
        if folder not in (*NOT_VALID, *FAILING) and subject_of(folder.split("/")[0]) == subject:
            found.append(path)
    return [path for path in found if is_unified(load(path))]


def unified_files(*folders: str) -> list[Any]:
    """A param for each file of these folders."""
    files = _in_folders(*folders)
    params = [pytest.param(path, id=path.stem, marks=read(path)) for path in files]
    return params or absent(", ".join(folders))


def params_of(*folders: str) -> list[Any]:
    """A param (folder, path, file's content, test) for each test of these folders."""
    return _tests(_in_folders(*folders)) or absent(", ".join(folders), 4)


def unified_tests(subject: str) -> list[Any]:
    """A param (folder, path, file's content, test) for each test of a subject."""
    return _tests(_of_subject(subject)) or absent(f"unified tests of {subject}", 4)


def _tests(files: Iterable[Path]) -> list[Any]:
    root = specs_root()
    params = []
    for path in files:
        assert root is not None
        spec = load_unified(path)
        folder = folder_of(path, root)
        name = f"{folder.split('/')[0]}/{path.stem}"
        params += [
            pytest.param(
                folder,
                path,
                spec,
                test,
                id=f"{name}: {test['description']}",
                marks=[read(path), *listed(path, test, Mismatch, PyMongoError)],
            )
            for test in spec["tests"]
        ]
    return params
