"""Results of the driver as the documents that tests expect."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mongodriver.results import (
    BulkWriteResult,
    ClientBulkWriteResult,
    DeleteResult,
    InsertManyResult,
    InsertOneResult,
    UpdateResult,
)


def as_document(result: Any) -> Any:
    """A result object as a document; other results as they are."""
    for kind, convert in _CONVERTED.items():
        if isinstance(result, kind):
            return convert(result) if result.acknowledged else {"acknowledged": False}
    return result


def _inserted_one(result: InsertOneResult) -> dict[str, Any]:
    return {"insertedId": result.inserted_id}


def _inserted_many(result: InsertManyResult) -> dict[str, Any]:
    ids = {str(index): value for index, value in enumerate(result.inserted_ids)}
    return {"insertedIds": ids, "insertedCount": len(ids)}


def _updated(result: UpdateResult) -> dict[str, Any]:
    document = {
        "matchedCount": result.matched_count,
        "modifiedCount": result.modified_count,
        "upsertedCount": 0 if result.upserted_id is None else 1,
    }
    if result.upserted_id is not None:
        document["upsertedId"] = result.upserted_id
    return document


def _deleted(result: DeleteResult) -> dict[str, Any]:
    return {"deletedCount": result.deleted_count}


def bulk_counts(counts: Mapping[str, Any]) -> dict[str, Any]:
    """The counts of a bulk write, from its result or the details of its error."""
    return {
        "deletedCount": counts["nRemoved"],
        "insertedCount": counts["nInserted"],
        "matchedCount": counts["nMatched"],
        "modifiedCount": counts["nModified"],
        "upsertedCount": counts["nUpserted"],
        "upsertedIds": {str(entry["index"]): entry["_id"] for entry in counts["upserted"]},
    }


def _written(result: BulkWriteResult) -> dict[str, Any]:
    return bulk_counts(result.bulk_api_result)


def _updated_in_bulk(result: UpdateResult) -> dict[str, Any]:
    """One of the results of a client's bulk write: of one document, upserted under any id."""
    document = {"matchedCount": result.matched_count, "modifiedCount": result.modified_count}
    return {**document, "upsertedId": result.upserted_id} if result.did_upsert else document


def of_client_bulk(result: ClientBulkWriteResult) -> dict[str, Any]:
    """The result of a client's bulk write."""
    document: dict[str, Any] = {
        "deletedCount": result.deleted_count,
        "insertedCount": result.inserted_count,
        "matchedCount": result.matched_count,
        "modifiedCount": result.modified_count,
        "upsertedCount": result.upserted_count,
    }
    if result.has_verbose_results:
        for name, results, convert in (
            ("insertResults", result.insert_results, _inserted_one),
            ("updateResults", result.update_results, _updated_in_bulk),
            ("deleteResults", result.delete_results, _deleted),
        ):
            document[name] = {str(index): convert(one) for index, one in results.items()}
    return document


_CONVERTED: dict[type, Any] = {
    InsertOneResult: _inserted_one,
    InsertManyResult: _inserted_many,
    UpdateResult: _updated,
    DeleteResult: _deleted,
    BulkWriteResult: _written,
    ClientBulkWriteResult: of_client_bulk,
}
