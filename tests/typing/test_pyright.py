"""Programs of users under pyright: the types they see are PyMongo's."""

from __future__ import annotations

import pytest
from checkers import ASSERTIONS, SNIPPETS, Programs, differences, has_pyright, is_error, pyright

if not has_pyright():
    pytest.skip("pyright is not installed: make types", allow_module_level=True)


@pytest.fixture(scope="module")
def programs(tmp_path_factory):
    return Programs(pyright, tmp_path_factory.mktemp("programs"), {})


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
