"""The tests of libraries that are built on PyMongo, once on PyMongo and once on this driver.

    python tests/libraries/suites.py [LIBRARY ...]

What is run, and how, is in ``suites.toml``. Each library gets a virtual environment in
``build/libraries``, and its tests are fetched into it: from the package index or the library's
repository, never into ours. The servers are embedded ones. A test that passes on PyMongo alone is
reported, and makes the run fail unless ``suites.toml`` knows it, with the reason; so does a library
that cannot be run, or of whose tests none passes on PyMongo.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
import tomllib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from fnmatch import fnmatch
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

ROOT = Path(__file__).resolve().parents[2]
CACHE = ROOT / "build/libraries"
SCRIPTS = Path(__file__).parent / "scripts"
PYMONGO = "pymongo==4.20.0"
#: Of the distribution that our driver needs beside PyMongo's.
NEEDS = ["dnspython>=2.7", "pytest", "pytest-timeout"]
DRIVERS = ("pymongo", "mongodriver")
#: Seconds that all the tests of a library may take.
LIMIT = 3600


@dataclass
class Suite:
    """A library, and how its tests are run."""

    name: str
    #: What pip installs, with a version.
    package: str
    #: Where the tests are from: "sdist", "github:owner/name@ref", or "" for a script of ours.
    source: str = "sdist"
    #: What the tests need beside it.
    needs: list[str] = field(default_factory=list)
    #: Arguments of Python, in the folder of the source.
    command: list[str] = field(default_factory=list)
    #: The port of the server, for tests that cannot be told: others have {uri} or {port} in their
    #: environment.
    port: int | None = None
    replica_set: bool = True
    environment: dict[str, str] = field(default_factory=dict)
    #: Other packages whose source distributions the tests need, in the folder "extra".
    extra: list[str] = field(default_factory=list)
    #: Files to copy into a folder before, and the folder to run in, as patterns: what was fetched
    #: is in "source/*", what is ours in "ours"; "work" is there, and empty.
    copy: dict[str, str] = field(default_factory=dict)
    place: str = "source/*"
    #: Patterns of tests that pass on PyMongo alone, and why.
    differences: dict[str, str] = field(default_factory=dict)
    #: What the table says of it.
    remark: str = ""

    @property
    def folder(self) -> Path:
        return CACHE / self.name

    @property
    def python(self) -> str:
        return str(self.folder / "venv/bin/python")


def suites() -> dict[str, Suite]:
    """Read the table."""
    text = (Path(__file__).parent / "suites.toml").read_text(encoding="utf-8")
    return {name: Suite(name, **table) for name, table in tomllib.loads(text).items()}


def run(*command: str, **options: Any) -> None:
    """Run a command that must succeed."""
    subprocess.run(command, check=True, **options)


# -- preparation --


def prepare(suite: Suite) -> Path:
    """Make the environment and fetch the tests, where that was not done; their folder."""
    done = suite.folder / "done"
    wanted = repr(
        (suite.package, suite.source, suite.needs, suite.extra, PYMONGO, NEEDS, sys.version)
    )
    if not done.exists() or done.read_text() != wanted:
        shutil.rmtree(suite.folder, ignore_errors=True)
        suite.folder.mkdir(parents=True)
        run(sys.executable, "-m", "venv", str(suite.folder / "venv"))
        pip = (suite.python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check")
        run(*pip, suite.package, PYMONGO, *NEEDS, *suite.needs)
        (suite.folder / "source").mkdir()
        fetch(suite)
        for package in suite.extra:
            (suite.folder / "extra").mkdir(exist_ok=True)
            fetch_sdist(suite.python, package, suite.folder / "extra")
        done.write_text(wanted)
    (suite.folder / "work").mkdir(exist_ok=True)
    for pattern, place in suite.copy.items():
        inner = pattern.removeprefix("ours/")
        root = suite.folder if inner == pattern else Path(__file__).parent
        for wanted in root.glob(inner):
            copy(wanted, found(suite, place) / wanted.name)
    return found(suite, suite.place)


def found(suite: Suite, pattern: str) -> Path:
    """The one folder of a suite that a pattern matches."""
    return next(suite.folder.glob(pattern))


def copy(wanted: Path, target: Path) -> None:
    """Copy a file, or a folder with all that is in it."""
    if wanted.is_dir():
        shutil.copytree(wanted, target, dirs_exist_ok=True)
    else:
        shutil.copy(wanted, target)


def fetch(suite: Suite) -> None:
    """Put the source of the tests into the folder "source", as its only folder."""
    target = suite.folder / "source"
    if suite.source == "sdist":
        fetch_sdist(suite.python, suite.package, target)
    elif suite.source:
        repository, _, ref = suite.source.removeprefix("github:").partition("@")
        url = f"https://github.com/{repository}"
        run("git", "clone", "--quiet", "--branch", ref, url, str(target / "repository"))
    else:
        (target / "ours").mkdir()


def fetch_sdist(python: str, package: str, target: Path) -> None:
    """Download and unpack a source distribution."""
    name = package.partition("==")[0].partition("[")[0]
    package = name + package[package.index("==") :]
    options = ("--quiet", "--no-deps", "--no-binary", name, "--dest", str(target))
    run(python, "-m", "pip", "download", *options, package)
    archive = next(target.glob("*.tar.gz"))
    with tarfile.open(archive) as opened:
        opened.extractall(target, filter="data")
    archive.unlink()


# -- runs --


@contextmanager
def server(suite: Suite) -> Iterator[str]:
    """An embedded server that answers where the tests look for it."""
    sys.path.insert(0, str(ROOT / "src"))
    from mongodriver.local import LocalServer

    with LocalServer(suite.replica_set, port=suite.port) as started:
        yield started.uri


def run_tests(suite: Suite, driver: str, source: Path) -> dict[str, str]:
    """Run a library's tests on one of the drivers; the outcome of each."""
    report = suite.folder / f"{driver}.xml"
    report.unlink(missing_ok=True)
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    prefix: list[str] = []
    if driver == "mongodriver":
        environment["PYTHONPATH"] = str(ROOT / "src")
        prefix = ["-m", "mongodriver", "run"]
    with ExitStack() as stack:
        uri = stack.enter_context(server(suite))
        log = stack.enter_context((suite.folder / f"{driver}.log").open("w"))
        port = uri.partition("://")[2].partition("/")[0].rpartition(":")[2]
        known = {"uri": uri, "port": port, "report": str(report)}
        for name, value in suite.environment.items():
            environment[name] = value.format(**known)
        if suite.source:
            command = [part.format(**known) for part in suite.command]
        else:
            command = [str(SCRIPTS / f"use_{suite.name}.py"), uri]
        done = subprocess.run(
            [suite.python, *prefix, *command],
            cwd=source,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            timeout=LIMIT,
            check=False,
        )
    if suite.source:
        return outcomes(report)
    return {"our program": "failed" if done.returncode else "passed"}


