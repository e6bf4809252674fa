"""The reviewed list of the specifications' tests that are skipped, or fail: `spec_skips.toml`.

Nothing else decides that a test is skipped, but what the test itself asks for of a deployment.
"""

from __future__ import annotations

import tomllib
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

FILE = Path(__file__).with_name("spec_skips.toml")

#: What each section of the file, or kind of entry, stands for in the report.
NOT_YET = "not part of the API yet"
NO_SUCH_API = "no part of PyMongo's API"
KINDS = {
    "server": "needs of a server what none here has",
    "driver": "not in the driver yet",
    "pymongo": "otherwise in PyMongo",
    "file": "contradicts itself",
    "imitation": "otherwise on SecantusDB than on a mongod",
}


def _load() -> dict[str, Any]:
    with FILE.open("rb") as file:
        return tomllib.load(file)


LIST = _load()


def reason_for(need: str) -> str | None:
    """Why a test that needs this (a method, an operation, an argument) is skipped, or None."""
    feature = LIST["not-yet"].get(need)
    if feature is not None:
        return f"{NOT_YET}: {need} ({feature})"
    why = LIST["no-such-api"].get(need)
    if why is not None:
        return f"{NO_SUCH_API}: {need} ({why})"
    why = LIST["not-here"].get(need)
    if why is not None:
        return f"{KINDS['server']}: {why}"
    feature = LIST["not-in-driver"].get(need)
    return None if feature is None else f"{KINDS['driver']}: {feature}"


def entry_of(folder: str, file: str, description: str) -> dict[str, str] | None:
    """The entry about this test, or None if it is not on the list."""
    entries = (entry for entry in LIST["test"] if suits(entry, folder, file, description))
    return next(entries, None)


def told(entry: dict[str, str]) -> str:
    """Why a test is on the list."""
    return f"{KINDS[entry['kind']]}: {entry['why']}"


def deployment_of(folder: str, file: str) -> str | None:
    """The deployment that the tests of a file need, and do not ask for."""
    for entry in LIST["deployment"]:
        if fnmatchcase(f"{folder}/{file}", entry["file"]):
            return str(entry["on"])
    return None


def attempts(folder: str, file: str, description: str) -> int:
    """How often a test may be tried: those that some milliseconds decide, thrice."""
    name = f"{folder}/{file}"
    some = any(fnmatchcase(name, pattern) for pattern in LIST["milliseconds"]["files"])
    return 3 if some and entry_of(folder, file, description) is None else 1


def suits(entry: dict[str, str], folder: str, file: str, description: str) -> bool:
    """Whether an entry is about this test."""
    return fnmatchcase(f"{folder}/{file}", entry["file"]) and fnmatchcase(
        description, _literal(entry.get("test", "*"))
    )


def _literal(pattern: str) -> str:
    """Only `*` is special in patterns of descriptions, which are full of brackets."""
    return pattern.replace("[", "[[]").replace("?", "[?]")


def unread_reason(folder: str) -> str | None:
    """Why files of this folder need not be read, or None."""
    why: str | None = LIST["unread"].get(folder)
    return why
