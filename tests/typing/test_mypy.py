"""Programs of users under mypy: the types they see are PyMongo's."""

from __future__ import annotations

import pytest
import surface
from checkers import ASSERTIONS, SNIPPETS, Programs, differences, has_mypy, is_error, mypy

SURFACE, MEMBERS = surface.program()

if not has_mypy():
    pytest.skip("mypy is not installed", allow_module_level=True)


@pytest.fixture(scope="module")
def programs(tmp_path_factory):
    return Programs(mypy, tmp_path_factory.mktemp("programs"), {"surface.py": SURFACE})


def test_there_are_programs():
    assert len(SNIPPETS) >= 60
    assert len(ASSERTIONS) >= 5


def test_the_programs_show_types_and_errors(programs):
    found = [
        one
        for path in SNIPPETS
        for line in programs.of("theirs", path.name).values()
        for one in line
    ]
    assert sum(map(is_error, found)) > 90
    assert len(found) > 350


@pytest.mark.parametrize("path", SNIPPETS, ids=lambda path: path.stem)
def test_a_program_is_the_same_with_pymongo(programs, path):
    assert differences(programs.of("theirs", path.name), programs.of("ours", path.name)) == []


@pytest.mark.parametrize("path", ASSERTIONS, ids=lambda path: path.stem)
def test_types_are_as_asserted(programs, path):
    found = programs.of("assertions", path.name)
    wrong = {line for line, findings in found.items() if any(map(is_error, findings))}
    lines = path.read_text().splitlines()
    assert wrong == {n for n, line in enumerate(lines, 1) if line.endswith("# error")}


def test_members_have_the_types_they_have_in_pymongo(programs):
    theirs, ours = programs.of("theirs", "surface.py"), programs.of("ours", "surface.py")
    assert {*theirs, *ours} <= {*MEMBERS}
    different = {
        member
        for line, member in MEMBERS.items()
        if theirs[line] != ours[line] and theirs[line] != ["Any"]
    }
    known = {member for members in surface.DIFFERENT.values() for member in members}
    assert different - {*surface.ALIASES} == known
    assert len(MEMBERS) > 850
