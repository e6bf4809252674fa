"""The report of ``make compare``: how many scenarios give PyMongo's record, by area and flavour.

A pytest plugin (``-p comparison_report``), which also works with the workers of xdist.
"""

from __future__ import annotations

from typing import Any

import pytest

_COUNTS = tuple[int, int, int]


class _Results:
    def __init__(self) -> None:
        self.counts: dict[tuple[str, str], _COUNTS] = {}
        #: The scenarios of each reason.
        self.wanted: dict[str, set[str]] = {}

    def add(self, report: pytest.TestReport) -> None:
        if report.when != "call":
            return
        for name, value in report.user_properties:
            if name == "scenarios":
                self._add(value)

    def _add(self, value: Any) -> None:
        area, flavour, same, wanted, wrong, reasons = value
        old = self.counts.get((area, flavour), (0, 0, 0))
        self.counts[area, flavour] = (old[0] + same, old[1] + wanted, old[2] + wrong)
        for scenario, reason in reasons:
            self.wanted.setdefault(reason, set()).add(f"{area}: {scenario}")


def pytest_configure(config: pytest.Config) -> None:
    config.stash[_KEY] = results = _Results()
    config.pluginmanager.register(_Collector(results), "comparison_results")


class _Collector:
    def __init__(self, results: _Results) -> None:
        self._results = results

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self._results.add(report)


_KEY = pytest.StashKey[_Results]()


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    results = config.stash[_KEY]
    if not results.counts:
        return
    terminalreporter.section("scenarios that give PyMongo's record")
    totals: dict[str, _COUNTS] = {}
    for (area, flavour), counts in sorted(results.counts.items()):
        terminalreporter.write_line(_line(f"{area} ({flavour})", counts))
        total = totals.get(flavour, (0, 0, 0))
        totals[flavour] = (total[0] + counts[0], total[1] + counts[1], total[2] + counts[2])
    for flavour, counts in sorted(totals.items(), reverse=True):
        terminalreporter.write_line(_line(f"all ({flavour})", counts))
    if results.wanted:
        terminalreporter.section("differences that are wanted")
    for reason, scenarios in sorted(results.wanted.items()):
        terminalreporter.write_line(reason)
        for scenario in sorted(scenarios):
            terminalreporter.write_line(f"    {scenario if len(scenario) < 96 else scenario[:92]}")


def _line(title: str, counts: _COUNTS) -> str:
    same, wanted, wrong = counts
    # What differs as it should is told apart, and is not the same.
    total = same + wanted + wrong
    text = f"{title:32} {same:5} of {total:5} scenarios give PyMongo's record"
    if wanted:
        text += f", {wanted} differ as listed"
    if wrong:
        text += f", {wrong} DIFFER"
    return text
