"""The list of skips: no entry is about nothing, and none has a name that nobody reads."""

from __future__ import annotations

import os
import sys
from fnmatch import fnmatchcase
from pathlib import Path

import pytest

import spec_skips
from specs import all_files, folder_of, is_unified, load, specs_root

sys.path.append(str(Path(__file__).parents[1] / "driver"))
from unified.files import FAILING, NOT_VALID, OTHERS, SUBJECTS
from unified.survey import exists, needs

DRIVER_TESTS = Path(__file__).parents[1] / "driver"

#: The sections of features, by what the features are missing in.
FEATURES = ("not-yet", "no-such-api", "not-in-driver", "not-here")


def _files():
    root = specs_root()
    if root is None or "MONGODB_SPECS" in os.environ:
        pytest.skip("the list is about the usual specification files")
    return [(folder_of(path, root), path.stem, load(path)) for path in all_files(root)]


def _tests() -> list[tuple[str, str, str]]:
    found = []
    for folder, file, content in _files():
        tests = content.get("tests") if isinstance(content, dict) else None
        tests = tests if isinstance(tests, list) else []
        tests = [test for test in tests if isinstance(test, dict)] or [{}]
        found += [(folder, file, str(test.get("description", ""))) for test in tests]
    return found


def test_the_list_has_no_other_names():
    assert set(spec_skips.LIST) == {*FEATURES, "deployment", "milliseconds", "test", "unread"}
    assert set(spec_skips.LIST["milliseconds"]) == {"files"}
    for entry in spec_skips.LIST["deployment"]:
        assert set(entry) == {"file", "on"}
    for entry in spec_skips.LIST["test"]:
        assert set(entry) - {"test", "by-chance", "newer"} == {"file", "kind", "why"}, entry
        assert entry["kind"] in spec_skips.KINDS
        assert entry["why"]


@pytest.mark.parametrize("method", sorted(spec_skips.LIST["not-yet"]))
def test_what_is_said_to_be_missing_is_missing(method):
    assert not exists(method), f"{method} is there: take it off the list of skips"


def test_some_test_needs_what_is_said_to_be_missing():
    found = set()
    for folder, _, content in _files():
        if is_unified(content) and folder not in (*FAILING, *NOT_VALID):
            for test in content["tests"]:
                found.update(needs(content, test))
    for section in FEATURES:
        assert set(spec_skips.LIST[section]) <= found


def test_every_entry_is_about_a_test_of_its_own():
    entries = spec_skips.LIST["test"]
    used = [spec_skips.entry_of(*test) for test in _tests()]
    unused = [entry for entry in entries if entry not in used]
    assert [entry for entry in unused if not entry.get("newer")] == []


def test_every_other_entry_is_about_a_file():
    names = {f"{folder}/{file}" for folder, file, _ in _tests()}
    folders = {name.rpartition("/")[0] for name in names}
    assert {entry["file"] for entry in spec_skips.LIST["deployment"]} <= names
    assert set(spec_skips.LIST["unread"]) <= folders
    for pattern in spec_skips.LIST["milliseconds"]["files"]:
        assert any(fnmatchcase(name, pattern) for name in names), pattern


def test_nobody_reads_what_is_said_to_be_unread(request):
    """As far as can be seen: of the tests that were collected with this one."""
    read = {mark.args[0] for item in request.session.items for mark in item.iter_markers("spec")}
    assert not read & set(spec_skips.LIST["unread"])


def test_every_subject_has_a_file_that_runs_it():
    specifications = {folder.split("/")[0] for folder, _, _ in _files()}
    assert set().union(*SUBJECTS.values()) <= specifications
    for subject in (*SUBJECTS, OTHERS):
        text = (DRIVER_TESTS / f"test_unified_{subject}.py").read_text(encoding="utf-8")
        assert f'unified_tests("{subject}")' in text
