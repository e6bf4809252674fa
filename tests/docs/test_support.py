"""What docs/support.md promises is what the project declares, and tries."""

from __future__ import annotations

import re
import tomllib
from typing import Any

import pytest
from pages import PAGES, ROOT

from mongodriver.values.limits import MIN_SUPPORTED_SERVER_VERSION

pytestmark = pytest.mark.skipif(not PAGES, reason="no documents beside the tests")


@pytest.fixture(scope="module")
def page() -> str:
    return (ROOT / "docs" / "support.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def project() -> dict[str, Any]:
    declared: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    return declared


def _versions(text: str) -> list[str]:
    return sorted(set(re.findall(r"\b3\.\d\d\b", text)))


def test_versions_of_python(page: str, project: dict[str, Any]) -> None:
    row = re.search(r"^\| CPython (3\.11, .*?) \|", page, re.MULTILINE)
    assert row is not None
    promised = _versions(row[1])
    assert project["project"]["requires-python"] == f">={promised[0]}"
    classifiers = _versions(" ".join(project["project"]["classifiers"]))
    assert set(classifiers) == set(promised)
    built = {f"3.{tag}" for tag in re.findall(r"cp3(\d+)-", " ".join(_wheels(project)))}
    assert sorted(built) == promised


def _wheels(project: dict[str, Any]) -> list[str]:
    wheels: list[str] = project["tool"]["cibuildwheel"]["build"]
    return wheels


def test_each_of_them_is_tested_by_each_commit(page: str) -> None:
    workflow = ROOT / ".github" / "workflows" / "tests.yml"
    if not workflow.exists():
        pytest.skip("needs the repository")
    text = workflow.read_text(encoding="utf-8")
    matrix = re.search(r"python: \[(.*?)\]", text)
    assert matrix is not None
    row = re.search(r"^\| CPython (3\.11, .*?) \|", page, re.MULTILINE)
    assert row is not None
    assert _versions(matrix[1]) == _versions(row[1])
    for one in re.findall(r"^\| (?:CPython .*\((3\.\d+t)\)|PyPy (3\.\d+))", page, re.MULTILINE):
        assert "".join(one) in text


def test_versions_of_servers(page: str) -> None:
    assert f"MongoDB {MIN_SUPPORTED_SERVER_VERSION} and newer" in page


def test_one_dependency_is_required(page: str, project: dict[str, Any]) -> None:
    (required,) = project["project"]["dependencies"]
    assert required.startswith("dnspython")
    assert "Required is `dnspython` alone" in page


def test_extras_are_for_users(page: str, project: dict[str, Any]) -> None:
    """What work on the project needs is in groups, which no user's pip sees."""
    extras = project["project"]["optional-dependencies"]
    part = page.partition("## Dependencies")[2].partition("\n## ")[0]
    assert set(re.findall(r"`([a-z]+)`", part)) - {"dnspython"} == set(extras)
    tools = {"pytest", "ruff", "mypy", "build", "cibuildwheel", "sphinx", "hypothesis", "pymongo"}
    for extra, needs in extras.items():
        assert {re.split(r"[^\w-]", need)[0] for need in needs} & tools == set(), extra


def test_every_extra_is_in_the_quick_start(project: dict[str, Any]) -> None:
    text = (ROOT / "docs" / "start.md").read_text(encoding="utf-8")
    cells = "".join(re.findall(r"^\| (`[^|]*) \|", text, re.MULTILINE))
    assert set(re.findall("`([a-z]+)`", cells)) == set(project["project"]["optional-dependencies"])


def test_reports_of_bugs_ask_for_what_is_needed() -> None:
    form = ROOT / ".github" / "ISSUE_TEMPLATE" / "bug.yml"
    if not form.exists():
        pytest.skip("needs the repository")
    text = form.read_text(encoding="utf-8")
    assert "mongodriver doctor URI" in text
    assert "mongodriver --version" in text
    assert '"Security" tab' in text
