"""Commands about collections and databases as wholes: list, create, drop, rename, validate."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, MutableMapping
from typing import Any

from bsonx.codec_options import DEFAULT_CODEC_OPTIONS
from mongodriver.values.collation import validate_collation_or_none
from mongodriver.values.database_name import check_database_name
from mongodriver.values.requests import IndexModel

from ..replies.catalogue import check_report
from ..replies.codec import plain
from ..replies.fields import plain_documents, text
from .arguments import check_new_name
from .base import READ, Attempt, present
from .catalogue_target import CatalogueTarget
from .command import CreateEncrypted, ListCommand, RunCommand, WriteCommand
from .cursor import CursorReply
from .indexes import NAMESPACE_NOT_FOUND, CreateIndexes

__all__ = [
    "DropDatabase",
    "ListCollections",
    "ListDatabases",
    "Rename",
    "ValidateCollection",
    "create_operations",
    "drop_operations",
]


class ListDatabases(RunCommand):
    """listDatabases: the descriptions as a cursor that is exhausted."""

    own_name = ""
    retry_policy = READ

    def __init__(self, options: Mapping[str, Any], comment: Any = None) -> None:
        fields = {"listDatabases": 1, **options, **present(comment=comment)}
        super().__init__("admin", fields, DEFAULT_CODEC_OPTIONS)

    def parse(self, reply: MutableMapping[str, Any], attempt: Attempt) -> CursorReply:
        found = plain_documents(reply, "databases")
        for database in found:
            text(database, "name")
        return CursorReply(list(found), 0, "admin.$cmd", None)


class DropDatabase(WriteCommand):
    """dropDatabase. Raises InvalidName for what no database can be called."""

    names_primary = True

    def __init__(self, name: str, write_concern: Any, comment: Any = None) -> None:
        check_database_name(name)
        fields = {"dropDatabase": 1, **present(comment=comment)}
        super().__init__(name, fields, DEFAULT_CODEC_OPTIONS, write_concern)


class ListCollections(ListCommand):
    """listCollections. The entries are documents of the server, not of the user.

    :param names_only: nobody will look at more than the names; where the filter does not either,
        the server need not lock the collections.
    """

    def __init__(
        self,
        database: str,
        codec_options: Any,
        options: Mapping[str, Any],
        filter: Mapping[str, Any] | None = None,
        comment: Any = None,
        names_only: bool = False,
    ) -> None:
        fields: dict[str, Any] = {"listCollections": 1, "cursor": {}, **options}
        if names_only and (not filter or set(filter) == {"name"}):
            fields["nameOnly"] = True
        fields |= present(filter=filter, comment=comment)
        super().__init__(database, fields, codec_options, collection="$cmd.listCollections")
        self.reply_options = plain(codec_options)


class Rename(WriteCommand):
    """renameCollection.

    :raises TypeError, InvalidName: if it cannot be a name.
    """

    def __init__(
        self, target: CatalogueTarget, new_name: str, options: Mapping[str, Any], comment: Any
    ) -> None:
        check_new_name(new_name)
        fields = {
            "renameCollection": f"{target.database}.{target.collection}",
            "to": f"{target.database}.{new_name}",
            **options,
            **present(comment=comment),
        }
        super().__init__("admin", fields, DEFAULT_CODEC_OPTIONS, target.write_concern)


class ValidateCollection(RunCommand):
    """validate. Raises CollectionInvalid for a report that finds faults."""

    own_name = ""

    def __init__(
        self,
        database: str,
        name: str,
        scandata: bool,
        full: bool,
        background: bool | None,
        comment: Any,
    ) -> None:
        fields = {
            "validate": name,
            "scandata": scandata,
            "full": full,
            **present(comment=comment, background=background),
        }
        super().__init__(database, fields, DEFAULT_CODEC_OPTIONS)

    def parse(self, reply: MutableMapping[str, Any], attempt: Attempt) -> Any:
        check_report(reply, self.fields["validate"])
        return reply


def create_operations(
    target: CatalogueTarget, options: Mapping[str, Any]
) -> Iterator[WriteCommand]:
    """What creates a collection: with queryable encryption its state collections before, and an
    index after.
    """
    fields = {"create": target.collection, **options}
    encrypted_fields = fields.get("encryptedFields")
    collation = validate_collation_or_none(fields.pop("collation", None))
    if collation is not None:
        fields["collation"] = collation
    if "size" in fields:
        fields["size"] = float(fields["size"])
    kind = CreateEncrypted if encrypted_fields else WriteCommand
    if encrypted_fields:
        clustered = {"clusteredIndex": {"key": {"_id": 1}, "unique": True}}
        for name in _state_collections(target.collection, encrypted_fields):
            yield _write(target, {"create": name, **clustered}, kind)
    yield _write(target, fields, kind)
    if encrypted_fields:
        yield CreateIndexes(target, [IndexModel([("__safeContent__", 1)])], {})


def drop_operations(
    target: CatalogueTarget, encrypted_fields: Mapping[str, Any] | None, comment: Any
) -> Iterator[WriteCommand]:
    """What drops a collection, its state collections first if its encrypted fields are given."""
    states = []
    if encrypted_fields is not None:
        states = _state_collections(target.collection, encrypted_fields)
    for name in (*states, target.collection):
        operation = _write(target, {"drop": name, **present(comment=comment)})
        operation.allowable_errors = NAMESPACE_NOT_FOUND
        yield operation


def _write(
    target: CatalogueTarget, fields: Mapping[str, Any], kind: type[WriteCommand] = WriteCommand
) -> WriteCommand:
    return kind(target.database, fields, DEFAULT_CODEC_OPTIONS, target.write_concern)


def _state_collections(name: str, encrypted_fields: Mapping[str, Any]) -> list[str]:
    """The collections in which queryable encryption keeps the state of collection `name`."""
    return [
        encrypted_fields.get("escCollection", f"enxcol_.{name}.esc"),
        encrypted_fields.get("ecocCollection", f"enxcol_.{name}.ecoc"),
    ]