def outcomes(report: Path) -> dict[str, str]:
    """Each test of a report by pytest: "passed", "failed" or "skipped"."""
    if not report.exists():
        return {}
    found: dict[str, str] = {}
    for case in ElementTree.parse(report).iter("testcase"):
        name = f"{case.get('classname')}::{case.get('name')}"
        kinds = {child.tag for child in case}
        outcome = "passed"
        if kinds & {"failure", "error"}:
            outcome = "failed"
        elif "skipped" in kinds:
            outcome = "skipped"
        if found.get(name) != "failed":  # by its fixtures' teardown, for instance
            found[name] = outcome
    return found


# -- the report --


def count(results: dict[str, str], outcome: str) -> int:
    """How many tests have an outcome."""
    return sum(one == outcome for one in results.values())


def judge(suite: Suite, theirs: dict[str, str], ours: dict[str, str]) -> tuple[str, list[str]]:
    """The row of a library, and the tests that pass on PyMongo alone without a known reason."""
    lost = [name for name, one in theirs.items() if one == "passed" and ours.get(name) != one]
    won = [name for name, one in ours.items() if one == "passed" and theirs.get(name) != one]
    reasons: dict[str, int] = {}
    unknown = []
    for name in lost:
        reason = next((why for what, why in suite.differences.items() if fnmatch(name, what)), None)
        if reason is None:
            unknown.append(name)
        else:
            reasons[reason] = reasons.get(reason, 0) + 1
    remarks = [f"{number}: {reason}" for reason, number in reasons.items()]
    remarks += [f"{len(unknown)} unexplained"] if unknown else []
    remarks += [f"{len(won)} pass on ours alone"] if won else []
    remarks += [suite.remark] if suite.remark else []
    cells = [suite.package]
    for results in (theirs, ours):
        failed, skipped = count(results, "failed"), count(results, "skipped")
        cells.append(f"{count(results, 'passed')} ({failed} failed, {skipped} skipped)")
    return "| " + " | ".join([*cells, "; ".join(remarks)]) + " |", unknown


def compare(suite: Suite) -> tuple[str, list[str]]:
    """Run a library's tests on both drivers; its row, and what is wrong."""
    try:
        source = prepare(suite)
        theirs, ours = (run_tests(suite, driver, source) for driver in DRIVERS)
    except Exception as error:  # a host that is away, a port that is taken: the others run
        return f"| {suite.package} | | | not run: {error} |", [f"{suite.name}: not run"]
    row, wrong = judge(suite, theirs, ours)
    if not count(theirs, "passed"):
        wrong.append(f"{suite.name}: nothing passes on PyMongo; see {suite.folder}")
    return row, wrong


def main(names: list[str]) -> int:
    """Run the suites with these names, or all of them; whether something is wrong."""
    known = suites()
    if nameless := [name for name in names if name not in known]:
        print(f"no such library: {', '.join(nameless)}; there are {', '.join(known)}")
        return 2
    rows, problems = [], []
    for name in names or known:
        print(f"-- {known[name].package}", flush=True)
        row, wrong = compare(known[name])
        print(row, *(f"   {one}" for one in wrong), sep="\n", flush=True)
        rows.append(row)
        problems += wrong
    print("\n| library | passed on PyMongo | passed on mongodriver | remarks |\n|---|---|---|---|")
    print(*rows, sep="\n")
    return bool(problems)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
