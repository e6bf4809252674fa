"""Where the MongoDB specifications' test files are.

``MONGODB_SPECS`` names the folder; without it ``../shared/specs`` beside the repository is tried.
Both layouts are read: one folder for each specification, and that of the specifications' repository
(``source/NAME/tests``), which may be named with or without ``source``.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from spec_skips import entry_of, told

_BESIDE = Path(__file__).resolve().parents[2] / "shared" / "specs"


def specs_root() -> Path | None:
    """Return the folder of the specifications, or None if there is none."""
    named = os.environ.get("MONGODB_SPECS")
    root = Path(named) if named else _BESIDE
    return root if root.is_dir() else None


def folder_of(path: Path, root: Path) -> str:
    """The folder of a file below the root, as it is named in both layouts: ``crud/unified``."""
    parts = path.parent.relative_to(root).parts
    if parts[:1] == ("source",):
        parts = parts[1:]
    return "/".join(part for index, part in enumerate(parts) if (index, part) != (1, "tests"))


def all_files(root: Path) -> list[Path]:
    """Every JSON file of the specifications' tests below the root."""
    source = root / "source" if (root / "source").is_dir() else root
    repository = list(source.glob("*/tests"))
    return sorted(path for place in repository or [root] for path in place.rglob("*.json"))


def absent(what: str, values: int = 1) -> list[Any]:
    """The one param of a test whose files are not there: skipped, with that reason."""
    reason = f"specification files {what!r} not found (set MONGODB_SPECS)"
    return [pytest.param(*[None] * values, id="absent", marks=pytest.mark.skip(reason=reason))]


def read(path: Path) -> pytest.MarkDecorator:
    """Mark a test as one of a file, for the report of ``make spec``."""
    root = specs_root()
    assert root is not None
    return pytest.mark.spec(folder_of(path, root), path.stem)


def spec_folder(folder: str) -> Path | None:
    """Where a folder is in the layout there is; None if it is not there."""
    root = specs_root()
    if root is None:
        return None
    name, _, rest = folder.partition("/")
    places = [root / "source" / name / "tests" / rest, root / name / "tests" / rest, root / folder]
    return next((place for place in places if place.is_dir()), None)


def spec_files(folder: str) -> list[Any]:
    """Return pytest params, one for each JSON file below ``folder`` (id: its relative path).

    Files of the unified test format are left to the runner of those. Where there are no files,
    one skipped param says so.
    """
    base = spec_folder(folder)
    if base is None:
        return absent(folder)
    files = [path for path in sorted(base.rglob("*.json")) if not is_unified(load(path))]
    return [
        pytest.param(path, id=path.relative_to(base).with_suffix("").as_posix(), marks=read(path))
        for path in files
    ] or absent(folder)


def spec_cases(folder: str) -> list[Any]:
    """Return pytest params, one for each test in the list ``tests`` of each file."""
    params: list[Any] = []
    for param in spec_files(folder):
        path = param.values[0]
        if path is None:
            params.append(param)
            continue
        params += [
            pytest.param(
                test,
                id=f"{param.id}: {test['description']}",
                marks=[read(path), *listed(path, test, Exception, pytest.fail.Exception)],
            )
            for test in load(path)["tests"]
        ]
    return params


def listed(path: Path, test: Any, *failures: type[BaseException]) -> list[pytest.MarkDecorator]:
    """The mark of a test that is on the list of skips: it must fail, in one of these ways.

    It runs nevertheless, so that no test stays on the list that passes; but where the list says
    that no server here has what it needs, it is skipped.
    """
    root = specs_root()
    assert root is not None
    entry = entry_of(folder_of(path, root), path.stem, test["description"])
    if entry is None:
        return []
    if entry["kind"] == "server":
        return [pytest.mark.skip(reason=told(entry))]
    if entry["kind"] == "imitation" and "MONGODRIVER_TEST_URI" in os.environ:
        return []  # that deployment is none
    strict = not entry.get("by-chance")
    return [pytest.mark.xfail(reason=told(entry), raises=failures, strict=strict)]


def is_unified(content: Any) -> bool:
    """Whether a file's content is in the unified test format."""
    return isinstance(content, dict) and "schemaVersion" in content


def load(path: Path) -> Any:
    """Return the content of a JSON file."""
    return json.loads(path.read_text(encoding="utf-8"))
