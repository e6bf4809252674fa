"""Build the documentation site: `python docs/tools/build.py [OUTPUT | --serve]`.

The pages are the files of `docs` as they are. Files of the repository that belong to the site but
lie elsewhere become pages too, and so does each source file that a page links to: the site has no
need of a code host. The copies have their links changed accordingly, and are what Sphinx reads. Its
warnings are errors.
"""

from __future__ import annotations

import posixpath
import re
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGES = ROOT / "build" / "site-pages"
OUTPUT = ROOT / "build" / "site"

#: Pages made of files outside of `docs`, by their path in the repository.
ELSEWHERE = {
    "README.md": "index.md",
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
    "CODE_OF_CONDUCT.md": "conduct.md",
    "SECURITY.md": "security-policy.md",
    "bench/README.md": "benchmarks.md",
    "examples/README.md": "examples.md",
}

#: The order of the pages, by part; some have a shorter name there than their title.
PARTS = {
    "Start": ["start", "migrate", "async", "trio", "libraries"],
    "Documents": ["typed", "ingest", "export", "json", "arrow", "local"],
    "Running it": [
        *("options", "tuning", "security", "authentication", "tls", "deployment", "examples"),
        *("Monitoring <monitoring>", "Errors and troubleshooting <doctor>"),
    ],
    "Reference": ["reference/index"],
    "About": [
        *("benchmarks", "What is supported <support>", "security-policy"),
        *("tour", "contributing", "conduct", "changelog"),
    ],
}

_LINK = re.compile(r"(?<=\]\()(?!\w+:)([^)#\s]+)(#[^)\s]*)?(?=\))")
_FENCE = re.compile(r"^ *(```|~~~).*?^ *\1", re.MULTILINE | re.DOTALL)
_LANGUAGES = {".py": "python", ".toml": "toml", ".yml": "yaml", ".ipynb": "json"}


def collect(pages: Path = PAGES) -> None:
    """Write what Sphinx reads into `pages`, anew."""
    shutil.rmtree(pages, ignore_errors=True)
    shutil.copytree(ROOT / "docs", pages, ignore=shutil.ignore_patterns("tools", "*.md"))
    origins = {page: origin for origin, page in ELSEWHERE.items()}
    for path in (ROOT / "docs").rglob("*.md"):
        page = path.relative_to(ROOT / "docs").as_posix()
        origins[page] = f"docs/{page}"
    sources: set[str] = set()
    for page, origin in origins.items():
        text = _with_links(_read(origin), origin, page, sources)
        _write(pages / page, text + (_contents() if page == "index.md" else ""))
    for source in sorted(sources):
        _write(pages / _source_page(source), _listing(source))


def outside_of_fences(text: str, change: Callable[[str], str]) -> str:
    """Return Markdown with its text changed, and its fenced code as it is."""
    parts, end = [], 0
    for fence in _FENCE.finditer(text):
        parts += [change(text[end : fence.start()]), fence[0]]
        end = fence.end()
    return "".join([*parts, change(text[end:])])


def _with_links(text: str, origin: str, page: str, sources: set[str]) -> str:
    """Let the links of a page lead to pages; add what has none yet to `sources`."""

    def rewritten(link: re.Match[str]) -> str:
        target = posixpath.normpath(posixpath.join(posixpath.dirname(origin), link[1]))
        if not (ROOT / target).exists():
            raise SystemExit(f"{origin} links to {link[1]}, which does not exist")
        shown = _page_of(target)
        if shown is None:
            sources.add(target)
            shown = _source_page(target)
        return posixpath.relpath(shown, posixpath.dirname(page) or ".") + (link[2] or "")

    return outside_of_fences(text, lambda part: _LINK.sub(rewritten, part))


def _page_of(target: str) -> str | None:
    if target in ELSEWHERE:
        return ELSEWHERE[target]
    return target.removeprefix("docs/") if target.startswith("docs/") else None


def _source_page(target: str) -> str:
    return f"source/{target}.md"


def _listing(target: str) -> str:
    language = _LANGUAGES.get(Path(target).suffix, "text")
    return f"---\norphan: true\n---\n\n# {target}\n\n````{language}\n{_read(target)}\n````\n"


def _contents() -> str:
    def lines() -> Iterator[str]:
        for part, pages in PARTS.items():
            yield "\n```{toctree}\n:hidden:\n"
            yield f":caption: {part}\n\n"
            yield from (f"{page}\n" for page in pages)
            yield "```\n"

    return "".join(lines())


def _read(path: str) -> str:
    return (ROOT / path).read_text(encoding="utf-8")


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


_SETTINGS = ["-c", str(Path(__file__).parent), "-d", str(ROOT / "build" / "site-cache")]


def build(output: str = str(OUTPUT)) -> int:
    """Build the site into `output`; return Sphinx's exit status."""
    from sphinx.cmd.build import main as sphinx

    collect()
    return sphinx(["-W", "--keep-going", "-q", *_SETTINGS, str(PAGES), output])


def serve() -> None:
    """Serve the site, and build it anew whenever a document changes, until Ctrl-C."""
    from sphinx_autobuild.__main__ import main as autobuild

    collect()
    watched = ["docs", *ELSEWHERE]
    again = f"{sys.executable} {Path(__file__)} --collect"
    watch = [argument for name in watched for argument in ("--watch", str(ROOT / name))]
    ignored = ["--ignore", f"{PAGES}/*"]
    autobuild([*_SETTINGS, "--pre-build", again, *watch, *ignored, str(PAGES), str(OUTPUT)])


def main() -> int:
    """Do what the command line says; return the exit status."""
    arguments = sys.argv[1:]
    if arguments == ["--collect"]:
        collect()
    elif arguments == ["--serve"]:
        serve()
    else:
        return build(*arguments)
    return 0


if __name__ == "__main__":
    sys.exit(main())
