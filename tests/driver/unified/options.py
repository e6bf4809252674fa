"""Concerns, preferences and other options, from the documents that describe them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mongodriver.client_session import TransactionOptions
from mongodriver.read_concern import ReadConcern
from mongodriver.read_preferences import make_read_preference, read_pref_mode_from_name
from mongodriver.write_concern import WriteConcern

from .failures import Unsupported


def only(document: Mapping[str, Any], *names: str, of: str) -> None:
    """Refuse fields other than these."""
    unknown = sorted(set(document) - set(names))
    if unknown:
        raise Unsupported(f"{of}: {', '.join(unknown)}")


def read_concern(document: Mapping[str, Any]) -> ReadConcern:
    """A read concern."""
    only(document, "level", of="readConcern")
    return ReadConcern(**document)


def read_preference(document: Mapping[str, Any]) -> Any:
    """A read preference."""
    only(document, "mode", "tagSets", "maxStalenessSeconds", "hedge", of="readPreference")
    mode = document["mode"]
    more = {"hedge": document["hedge"]} if "hedge" in document else {}
    return make_read_preference(
        read_pref_mode_from_name(mode[0].lower() + mode[1:]),
        document.get("tagSets"),
        document.get("maxStalenessSeconds", -1),
        **more,
    )


def write_concern(document: Mapping[str, Any]) -> WriteConcern:
    """A write concern."""
    only(document, "journal", "w", "wtimeoutMS", of="writeConcern")
    names = {"journal": "j", "wtimeoutMS": "wtimeout"}
    return WriteConcern(**{names.get(name, name): value for name, value in document.items()})


#: How the arguments that are the same everywhere are named and made.
COMMON = {
    "readConcern": ("read_concern", read_concern),
    "readPreference": ("read_preference", read_preference),
    "writeConcern": ("write_concern", write_concern),
}


def common_options(document: Mapping[str, Any], of: str) -> dict[str, Any]:
    """Keyword arguments of databases, collections and buckets."""
    only(document, *COMMON, of=of)
    options = {}
    for name, value in document.items():
        keyword, make = COMMON[name]
        options[keyword] = make(value)
    return options


def transaction_options(document: Mapping[str, Any]) -> dict[str, Any]:
    """Keyword arguments of a transaction."""
    options = dict(document)
    most = options.pop("maxCommitTimeMS", None)
    keywords = common_options(options, "transaction options")
    return keywords if most is None else {**keywords, "max_commit_time_ms": most}


def session_options(document: Mapping[str, Any]) -> dict[str, Any]:
    """Keyword arguments of a session."""
    known = ("causalConsistency", "snapshot", "snapshotTime", "defaultTransactionOptions")
    only(document, *known, of="session")
    options: dict[str, Any] = {}
    if "causalConsistency" in document:
        options["causal_consistency"] = document["causalConsistency"]
    if "snapshot" in document:
        options["snapshot"] = document.get("snapshotTime", document["snapshot"])
    if "defaultTransactionOptions" in document:
        given = transaction_options(document["defaultTransactionOptions"])
        options["default_transaction_options"] = TransactionOptions(**given)
    return options
