"""The data of a test's collections, before it and after it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from mongodriver.read_concern import ReadConcern
from mongodriver.read_preferences import ReadPreference
from mongodriver.write_concern import WriteConcern

from .failures import Mismatch

#: Collections that need only be emptied for the next test: making one takes the server long.
_emptied: set[tuple[str, str, str]] = set()
_HARMLESS = (
    "aggregate",
    "bulkWrite",
    "count",
    "delete",
    "distinct",
    "estimated",
    "failPoint",
    "find",
    "insert",
    "replace",
    "update",
)


def _only_changes_documents(test: Mapping[str, Any]) -> bool:
    """Whether the test leaves its collections as they are, apart from their documents."""
    return all(operation["name"].startswith(_HARMLESS) for operation in test["operations"])


async def insert_data(deployment: Any, datas: Iterable[Any], test: Mapping[str, Any]) -> None:
    """Make collections hold what a test begins with."""
    for data in datas:
        database = deployment.admin.get_database(
            data["databaseName"], write_concern=WriteConcern("majority")
        )
        name = data["collectionName"]
        options = data.get("createOptions", {})
        place = (deployment.store, data["databaseName"], name)
        if place in _emptied and not options:
            await database[name].delete_many({})
        else:
            for one in (name, f"enxcol_.{name}.esc", f"enxcol_.{name}.ecoc"):
                await database.drop_collection(one)
            await database.create_collection(name, check_exists=False, **options)
        _emptied.discard(place)
        if not options and _only_changes_documents(test):
            _emptied.add(place)
        if data["documents"]:
            await database[name].insert_many(data["documents"])


async def check_outcome(deployment: Any, datas: Iterable[Any]) -> None:
    """Raise Mismatch unless collections hold exactly what a test expects."""
    for data in datas:
        collection = deployment.admin[data["databaseName"]].get_collection(
            data["collectionName"],
            read_preference=ReadPreference.PRIMARY,
            read_concern=ReadConcern("local"),
        )
        found = await collection.find({}, sort=[("_id", 1)]).to_list()
        if found != data["documents"]:
            raise Mismatch(
                f"{data['collectionName']} holds {found!r}, expected {data['documents']!r}"
            )
