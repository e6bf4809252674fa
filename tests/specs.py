"""Where the MongoDB specifications' test files are.

``MONGODB_SPECS`` names the folder; without it ``../shared/specs`` beside the repository is tried.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

_BESIDE = Path(__file__).resolve().parents[2] / "shared" / "specs"


def specs_root() -> Path | None:
    """Return the folder of the specifications, or None if there is none."""
    named = os.environ.get("MONGODB_SPECS")
    root = Path(named) if named else _BESIDE
    return root if root.is_dir() else None


def spec_files(folder: str) -> list[Any]:
    """Return pytest params, one for each JSON file below ``folder`` (id: its relative path).

    Where the files are absent, one skipped param that says so.
    """
    root = specs_root()
    base = root / folder if root is not None else None
    if base is None or not base.is_dir():
        reason = f"specification files {folder!r} not found (set MONGODB_SPECS)"
        return [pytest.param(None, id="absent", marks=pytest.mark.skip(reason=reason))]
    files = sorted(base.rglob("*.json"))
    return [
        pytest.param(path, id=path.relative_to(base).with_suffix("").as_posix()) for path in files
    ]


def load(path: Path) -> Any:
    """Return the content of a JSON file."""
    return json.loads(path.read_text(encoding="utf-8"))
