"""What write operations return."""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping
from typing import Any

from mongodriver.values.errors import InvalidOperation
from mongodriver.values.public_names import known_as

__all__ = [
    "BulkWriteResult",
    "ClientBulkWriteResult",
    "DeleteResult",
    "InsertManyResult",
    "InsertOneResult",
    "UpdateResult",
]


class _WriteResult:
    """What all results have in common."""

    __slots__ = ("__acknowledged",)

    def __init__(self, acknowledged: bool) -> None:
        self.__acknowledged = acknowledged

    def _raise_if_unacknowledged(self, name: str) -> None:
        if not self.__acknowledged:
            raise InvalidOperation(
                f"A value for {name} is not available when the write is unacknowledged. "
                "Check the acknowledged attribute to avoid this error."
            )

    @property
    def acknowledged(self) -> bool:
        """Whether the server confirmed the write. Counts are available only if it did."""
        return self.__acknowledged


class InsertOneResult(_WriteResult):
    """Result of ``insert_one``."""

    __slots__ = ("__inserted_id",)

    def __init__(self, inserted_id: Any, acknowledged: bool) -> None:
        self.__inserted_id = inserted_id
        super().__init__(acknowledged)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.__inserted_id!r}, acknowledged={self.acknowledged})"

    @property
    def inserted_id(self) -> Any:
        """``_id`` of the document; None for a raw document that has none."""
        return self.__inserted_id


class InsertManyResult(_WriteResult):
    """Result of ``insert_many``."""

    __slots__ = ("__inserted_ids",)

    def __init__(self, inserted_ids: list[Any], acknowledged: bool) -> None:
        self.__inserted_ids = inserted_ids
        super().__init__(acknowledged)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.__inserted_ids!r}, acknowledged={self.acknowledged})"

    @property
    def inserted_ids(self) -> list[Any]:
        """``_id`` of each document, in the order given; raw documents are left out."""
        return self.__inserted_ids


class UpdateResult(_WriteResult):
    """Result of ``update_one``, ``update_many`` and ``replace_one``."""

    __slots__ = ("__in_client_bulk", "__raw_result")

    def __init__(
        self,
        raw_result: Mapping[str, Any] | None,
        acknowledged: bool,
        in_client_bulk: bool = False,
    ) -> None:
        self.__raw_result = raw_result
        self.__in_client_bulk = in_client_bulk
        super().__init__(acknowledged)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.__raw_result!r}, acknowledged={self.acknowledged})"

    @property
    def raw_result(self) -> Mapping[str, Any] | None:
        """The server's reply."""
        return self.__raw_result

    @property
    def matched_count(self) -> int:
        """How many documents the filter matched."""
        self._raise_if_unacknowledged("matched_count")
        raw = self.__raw_result or {}
        if not self.__in_client_bulk and self.upserted_id is not None:
            return 0
        return int(raw.get("n", 0))

    @property
    def modified_count(self) -> int:
        """How many documents were changed."""
        self._raise_if_unacknowledged("modified_count")
        modified: int = (self.__raw_result or {}).get("nModified")  # type: ignore[assignment]
        return modified

    @property
    def upserted_id(self) -> Any:
        """``_id`` of the document an upsert inserted, or None."""
        self._raise_if_unacknowledged("upserted_id")
        raw = self.__raw_result or {}
        if self.__in_client_bulk and raw.get("upserted"):
            return raw["upserted"]["_id"]
        return raw.get("upserted")

    @property
    def did_upsert(self) -> bool:
        """Whether a document was inserted."""
        raw = self.__raw_result
        if raw is None:
            return False
        if self.__in_client_bulk:
            return bool(raw.get("upserted"))
        return "upserted" in raw


class DeleteResult(_WriteResult):
    """Result of ``delete_one`` and ``delete_many``."""

    __slots__ = ("__raw_result",)

    def __init__(self, raw_result: Mapping[str, Any], acknowledged: bool) -> None:
        self.__raw_result = raw_result
        super().__init__(acknowledged)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.__raw_result!r}, acknowledged={self.acknowledged})"

    @property
    def raw_result(self) -> Mapping[str, Any]:
        """The server's reply."""
        return self.__raw_result

    @property
    def deleted_count(self) -> int:
        """How many documents were deleted."""
        self._raise_if_unacknowledged("deleted_count")
        return int(self.__raw_result.get("n", 0))


