"""What a find asks for: its arguments, checked, and the fields of the command they become."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from re import Pattern
from typing import Any, Self

from mongodriver.values.collation import validate_collation_or_none
from mongodriver.values.cursor_type import _QUERY_OPTIONS, CursorType
from mongodriver.values.errors import InvalidOperation
from mongodriver.values.keys import field_document, hint_document, key_document
from mongodriver.values.validators import validate_is_document_type, validate_is_mapping
from mongodriver.values.write_concern import validate_boolean

from .arguments import batch_size_of
from .base import present

__all__ = ["AWAIT_DATA", "EXHAUST", "TAILABLE", "FindQuery", "with_modifiers"]

AWAIT_DATA = _QUERY_OPTIONS["await_data"]
EXHAUST = _QUERY_OPTIONS["exhaust"]
TAILABLE = _QUERY_OPTIONS["tailable_cursor"]
_NO_TIMEOUT = _QUERY_OPTIONS["no_timeout"]
_OPLOG_REPLAY = _QUERY_OPTIONS["oplog_replay"]
_PARTIAL = _QUERY_OPTIONS["partial"]

_CURSOR_TYPES = (
    CursorType.NON_TAILABLE,
    CursorType.TAILABLE,
    CursorType.TAILABLE_AWAIT,
    CursorType.EXHAUST,
)
#: Query flags that are fields of the find command, in wire order.
_FLAG_FIELDS = (
    ("tailable", TAILABLE),
    ("oplogReplay", _OPLOG_REPLAY),
    ("noCursorTimeout", _NO_TIMEOUT),
    ("awaitData", AWAIT_DATA),
    ("allowPartialResults", _PARTIAL),
)


class FindQuery:
    """The arguments of find, as `Collection.find` documents them.

    Attributes can be set as long as nothing was sent; they are what the constructor makes of its
    arguments: `sort`, `hint` and `projection` are documents, `flags` holds what the server knows
    as flags, `session` is as the user has given it.

    :raises TypeError, ValueError, InvalidOperation: for arguments that cannot be.
    """

    def __init__(
        self,
        filter: Any = None,
        projection: Any = None,
        skip: int = 0,
        limit: int = 0,
        no_cursor_timeout: bool = False,
        cursor_type: int = CursorType.NON_TAILABLE,
        sort: Any = None,
        allow_partial_results: bool = False,
        oplog_replay: bool = False,
        batch_size: int = 0,
        collation: Any = None,
        hint: Any = None,
        max_scan: int | None = None,
        max_time_ms: int | None = None,
        max: Any = None,
        min: Any = None,
        return_key: bool | None = None,
        show_record_id: bool | None = None,
        snapshot: bool | None = None,
        comment: Any = None,
        session: Any = None,
        allow_disk_use: bool | None = None,
        let: Mapping[str, Any] | None = None,
    ) -> None:
        self.filter: Mapping[str, Any] = filter or {}
        if type(self.filter) is not dict:
            validate_is_mapping("filter", self.filter)
        self.flags = 0
        if type(skip) is not int or type(limit) is not int:
            _check_range(skip, limit)
        self.skip = skip
        self.limit = limit
        if no_cursor_timeout is not False:
            self._set_flag("no_cursor_timeout", no_cursor_timeout, _NO_TIMEOUT)
        if cursor_type != 0:
            if cursor_type not in _CURSOR_TYPES:
                raise ValueError("not a valid value for cursor_type")
            self.flags |= cursor_type
        if allow_partial_results is not False:
            self._set_flag("allow_partial_results", allow_partial_results, _PARTIAL)
        if oplog_replay is not False:
            self._set_flag("oplog_replay", oplog_replay, _OPLOG_REPLAY)
        if batch_size != 0 or type(batch_size) is not int:
            batch_size_of(batch_size)
        self.batch_size = batch_size
        if limit and self.flags & EXHAUST:
            raise InvalidOperation("Can't use limit and exhaust together.")
        if allow_disk_use is not None:
            validate_boolean("allow_disk_use", allow_disk_use)
        self.allow_disk_use = allow_disk_use
        if let is not None:
            validate_is_document_type("let", let)
        self.let = let
        self.projection = None if projection is None else field_document(projection)
        self.sort = key_document(sort) if sort else None
        self.collation = None if collation is None else validate_collation_or_none(collation)
        self.hint = None if hint is None else hint_document(hint)
        self.max_scan = max_scan
        self.max_time_ms = max_time_ms
        self.max = max
        self.min = min
        self.return_key = return_key
        self.show_record_id = show_record_id
        self.snapshot = snapshot
        self.comment = comment
        self.session = session

    def _set_flag(self, name: str, wanted: bool, flag: int) -> None:
        if validate_boolean(name, wanted):
            self.flags |= flag

    def options(self) -> dict[str, Any]:
        """Fields of the find command after the collection, in wire order.

        :raises InvalidOperation: for bounds of an index that no hint names.
        """
        options: dict[str, Any] = {"filter": self.filter}
        if self.sort:
            options["sort"] = self.sort
        if self.hint:
            options["hint"] = self.hint
        elif self.max or self.min:
            raise InvalidOperation(
                "Passing a 'hint' is required when using the min/max query option to ensure the "
                "query utilizes the correct index"
            )
        if not self._has_only_usual_fields():
            options |= present(
                let=self.let,
                comment=self.comment or None,  # PyMongo sends none that is empty
                maxScan=self.max_scan,
                maxTimeMS=self.max_time_ms,
                max=self.max or None,
                min=self.min or None,
                returnKey=self.return_key,
                showRecordId=self.show_record_id,
                snapshot=self.snapshot,
            )
        if self.projection:
            options["projection"] = self.projection
        if self.skip:
            options["skip"] = self.skip
        limit = self.limit
        if limit:
            options["limit"] = abs(limit)
            if limit < 0:
                options["singleBatch"] = True
        if self.batch_size:
            # One more than the limit lets the server close the cursor in its first reply.
            size = self.batch_size
            options["batchSize"] = size + 1 if size == limit else size
        if self.collation is not None:
            options["collation"] = self.collation
        if self.allow_disk_use is not None:
            options["allowDiskUse"] = self.allow_disk_use
        if self.flags:
            for name, flag in _FLAG_FIELDS:
                if self.flags & flag:
                    options[name] = True
        return with_modifiers(options) if "$query" in self.filter else options

    def _has_only_usual_fields(self) -> bool:
        return (
            self.comment is None
            and self.max_time_ms is None
            and self.let is None
            and self.max is None
            and self.min is None
            and self.return_key is None
            and self.show_record_id is None
            and self.max_scan is None
            and self.snapshot is None
        )

    def copy(self, deep: bool = False) -> Self:
        """The same query; with `deep`, its documents are copied too, patterns excepted."""
        copy = type(self).__new__(type(self))
        copy.__dict__.update(self.__dict__)
        if deep:
            copy.filter = _copied(self.filter)
            copy.projection = _copied(self.projection)
            copy.sort = _copied(self.sort)
            copy.hint = _copied(self.hint)
            copy.let = _copied(self.let)
        return copy


# Errors of wrong calls name the constructor that takes these arguments in PyMongo.
FindQuery.__init__.__qualname__ = "_AgnosticCursor.__init__"


def with_modifiers(options: dict[str, Any]) -> dict[str, Any]:
    """The fields of a find whose filter is a ``$query`` with modifiers."""
    from .legacy_query import unfolded  # hardly any program has them

    return unfolded(options["filter"], options)


def _check_range(skip: Any, limit: Any) -> None:
    for name, number in (("skip", skip), ("limit", limit)):
        if not isinstance(number, int):
            raise TypeError(f"{name} must be an instance of int, not {type(number)}")


def _copied(value: Any) -> Any:
    """A deep copy of a specification; patterns and types of the codec are shared."""
    if isinstance(value, dict):
        copy = value.copy()
        for key, item in value.items():
            copy[key] = _copied(item)
        return copy
    if isinstance(value, list):
        return [_copied(item) for item in value]
    return value if isinstance(value, (str, int, float, Pattern)) else deepcopy(value)
