"""The files of the unified test format: all there are, in whatever folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bsonx import json_util
from specs import absent, all_files, folder_of, is_unified, load, read, specs_root

#: Folders of files that do not fit, or whose tests fail: there to try the runner itself.
NOT_VALID = ("unified-test-format/invalid",)
FAILING = ("unified-test-format/valid-fail",)


def load_unified(path: Path) -> Any:
    """A file's content, in extended JSON."""
    return json_util.loads(path.read_text(encoding="utf-8"))


def _files(*folders: str) -> list[Path] | None:
    root = specs_root()
    if root is None:
        return None
    found = []
    for path in all_files(root):
        folder = folder_of(path, root)
        wanted = folder in folders if folders else folder not in (*NOT_VALID, *FAILING)
        if wanted and (folders or is_unified(load(path))):
            found.append(path)
    return found


def unified_files(*folders: str) -> list[Any]:
    """A param for each file of these folders."""
    files = _files(*folders)
    if not files:
        return absent(", ".join(folders))
    return [pytest.param(path, id=path.stem, marks=read(path)) for path in files]


def unified_tests(*folders: str) -> list[Any]:
    """A param (folder, path, file's content, test) for each test of these folders; else of all."""
    files = _files(*folders)
    if not files:
        return absent(", ".join(folders) or "unified tests", 4)
    root = specs_root()
    assert root is not None
    params = []
    for path in files:
        spec = load_unified(path)
        folder = folder_of(path, root)
        name = f"{folder.split('/')[0]}/{path.stem}"
        params += [
            pytest.param(
                folder, path, spec, test, id=f"{name}: {test['description']}", marks=read(path)
            )
            for test in spec["tests"]
        ]
    return params
