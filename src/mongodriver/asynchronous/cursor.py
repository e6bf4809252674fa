"""Results of queries."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from copy import deepcopy
from re import Pattern
from typing import Any, NoReturn, Self, TypeVar

from bsonx.code import Code
from mongodriver.ops.base import present
from mongodriver.ops.cursor import Find, ReadTarget
from mongodriver.ops.read import Explain
from mongodriver.values.collation import validate_collation_or_none
from mongodriver.values.cursor_type import _QUERY_OPTIONS, CursorType
from mongodriver.values.errors import InvalidOperation
from mongodriver.values.keys import field_document, hint_document, key_document, key_pairs
from mongodriver.values.validators import validate_is_document_type, validate_is_mapping
from mongodriver.values.write_concern import validate_boolean

from ..public.cursor_core import CursorCore, check_batch_size, check_max_await_time_ms
from ..public.raw import RAW_FIELDS, join_raw, raw_codec_options

__all__ = ["AsyncCursor", "AsyncRawBatchCursor", "CursorType"]

DocumentT = TypeVar("DocumentT", bound=Mapping[str, Any])

_CURSOR_TYPES = (
    CursorType.NON_TAILABLE,
    CursorType.TAILABLE,
    CursorType.TAILABLE_AWAIT,
    CursorType.EXHAUST,
)
#: Query flags that are fields of the find command, in wire order.
_FLAG_FIELDS = (
    ("tailable", _QUERY_OPTIONS["tailable_cursor"]),
    ("oplogReplay", _QUERY_OPTIONS["oplog_replay"]),
    ("noCursorTimeout", _QUERY_OPTIONS["no_timeout"]),
    ("awaitData", _QUERY_OPTIONS["await_data"]),
    ("allowPartialResults", _QUERY_OPTIONS["partial"]),
)
_EXHAUST = _QUERY_OPTIONS["exhaust"]
_TAILABLE = _QUERY_OPTIONS["tailable_cursor"]

#: What `clone` copies: everything that describes the query, nothing of its progress.
_QUERY_ATTRIBUTES = (
    "_allow_disk_use",
    "_batch_size",
    "_codec_options",
    "_collation",
    "_collection",
    "_comment",
    "_empty",
    "_flags",
    "_hint",
    "_let",
    "_limit",
    "_max",
    "_max_await_time_ms",
    "_max_scan",
    "_max_time_ms",
    "_min",
    "_ordering",
    "_projection",
    "_return_key",
    "_session",
    "_show_record_id",
    "_skip",
    "_snapshot",
    "_spec",
)


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


class _AgnosticCursor(CursorCore[DocumentT]):
    """The query of a cursor: its options, how they are set, and the command they become."""

    _raw = False

    def __init__(
        self,
        collection: Any,
        filter: Mapping[str, Any] | None = None,
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
        self._data: deque[Any] = deque()
        self._collection = collection
        spec = filter or {}
        validate_is_mapping("filter", spec)
        for name, number in (("skip", skip), ("limit", limit)):
            if not isinstance(number, int):
                raise TypeError(f"{name} must be an instance of int, not {type(number)}")
        validate_boolean("no_cursor_timeout", no_cursor_timeout)
        if cursor_type not in _CURSOR_TYPES:
            raise ValueError("not a valid value for cursor_type")
        validate_boolean("allow_partial_results", allow_partial_results)
        validate_boolean("oplog_replay", oplog_replay)
        check_batch_size(batch_size)
        if cursor_type == CursorType.EXHAUST and limit:
            raise InvalidOperation("Can't use limit and exhaust together.")
        if allow_disk_use is not None:
            validate_boolean("allow_disk_use", allow_disk_use)
        if let is not None:
            validate_is_document_type("let", let)
        self._spec = spec
        self._projection = None if projection is None else field_document(projection)
        self._skip = skip
        self._limit = limit
        self._ordering = key_document(sort) if sort else None
        self._batch_size = batch_size
        self._collation = validate_collation_or_none(collation)
        self._hint = None if hint is None else hint_document(hint)
        self._max_scan = max_scan
        self._max_time_ms = max_time_ms
        self._max = max
        self._min = min
        self._return_key = return_key
        self._show_record_id = show_record_id
        self._snapshot = snapshot
        self._comment = comment
        self._session = session
        self._core_session = collection._core_session(session)
        self._allow_disk_use = allow_disk_use
        self._let = let
        self._empty = False
        flags = cursor_type
        for flag, wanted in (
            ("no_timeout", no_cursor_timeout),
            ("partial", allow_partial_results),
            ("oplog_replay", oplog_replay),
        ):
            if wanted:
                flags |= _QUERY_OPTIONS[flag]
        self._flags = flags
        options = collection.codec_options
        self._codec_options = raw_codec_options(options) if self._raw else options

    # -- the command --

    def _find_options(self) -> dict[str, Any]:
        """Fields of the find command after the collection, in wire order."""
        options: dict[str, Any] = {"filter": self._spec}
        if self._ordering:
            options["sort"] = self._ordering
        if self._hint:
            options["hint"] = self._hint
        options |= present(
            let=self._let,
            comment=self._comment,
            maxScan=self._max_scan,
            maxTimeMS=self._max_time_ms,
            max=self._max or None,
            min=self._min or None,
            returnKey=self._return_key,
            showRecordId=self._show_record_id,
            snapshot=self._snapshot,
            projection=self._projection or None,
        )
        if self._skip:
            options["skip"] = self._skip
        limit = self._limit
        if limit:
            options["limit"] = abs(limit)
            if limit < 0:
                options["singleBatch"] = True
        if self._batch_size:
            # One more than the limit lets the server close the cursor in its first reply.
            size = self._batch_size
            options["batchSize"] = size + 1 if size == limit else size
        if self._collation is not None:
            options["collation"] = self._collation
        if self._allow_disk_use is not None:
            options["allowDiskUse"] = self._allow_disk_use
        for name, flag in _FLAG_FIELDS:
            if self._flags & flag:
                options[name] = True
        return options

    def _operation(self) -> Find:
        if (self._max or self._min) and not self._hint:
            raise InvalidOperation(
                "Passing a 'hint' is required when using the min/max query option to ensure the "
                "query utilizes the correct index"
            )
        collection = self._collection
        target = ReadTarget(
            collection.database.name,
            collection.name,
            self._codec_options,
            collection.read_preference,
            collection.read_concern,
        )
        self._exhaust = bool(self._flags & _EXHAUST)
        operation = Find(target, self._find_options(), pin=self._exhaust)
        if self._raw:
            operation.user_fields = RAW_FIELDS
        return operation

    def _next_batch_size(self) -> int:
        limit = self._limit
        if not limit:
            return self._batch_size
        left = abs(limit) - self._retrieved
        return min(left, self._batch_size) if self._batch_size else left

    def _ends_quietly(self) -> bool:
        return bool(self._flags & _TAILABLE)

    # -- batches --

    async def _refresh(self) -> int:
        """Fetch batches until one has documents or none will come; their number."""
        while not self._data and not self._killed and not self._empty:
            if self._id is None:
                await self._open()
            else:
                await self._get_more()
            limit = self._limit
            if limit and self._id and self._retrieved >= abs(limit):
                await self._close()
            if self._flags & _TAILABLE:
                break  # it is for the user to ask again
        return len(self._data)

    async def _next_batch(self) -> int:
        return await self._refresh()

    async def _open(self) -> None:
        operation = self._operation()
        try:
            reply = await self._collection._execute(operation, self._core_session)
        except BaseException:
            self._killed = True
            self._id = 0
            raise
        self._take(reply)

    async def _rewind(self) -> None:
        await self._close()
        self._data = deque()
        self._id = None
        self._address = None
        self._retrieved = 0
        self._killed = False
        self._core_session = self._collection._core_session(self._session)

    async def _explain(self) -> Any:
        query = self._clone_base()
        if query._limit:
            query._limit = -abs(query._limit)
        explain = Explain(query._operation())
        explain.codec_options = self._collection.codec_options
        return await self._collection._execute(explain, self._core_session)

    async def _distinct(self, key: str) -> list[Any]:
        options = present(
            query=self._spec or None,
            maxTimeMS=self._max_time_ms,
            comment=self._comment,
            collation=self._collation,
        )
        values: list[Any]
        values = await self._collection._run_distinct(key, options, self._session)
        return values

    # -- copies --

    def _clone_base(self, copy: bool = False) -> Self:
        clone = type(self).__new__(type(self))
        clone._data = deque()
        for name in _QUERY_ATTRIBUTES:
            setattr(clone, name, getattr(self, name))
        if copy:
            for name in ("_spec", "_projection", "_ordering", "_hint", "_let"):
                setattr(clone, name, _copied(getattr(self, name)))
        clone._core_session = self._collection._core_session(self._session)
        return clone

    def clone(self) -> Self:
        """Return a cursor with the same query that has not started.

        The filter and the other specifications are copied deeply.
        """
        return self._clone_base(True)

    def __copy__(self) -> Self:
        return self._clone_base(False)

    def __deepcopy__(self, memo: Any) -> Self:
        return self._clone_base(True)

    # -- setters --

    def _check_not_started(self) -> None:
        if self._id is not None or self._retrieved:
            raise InvalidOperation("cannot set options after executing query")

    async def _add_option(self, mask: int) -> Self:
        if not isinstance(mask, int):
            raise TypeError(f"mask must be an int, not {type(mask)}")
        self._check_not_started()
        if mask & _EXHAUST and self._limit:
            raise InvalidOperation("Can't use limit and exhaust together.")
        self._flags |= mask
        return self

    def remove_option(self, mask: int) -> Self:
        """Clear query flags: the bits of `mask`, as in the wire protocol. Returns the cursor."""
        if not isinstance(mask, int):
            raise TypeError(f"mask must be an int, not {type(mask)}")
        self._check_not_started()
        self._flags &= ~mask
        return self

    def allow_disk_use(self, allow_disk_use: bool) -> Self:
        """Let the server sort on disk when memory is short. Returns the cursor."""
        if not isinstance(allow_disk_use, bool):
            raise TypeError(f"allow_disk_use must be a bool, not {type(allow_disk_use)}")
        self._check_not_started()
        self._allow_disk_use = allow_disk_use
        return self

    def limit(self, limit: int) -> Self:
        """Return at most `limit` documents; 0 means all, negative all of one batch.

        Returns the cursor. Raises InvalidOperation after the first batch.
        """
        if not isinstance(limit, int):
            raise TypeError(f"limit must be an integer, not {type(limit)}")
        if self._flags & _EXHAUST:
            raise InvalidOperation("Can't use limit and exhaust together.")
        self._check_not_started()
        self._empty = False
        self._limit = limit
        return self

    def batch_size(self, batch_size: int) -> Self:
        """Ask for this many documents at a time; 0 leaves it to the server. Returns the cursor."""
        check_batch_size(batch_size)
        self._check_not_started()
        self._batch_size = batch_size
        return self

    def skip(self, skip: int) -> Self:
        """Leave out the first `skip` documents. Returns the cursor."""
        if not isinstance(skip, int):
            raise TypeError(f"skip must be an integer, not {type(skip)}")
        if skip < 0:
            raise ValueError("skip must be >= 0")
        self._check_not_started()
        self._skip = skip
        return self

    def max_time_ms(self, max_time_ms: int | None) -> Self:
        """Let the server spend at most this many milliseconds; None for no limit."""
        if not isinstance(max_time_ms, int) and max_time_ms is not None:
            raise TypeError(f"max_time_ms must be an integer or None, not {type(max_time_ms)}")
        self._check_not_started()
        self._max_time_ms = max_time_ms
        return self

    def max_await_time_ms(self, max_await_time_ms: int | None) -> Self:
        """How long a getMore of a tailable-await cursor may wait for documents, milliseconds."""
        check_max_await_time_ms(max_await_time_ms)
        self._check_not_started()
        if self._flags & _QUERY_OPTIONS["await_data"]:
            self._max_await_time_ms = max_await_time_ms
        return self

    def max_scan(self, max_scan: int | None) -> Self:
        """Examine at most this many documents (only old servers know it)."""
        self._check_not_started()
        self._max_scan = max_scan
        return self

    def max(self, spec: Any) -> Self:
        """Exclusive upper bound of the index given by `hint`: a list of (field, value) pairs."""
        self._max = self._bound(spec)
        return self

    def min(self, spec: Any) -> Self:
        """Inclusive lower bound of the index given by `hint`: a list of (field, value) pairs."""
        self._min = self._bound(spec)
        return self

    def _bound(self, spec: Any) -> dict[str, Any]:
        if not isinstance(spec, (list, tuple)):
            raise TypeError(f"spec must be an instance of list or tuple, not {type(spec)}")
        self._check_not_started()
        return dict(spec)

    def sort(self, key_or_list: Any, direction: Any = None) -> Self:
        """Sort the results; a later call replaces an earlier one.

        :param key_or_list: a field name, a list of names and (name, direction) pairs, or a mapping.
        :param direction: with a single name, `ASCENDING` or `DESCENDING`.
        :returns: the cursor.
        """
        self._check_not_started()
        self._ordering = key_document(key_pairs(key_or_list, direction))
        return self

    def hint(self, index: Any) -> Self:
        """Use an index, given by name or keys; None takes an earlier hint back."""
        self._check_not_started()
        self._hint = None if index is None else hint_document(index)
        return self

    def comment(self, comment: Any) -> Self:
        """Attach a comment that shows in the server's logs and profiler."""
        self._check_not_started()
        self._comment = comment
        return self

    def where(self, code: str | Code) -> Self:
        """Add a ``$where`` clause of JavaScript."""
        self._check_not_started()
        if not isinstance(code, Code):
            if not isinstance(code, str):
                raise TypeError(f"code must be an instance of str, not {type(code)}")
            code = Code(code)
        self._spec = {**self._spec, "$where": code}
        return self

    def collation(self, collation: Any) -> Self:
        """Compare strings by the rules of a `Collation`."""
        self._check_not_started()
        self._collation = validate_collation_or_none(collation)
        return self

    # -- state --

    @property
    def retrieved(self) -> int:
        """How many documents have come from the server so far."""
        return self._retrieved

    @property
    def collection(self) -> Any:
        """The collection that is queried."""
        return self._collection


