"""The report of ``make spec``: what came of the specifications' tests, per folder and flavour.

A pytest plugin (``-p spec_report``), which also works with the workers of xdist. Tests are marked
with ``spec(folder, file)``. The run fails if a file of the specifications was not read at all and
no reason for that stands in the list of skips.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import Any

import pytest

import spec_skips
from specs import all_files, folder_of, specs_root

#: The parameters that tell flavours apart, by the fixture or argument they belong to.
_FLAVOURS = ("flavour", "both", "bx")
_SHOWN = {"blocking": "sync", "asyncio": "async", "c": "C", "py": "Python"}

#: What comes of a test; "listed": it fails, as the list of skips says.
_OUTCOMES = ("passed", "failed", "listed", "skipped")


def _flavour(item: pytest.Item) -> str:
    callspec = getattr(item, "callspec", None)
    params = callspec.params if callspec is not None else {}
    for name in _FLAVOURS:
        if name in params:
            return _SHOWN.get(str(params[name]), str(params[name]))
    return "both"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Note on each test which file it is of: that goes to the process that reports."""
    for item in items:
        marker = item.get_closest_marker("spec")
        if marker is not None:
            item.user_properties.append(("spec", [*marker.args, _flavour(item)]))


class _Results:
    def __init__(self) -> None:
        self.files: dict[tuple[str, str], set[str]] = defaultdict(set)
        self.outcomes: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
        self.reasons: Counter[tuple[str, str]] = Counter()
        #: The last outcome of each test: one may fail again when it is torn down.
        self.tests: dict[str, tuple[tuple[str, str], str, str]] = {}

    def add(self, report: pytest.TestReport) -> None:
        spec = dict(report.user_properties).get("spec")
        if spec is None or (report.when != "call" and report.outcome == "passed"):
            return
        folder, file, flavour = spec
        self.files[folder, flavour].add(file)
        outcome, reason = report.outcome, ""
        if outcome == "skipped" and hasattr(report, "wasxfail"):
            outcome, reason = "listed", report.wasxfail
        elif outcome == "skipped" and isinstance(report.longrepr, tuple):
            reason = report.longrepr[2].removeprefix("Skipped: ")
        self.tests[report.nodeid] = (folder, flavour), outcome, reason

    def count(self) -> None:
        for key, outcome, reason in self.tests.values():
            self.outcomes[key][outcome] += 1
            if reason:
                self.reasons[reason.partition(": ")[0], reason.partition(": ")[2]] += 1

    def unread(self) -> dict[str, list[str]]:
        """Files that no test is of, by folder."""
        root = specs_root()
        if root is None:
            return {}
        known = {(folder, name) for (folder, _), names in self.files.items() for name in names}
        found: dict[str, list[str]] = defaultdict(list)
        for path in all_files(root):
            folder = folder_of(path, root)
            if (folder, path.stem) not in known:
                found[folder].append(path.stem)
        return found


_results = _Results()


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Take the outcome of one phase of a test."""
    _results.add(report)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fail where files were overlooked. The workers of xdist see a part of the tests only."""
    config = session.config
    if hasattr(config, "workerinput") or config.option.collectonly or config.option.keyword:
        return
    if session.exitstatus == 0 and _overlooked():
        session.exitstatus = 1


def _overlooked() -> dict[str, list[str]]:
    return {
        folder: names
        for folder, names in _results.unread().items()
        if spec_skips.unread_reason(folder) is None
    }


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Print the tables."""
    write = terminalreporter.write_line
    _results.count()
    terminalreporter.section("specifications")
    form = "{:<58} {:>8} {:>6} {:>6}" + " {:>7}" * len(_OUTCOMES)
    write(form.format("folder", "flavour", "files", "tests", *_OUTCOMES))
    totals: dict[str, Counter[str]] = defaultdict(Counter)
    for (folder, flavour), counts in sorted(_results.outcomes.items()):
        files = len(_results.files[folder, flavour])
        _line(write, form, folder, flavour, files, counts)
        totals[flavour].update(counts, files=files)
    for flavour, counts in sorted(totals.items()):
        _line(write, form, "all", flavour, counts.pop("files"), counts)
    write("")
    write("skipped, or failed as listed, by reason:")
    classes: Counter[str] = Counter()
    for (kind, _), number in _results.reasons.items():
        classes[kind] += number
    for kind, number in classes.most_common():
        write(f"{number:>6}  {kind}")
        for (other, why), count in _results.reasons.most_common():
            if other == kind and why:
                write(f"{count:>14}  {why}")
    _print_unread(write)


def _line(
    write: Any, form: str, folder: str, flavour: str, files: int, counts: Counter[str]
) -> None:
    tests = sum(counts.values())
    write(form.format(folder, flavour, files, tests, *[counts[name] for name in _OUTCOMES]))


def _print_unread(write: Any) -> None:
    unread = _results.unread()
    if not unread:
        return
    write("")
    write("files that are not read:")
    for folder, names in sorted(unread.items()):
        reason = spec_skips.unread_reason(folder) or "OVERLOOKED: " + ", ".join(names[:5])
        write(f"{len(names):>6}  {folder}: {reason}")
