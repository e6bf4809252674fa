"""What replies say of databases, collections and indexes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ..values.address import Address
from ..values.errors import CollectionInvalid, ProtocolError
from .fields import bad_reply, document, flag, optional_document, text, unexpected

__all__ = ["check_report", "collection_options", "index_information", "names"]

Document = Mapping[str, Any]


def names(entries: Iterable[Document], command: str, address: Address | None) -> list[str]:
    """The names in a list of descriptions.

    :param command: that the server at `address` answered with it.
    """
    try:
        return [text(entry, "name") for entry in entries]
    except ProtocolError as exc:
        raise bad_reply(command, address, exc) from None


def index_information(entries: Iterable[Document], address: Address | None) -> dict[str, Any]:
    """Name to description for the indexes of a collection, their keys as a list of pairs."""
    information = {}
    try:
        for entry in entries:
            description = dict(entry)
            description["key"] = list(document(entry, "key").items())
            description.pop("name", None)
            information[text(entry, "name")] = description
    except ProtocolError as exc:
        raise bad_reply("listIndexes", address, exc) from None
    return information


def collection_options(entry: Document, address: Address | None) -> dict[str, Any]:
    """The options in the description of a collection."""
    try:
        return dict(optional_document(entry, "options") or {})
    except ProtocolError as exc:
        raise bad_reply("listCollections", address, exc) from None


def check_report(report: Document, name: str) -> None:
    """Raise CollectionInvalid where a report of the command validate is a bad one.

    :param name: of the collection.
    """
    parts = dict(optional_document(report, "raw") or {})
    for shard in parts:
        _check_part(document(parts, shard), name)
    if not parts or "valid" in report:
        _check_part(report, name)


def _check_part(part: Document, name: str) -> None:
    """The same for the report of one shard, or of the only server."""
    result = part.get("result")
    if result is not None:
        if not isinstance(result, str):
            raise unexpected("result", "a string", result)
        if "exception" in result or "corrupt" in result:
            raise CollectionInvalid(f"{name} invalid: {result}")
        if "valid" not in part:
            return
    if not flag(part, "valid"):
        raise CollectionInvalid(f"{name} invalid: {part!r}")