class _BulkWriteResultBase(_WriteResult):
    """The counts of a bulk write, over one collection or many."""

    __slots__ = ("__bulk_api_result",)  # in PyMongo's pickles by the name of this class

    def __init__(self, bulk_api_result: dict[str, Any], acknowledged: bool) -> None:
        self.__bulk_api_result = bulk_api_result
        super().__init__(acknowledged)

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}({self.__bulk_api_result!r}, acknowledged={self.acknowledged})"
        )

    def _count(self, name: str, field: str) -> int:
        self._raise_if_unacknowledged(name)
        count: int = self.__bulk_api_result.get(field)  # type: ignore[assignment]
        return count

    @property
    def bulk_api_result(self) -> dict[str, Any]:
        """The merged counts and upserts as one document."""
        return self.__bulk_api_result

    @property
    def inserted_count(self) -> int:
        """How many documents were inserted."""
        return self._count("inserted_count", "nInserted")

    @property
    def matched_count(self) -> int:
        """How many documents updates matched."""
        return self._count("matched_count", "nMatched")

    @property
    def modified_count(self) -> int:
        """How many documents were changed."""
        return self._count("modified_count", "nModified")

    @property
    def deleted_count(self) -> int:
        """How many documents were deleted."""
        return self._count("deleted_count", "nRemoved")

    @property
    def upserted_count(self) -> int:
        """How many documents upserts inserted."""
        return self._count("upserted_count", "nUpserted")


class BulkWriteResult(_BulkWriteResultBase):
    """Result of ``Collection.bulk_write``."""

    __slots__ = ()

    @property
    def upserted_ids(self) -> dict[int, Any] | None:
        """``_id`` of each upserted document by the index of its request."""
        self._raise_if_unacknowledged("upserted_ids")
        upserted = self.bulk_api_result.get("upserted", ())
        return {entry["index"]: entry["_id"] for entry in upserted}


class ClientBulkWriteResult(_BulkWriteResultBase):
    """Result of ``MongoClient.bulk_write``."""

    __slots__ = ("__has_verbose_results",)

    def __init__(
        self,
        bulk_api_result: MutableMapping[str, Any],
        acknowledged: bool,
        has_verbose_results: bool,
    ) -> None:
        self.__has_verbose_results = has_verbose_results
        counts: Any = bulk_api_result
        super().__init__(counts, acknowledged)

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}({self.bulk_api_result!r}, "
            f"acknowledged={self.acknowledged}, verbose={self.__has_verbose_results})"
        )

    @property
    def has_verbose_results(self) -> bool:
        """Whether each request has its own result."""
        return self.__has_verbose_results

    @property
    def deleted_count(self) -> int:
        """How many documents were deleted."""
        return self._count("deleted_count", "nDeleted")

    def _verbose(self, name: str, field: str) -> Any:
        self._raise_if_unacknowledged(name)
        if not self.__has_verbose_results:
            raise InvalidOperation(
                f"A value for {name} is not available when "
                "the results are not set to be verbose. Check the "
                "verbose_results attribute to avoid this error."
            )
        return self.bulk_api_result.get(field)

    @property
    def insert_results(self) -> Mapping[int, InsertOneResult]:
        """Results of the inserts by the index of their request."""
        results: Mapping[int, InsertOneResult] = self._verbose("insert_results", "insertResults")
        return results

    @property
    def update_results(self) -> Mapping[int, UpdateResult]:
        """Results of the updates by the index of their request."""
        results: Mapping[int, UpdateResult] = self._verbose("update_results", "updateResults")
        return results

    @property
    def delete_results(self) -> Mapping[int, DeleteResult]:
        """Results of the deletes by the index of their request."""
        results: Mapping[int, DeleteResult] = self._verbose("delete_results", "deleteResults")
        return results


known_as("mongodriver.results", globals())
