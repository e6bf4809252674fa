"""The list of skips: no entry is about nothing, and the report tells what was overlooked."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

import spec_skips
from specs import all_files, folder_of, load, specs_root

sys.path.append(str(Path(__file__).parents[1] / "driver"))
from unified.survey import exists


def _tests() -> list[tuple[str, str, str]]:
    root = specs_root()
    if root is None or "MONGODB_SPECS" in os.environ:
        pytest.skip("the list is about the usual specification files")
    found = []
    for path in all_files(root):
        content = load(path)
        tests = content.get("tests") if isinstance(content, dict) else None
        tests = tests if isinstance(tests, list) else []
        tests = [test for test in tests if isinstance(test, dict)] or [{}]
        folder = folder_of(path, root)
        found += [(folder, path.stem, str(test.get("description", ""))) for test in tests]
    return found


@pytest.mark.parametrize("method", sorted(spec_skips.LIST["not-yet"]))
def test_what_is_said_to_be_missing_is_missing(method):
    assert not exists(method), f"{method} is there: take it off the list of skips"


def test_every_entry_is_about_a_test():
    tests = _tests()
    for entry in spec_skips.LIST.get("test", ()):
        assert entry["kind"] in spec_skips.KINDS
        assert entry["why"]
        assert any(spec_skips.suits(entry, *test) for test in tests), entry


def test_every_other_entry_is_about_a_file():
    names = {f"{folder}/{file}" for folder, file, _ in _tests()}
    folders = {name.rpartition("/")[0] for name in names}
    assert {entry["file"] for entry in spec_skips.LIST.get("deployment", ())} <= names
    assert set(spec_skips.LIST["unread"]) <= folders
