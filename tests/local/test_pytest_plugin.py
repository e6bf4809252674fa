"""The fixtures, as a user's project sees them."""

import os
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest

import mongodriver

pytest_plugins = ["pytester"]

PROJECT = """
    def test_uri(mongo_server, mongo_uri):
        assert mongo_uri == mongo_server.uri
        hello = mongo_server.command(0, {{"hello": 1}})
        assert hello["isWritablePrimary"]
        assert hello.get("setName") == {name!r}

    def test_it_is_shared(mongo_server, request):
        assert len(mongo_server.members) == {members}
"""


@pytest.fixture(autouse=True)
def same_code(monkeypatch):
    """The project's pytest runs in another folder; it must find this very package."""
    source = str(Path(mongodriver.__file__).parent.parent)
    monkeypatch.setenv("PYTHONPATH", source, prepend=os.pathsep)


def run(pytester: pytest.Pytester, *arguments: str) -> pytest.RunResult:
    """Run pytest in a process of its own; where we are not installed, load the plugin by name."""
    installed = metadata.entry_points(group="pytest11", name="mongodriver")
    plugin = [] if installed else ["-p", "mongodriver.testing.pytest_plugin"]
    return pytester.runpytest_subprocess("-p", "no:cacheprovider", *plugin, *arguments)


@pytest.mark.server
def test_a_standalone_server(pytester):
    pytester.makepyfile(PROJECT.format(name=None, members=1))
    run(pytester).assert_outcomes(passed=2)


@pytest.mark.server
def test_a_replica_set_by_ini(pytester):
    pytester.makeini("[pytest]\nmongo_replica_set = mine\n")
    pytester.makepyfile(PROJECT.format(name="mine", members=1))
    run(pytester).assert_outcomes(passed=2)


@pytest.mark.server
def test_options_win_over_ini(pytester):
    pytester.makeini("[pytest]\nmongo_replica_set = mine\nmongo_members = 3\n")
    pytester.makepyfile(PROJECT.format(name="other", members=1))
    run(pytester, "--mongo-replica-set=other", "--mongo-members=1").assert_outcomes(passed=2)


def test_a_missing_mongod_is_an_error_of_the_fixture(pytester):
    pytester.makepyfile("def test_it(mongo_uri): pass")
    result = run(pytester, "--mongo-mongod=/missing/mongod")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*LocalServerError*'/missing/mongod'*does not exist*"])


def test_it_is_listed(pytester):
    run(pytester, "--fixtures").stdout.fnmatch_lines(["mongo_server*", "mongo_uri*"])


def test_unused_it_imports_nothing_of_the_driver():
    """Every pytest run on the machine loads the plugin; it must not wait for it."""
    code = (
        "import sys, pytest\n"
        "before = set(sys.modules)\n"
        "import mongodriver.testing.pytest_plugin\n"
        "print(sorted(set(sys.modules) - before))\n"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    plugin = ["mongodriver.testing", "mongodriver.testing.pytest_plugin"]
    assert result.stdout == f"{['mongodriver', 'mongodriver._version', *plugin]}\n"
