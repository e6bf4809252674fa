"""No link of the documents leads to nothing: neither its file nor its heading is missing."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from pages import PAGES, ROOT

_LINK = re.compile(r"\]\((?!\w+:)([^)#\s]*)(?:#([^)\s]+))?\)")
_HEADING = re.compile(r"^#{1,6} +(.+?) *#*$", re.MULTILINE)
_FENCED = re.compile(r"^ *```.*?^ *```", re.MULTILINE | re.DOTALL)

pytestmark = pytest.mark.skipif(not PAGES, reason="no documents beside the tests")


def prose(path: Path) -> str:
    return _FENCED.sub("", path.read_text(encoding="utf-8"))


def anchors(path: Path) -> set[str]:
    """Return the names that code hosts, and the site, give the headings."""
    found: set[str] = set()
    for heading in _HEADING.findall(prose(path)):
        words = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", heading).lower()
        anchor = re.sub(r"[^\w\- ]", "", words).replace(" ", "-")
        number = 1
        while anchor in found:
            anchor = f"{anchor}-{number}"
            number += 1
        found.add(anchor)
    return found


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(page: Path) -> None:
    for target, anchor in _LINK.findall(prose(page)):
        path = (page.parent / target) if target else page
        assert path.exists(), f"{target} is not there"
        if anchor:
            assert anchor in anchors(path), f"{path.name} has no heading #{anchor}"


def test_every_document_is_in_the_contents_of_the_site() -> None:
    tool = (ROOT / "docs" / "tools" / "build.py").read_text(encoding="utf-8")
    contents = tool.partition("PARTS = {")[2].partition("\n}")[0]
    for page in PAGES:
        if page.parent.name == "docs":
            assert re.search(rf'["<]{page.stem}[">]', contents), page.name


def test_anchors_are_known() -> None:
    assert "what-is-not-waited-for" in anchors(ROOT / "docs" / "doctor.md")