class AsyncCursor(_AgnosticCursor[DocumentT]):
    """Documents of a query, read in batches.

    Made by `AsyncCollection.find`. Nothing is sent before the first document is asked for; until
    then options can be set, each setter returning the cursor. Not to be shared by tasks.
    """

    async def add_option(self, mask: int) -> AsyncCursor[DocumentT]:
        """Set query flags: the bits of `mask`, as in the wire protocol. Returns the cursor."""
        return await self._add_option(mask)

    async def rewind(self) -> AsyncCursor[DocumentT]:
        """Go back to before the first document: the query will run again. Returns the cursor."""
        await self._rewind()
        return self

    async def distinct(self, key: str) -> list[Any]:
        """Return the distinct values of a field among the documents the filter matches."""
        return await self._distinct(key)

    async def explain(self) -> Any:
        """Return the server's explanation of how it would run the query."""
        return await self._explain()

    async def next(self) -> DocumentT:
        """Return the next document. Raises StopAsyncIteration at the end."""
        return await self.__anext__()

    async def to_list(self, length: int | None = None) -> list[DocumentT]:
        """Return the remaining documents as a list, at most `length` of them."""
        return await self._all(length)

    async def close(self) -> None:
        """Close the cursor on the server. Documents already received can still be read."""
        await self._close()

    def __aiter__(self) -> AsyncCursor[DocumentT]:
        return self

    async def __anext__(self) -> DocumentT:
        if self._data or await self._refresh():
            document: DocumentT = self._data.popleft()
            return document
        raise StopAsyncIteration

    async def __aenter__(self) -> AsyncCursor[DocumentT]:
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self._close()

    def __getitem__(self, index: Any) -> NoReturn:
        raise IndexError("AsyncCursor does not support indexing")


class AsyncRawBatchCursor(AsyncCursor[Any]):
    """Batches of a query as bytes: the BSON documents of a batch one after the other.

    Made by `AsyncCollection.find_raw_batches`.
    """

    _raw = True

    def __init__(self, collection: Any, *args: Any, **kwargs: Any) -> None:
        super().__init__(collection, *args, **kwargs)

    def _unpack(self, batch: list[Any]) -> list[Any]:
        return join_raw(batch)
