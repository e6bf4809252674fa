"""Tell what is released where its repository is: `python .ci/home.py URL COMMIT`.

PyPI shows README.md on a page of its own, where links to files lead nowhere and pictures are
missing: they become addresses of GitHub's. The page gets its own links, too: to the sources, the
issues, the changelog, the site that `docs.yml` publishes. The checkout knows none of these
addresses; the workflow that builds a release does, and has it changed by this.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from urllib.parse import urlsplit

ROOT = Path(__file__).parents[1]

_LINK = re.compile(r"(?<=\]\()(?!\w+:)([^)\s]+)(?=\))")
_PICTURES = (".svg", ".png")
_URLS = re.compile(r"(?<=^\[project\.urls\]\n)(?:\w.*\n)+", re.MULTILINE)


def with_addresses(text: str, url: str, commit: str, name: str = "README.md") -> str:
    """Return the Markdown of the file `name` with addresses in place of links to files."""

    def address(link: re.Match[str]) -> str:
        target = f"{name}{link[0]}" if link[0].startswith("#") else link[0]
        if target.endswith(_PICTURES):
            # Sanitized, an SVG is sent as a picture, otherwise as text.
            raw = f"https://raw.githubusercontent.com{urlsplit(url).path}"
            return f"{raw}/{commit}/{target}?sanitize=true"
        return f"{url}/blob/{commit}/{target}"

    return _LINK.sub(address, text)


def links(url: str, commit: str) -> dict[str, str]:
    """Return what PyPI shows beside the text."""
    owner, name = urlsplit(url).path.strip("/").split("/")
    return {
        "Documentation": f"https://{owner}.github.io/{name}/",
        "Source": url,
        "Issues": f"{url}/issues",
        "Changelog": f"{url}/blob/{commit}/CHANGELOG.md",
        "Security": f"{url}/security/policy",
    }


def with_links(project: str, url: str, commit: str) -> str:
    """Return the text of pyproject.toml with these links in place of its own."""
    lines = "".join(f'{name} = "{link}"\n' for name, link in links(url, commit).items())
    changed, count = _URLS.subn(lines, project)
    if count != 1:
        raise SystemExit("pyproject.toml has not one table of links")
    return changed


def main() -> None:
    url, commit = sys.argv[1:]
    readme, project = ROOT / "README.md", ROOT / "pyproject.toml"
    readme.write_text(with_addresses(readme.read_text("utf-8"), url, commit), "utf-8", newline="\n")
    project.write_text(with_links(project.read_text("utf-8"), url, commit), "utf-8", newline="\n")


if __name__ == "__main__":
    main()
