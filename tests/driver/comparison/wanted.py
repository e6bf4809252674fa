"""Judging records: what differs, and what is listed as differing."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import bsonx
from implementations import CPYTHON

#: What a group may be limited to, by its `where`: the pure codec, other interpreters.
_WHERE = {None: True, "pure": not bsonx.has_c(), "elsewhere": not CPYTHON}
_LIST = tomllib.loads((Path(__file__).parent / "wanted.toml").read_text(encoding="utf-8"))
#: Why a scenario differs, by area, scenario and flavour.
WANTED = {
    (area, scenario, flavour): group["reason"]
    for group in _LIST["wanted"]
    if _WHERE[group.get("where")]
    for flavour in group.get("flavours", ["sync", "async"])
    for area, scenarios in group["scenarios"].items()
    for scenario in scenarios
}


#: Of long texts, how much is shown before they differ, and altogether.
_BEFORE, _SHOWN = 100, 600


@dataclass
class Verdict:
    """How the scenarios of an area compare in a flavour."""

    area: str
    flavour: str
    same: int = 0
    #: Scenarios that differ as the list says, with the reasons.
    wanted: list[tuple[str, str]] = field(default_factory=list)
    #: Scenarios that differ, or do not although they are listed.
    wrong: list[str] = field(default_factory=list)

    def judge(self, scenario: str, expected: Any, got: Any) -> None:
        """Count a scenario."""
        reason = WANTED.get((self.area, scenario, self.flavour))
        if expected != got and reason is not None:
            self.wanted.append((scenario, reason))
        elif expected != got:
            self.wrong.append(f"{scenario}\n{_difference(expected, got)}")
        elif reason is not None:
            self.wrong.append(f"{scenario}\n  does not differ any more: strike it off the list")
        else:
            self.same += 1

    @property
    def total(self) -> int:
        return self.same + len(self.wanted) + len(self.wrong)

    def finish(self, record_property: Callable[[str, object], None]) -> None:
        """Report, for `comparison_report`; fail if something is wrong."""
        counts = [self.same, len(self.wanted), len(self.wrong)]
        record_property("scenarios", [self.area, self.flavour, *counts, self.wanted])
        text = "\n".join(self.wrong)
        assert not self.wrong, f"{len(self.wrong)} of {self.total} differ:\n{text}"


def _difference(expected: Any, got: Any) -> str:
    """Where two records differ."""
    lines = []
    for name in expected:
        theirs, ours = expected[name], got[name]
        for index in range(max(len(theirs), len(ours))):
            one = repr(theirs[index]) if index < len(theirs) else "nothing"
            other = repr(ours[index]) if index < len(ours) else "nothing"
            if one != other:
                start = max(0, _alike(one, other) - _BEFORE)
                lines.append(f"  {name} {index}, from character {start}:")
                lines += [
                    f"    PyMongo {one[start:][:_SHOWN]}",
                    f"    ours    {other[start:][:_SHOWN]}",
                ]
    return "\n".join(lines)


def _alike(one: str, other: str) -> int:
    """How many characters two texts begin with alike."""
    pairs = zip(one, other, strict=False)
    return next((n for n, (a, b) in enumerate(pairs) if a != b), min(len(one), len(other)))
