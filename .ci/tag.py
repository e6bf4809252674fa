"""Refuse a tag that does not suit what it would release: `python .ci/tag.py v0.1.0`.

What is published under a version stays so: PyPI takes no second one.
"""

from __future__ import annotations

import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
_BEFORE = ("Until the first release", "a release on PyPI with wheels")


def faults(tag: str, root: Path = ROOT) -> Iterator[str]:
    """What has to be put right before this tag is pushed."""
    project = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))["project"]
    version = project["version"]
    if tag != f"v{version}":
        yield f"pyproject.toml has the version {version}"
    told = re.search(r'^__version__ = "(.*)"', _read(root / "src/mongodriver/_version.py"), re.M)
    if told is None or told[1] != version:
        yield "src/mongodriver/_version.py has another version than pyproject.toml"
    newest = re.search(r"^## (.*)", _read(root / "CHANGELOG.md"), re.M)
    if newest is None or not re.fullmatch(
        rf"{re.escape(version)} \(\d{{4}}-\d\d-\d\d\)", newest[1]
    ):
        yield f"CHANGELOG.md does not begin with: ## {version} (YEAR-MONTH-DAY)"
    for page in ("README.md", "docs/start.md"):
        if any(words in _read(root / page) for words in _BEFORE):
            yield f"{page} says that nothing was released yet"


def _read(path: Path) -> str:
    return path.read_text("utf-8")


def main() -> None:
    """Exit with what is wrong, if anything is."""
    (tag,) = sys.argv[1:]
    found = list(faults(tag))
    if found:
        sys.exit("\n".join([f"{tag} is not released:", *found]))


if __name__ == "__main__":
    main()
