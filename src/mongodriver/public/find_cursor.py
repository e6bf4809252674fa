"""What the cursors of `find` do in both flavours: the query, its setters, and the first batch."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Self, TypeVar

from bsonx.code import Code
from mongodriver.execution.timeouts import one_deadline
from mongodriver.ops.arguments import batch_size_of, max_await_time_ms_of
from mongodriver.ops.base import present
from mongodriver.ops.cursor import Find
from mongodriver.ops.find_query import AWAIT_DATA, EXHAUST, TAILABLE, FindQuery
from mongodriver.ops.read import Distinct, Explain
from mongodriver.values.collation import validate_collation_or_none
from mongodriver.values.cursor_type import CursorType
from mongodriver.values.error_codes import TAILABLE_OVER
from mongodriver.values.errors import InvalidOperation, OperationFailure, PyMongoError
from mongodriver.values.keys import hint_document, key_document, key_pairs

from ..replies.raw import RAW_FIELDS, raw_codec_options
from .cursor_core import CursorCore
from .sessions import core_session

if TYPE_CHECKING:
    from bsonx._documents import Document
    from mongodriver.asynchronous.client_session import AsyncClientSession
    from mongodriver.asynchronous.collection import AsyncCollection
    from mongodriver.synchronous.client_session import ClientSession
    from mongodriver.synchronous.collection import Collection
    from mongodriver.typings import _CollationIn, _Hint, _Keys

__all__ = ["_AgnosticCursor"]

DocumentT = TypeVar("DocumentT", bound="Document")


class _AgnosticCursor(CursorCore[DocumentT]):
    """A cursor that begins with a find: its query, how that is set, and its first batch."""

    _collection: Any
    _query: FindQuery
    #: A slice of no documents: nothing is asked for.
    _empty = False

    def __init__(
        self,
        collection: AsyncCollection[DocumentT] | Collection[DocumentT],
        filter: Mapping[str, Any] | None = None,
        projection: Mapping[str, Any] | Iterable[str] | None = None,
        skip: int = 0,
        limit: int = 0,
        no_cursor_timeout: bool = False,
        cursor_type: int = CursorType.NON_TAILABLE,
        sort: _Keys | None = None,
        allow_partial_results: bool = False,
        oplog_replay: bool = False,
        batch_size: int = 0,
        collation: _CollationIn | None = None,
        hint: _Hint | None = None,
        max_scan: int | None = None,
        max_time_ms: int | None = None,
        max: _Keys | None = None,
        min: _Keys | None = None,
        return_key: bool | None = None,
        show_record_id: bool | None = None,
        snapshot: bool | None = None,
        comment: Any | None = None,
        session: AsyncClientSession | ClientSession | None = None,
        allow_disk_use: bool | None = None,
        let: Mapping[str, Any] | None = None,
    ) -> None:
        self._collection = collection
        self._core = collection._core
        self._query = FindQuery(
            filter,
            projection,
            skip,
            limit,
            no_cursor_timeout,
            cursor_type,
            sort,
            allow_partial_results,
            oplog_replay,
            batch_size,
            collation,
            hint,
            max_scan,
            max_time_ms,
            max,
            min,
            return_key,
            show_record_id,
            snapshot,
            comment,
            session,
            allow_disk_use,
            let,
        )
        if session is not None:
            self._session = session
            self._core_session = core_session(session)
        options = collection._codec_options
        self._codec_options = raw_codec_options(options) if self._raw else options

    # -- the command --

    def _operation(self, query: FindQuery) -> Find:
        collection = self._collection
        target = collection._reading()
        if self._raw:
            target = target.with_codec_options(self._codec_options)
        pin = bool(query.flags & EXHAUST)
        if pin:
            self._core.refuse_encrypting("exhaust cursors do")
        operation = Find(target, query.options(), pin=pin)
        if self._raw:
            operation.user_fields = RAW_FIELDS
            operation.gives_bytes = True
        if query.flags & (TAILABLE | AWAIT_DATA) == TAILABLE:
            # Client-side operations timeout, Tailable non-awaitData Cursors.
            operation.takes_max_time = False
        return operation

    def _next_batch_size(self) -> int:
        limit, size = self._query.limit, self._query.batch_size
        if not limit:
            return size
        left = abs(limit) - self._retrieved
        return left if not size or left < size else size

    def _ends_quietly(self, exc: PyMongoError) -> bool:
        tailable = self._query.flags & TAILABLE
        return bool(tailable and isinstance(exc, OperationFailure) and exc.code in TAILABLE_OVER)

    # -- batches --

    async def _fetch(self) -> int:
        """Fetch batches until one has documents or none will come; their number."""
        query = self._query
        with one_deadline(self._core.options.timeout):  # however many batches are empty
            while not self._data and not self._killed and not self._empty:
                if self._id is None:
                    await self._open()
                else:
                    await self._get_more()
                limit = query.limit
                if limit and self._id and self._retrieved >= abs(limit):
                    await self._close()
                if query.flags & TAILABLE:
                    break  # it is for the user to ask again
        return len(self._data)

    async def _open(self) -> None:
        query = self._query
        operation = self._operation(query)
        self._comment = query.comment
        self._exhaust = operation.pin
        ahead = self._ahead
        if ahead is not None:
            ahead.check(self, self._core_session)
        try:
            reply = await self._core.executor.execute(operation, self._core_session)
        except BaseException:
            self._killed = True
            self._id = 0
            raise
        self._take(reply)
        if ahead is not None:
            await ahead.go_on(self, reply)

    async def _rewind(self) -> None:
        await self._close()
        self._data.clear()
        self._id = self._last_id = None
        self._address = None
        self._retrieved = 0
        self._killed = False
        self._core_session = core_session(self._session)

    async def _explain(self) -> Any:
        query = self._query.copy()
        if query.limit:
            query.limit = -abs(query.limit)
        explain = Explain(self._operation(query))
        explain.codec_options = self._collection.codec_options
        return await self._core.executor.execute(explain, self._core_session)

    async def _distinct(self, key: str) -> list[Any]:
        query = self._query
        options = present(
            query=query.filter or None,
            maxTimeMS=query.max_time_ms,
            comment=query.comment,
            collation=query.collation,
        )
        operation = Distinct(self._collection._reading(), key, options)
        return await self._core.executor.execute(operation, core_session(self._session))

    # -- copies --

    def _copied(self, deep: bool = False) -> Self:
        """A cursor with the same query that has not started."""
        copy = type(self).__new__(type(self))
        copy._collection = self._collection
        copy._core = self._core
        copy._query = self._query.copy(deep)
        copy._codec_options = self._codec_options
        copy._max_await_time_ms = self._max_await_time_ms
        copy._empty = self._empty
        copy._session = self._session
        copy._core_session = core_session(self._session)
        if self._ahead is not None:
            copy._ahead = self._ahead.copy()
        return copy

    def clone(self) -> Self:
        """Return a cursor with the same query that has not started.

        The filter and the other specifications are copied deeply.
        """
        return self._copied(True)

    def __copy__(self) -> Self:
        return self._copied()

    def __deepcopy__(self, memo: Any) -> Self:
        return self._copied(True)

    # -- setters --

    def _check_not_started(self) -> None:
        if self._id is not None or self._retrieved:
            raise InvalidOperation("cannot set options after executing query")

    async def _add_option(self, mask: int) -> Self:
        if not isinstance(mask, int):
            raise TypeError(f"mask must be an int, not {type(mask)}")
        self._check_not_started()
        if mask & EXHAUST and self._query.limit:
            raise InvalidOperation("Can't use limit and exhaust together.")
        self._query.flags |= mask
        return self

    def remove_option(self, mask: int) -> Self:
        """Clear query flags: the bits of `mask`, as in the wire protocol. Returns the cursor."""
        if not isinstance(mask, int):
            raise TypeError(f"mask must be an int, not {type(mask)}")
        self._check_not_started()
        self._query.flags &= ~mask
        return self

    def allow_disk_use(self, allow_disk_use: bool) -> Self:
        """Let the server sort on disk when memory is short. Returns the cursor."""
        if not isinstance(allow_disk_use, bool):
            raise TypeError(f"allow_disk_use must be a bool, not {type(allow_disk_use)}")
        self._check_not_started()
        self._query.allow_disk_use = allow_disk_use
        return self

    def limit(self, limit: int) -> Self:
        """Return at most `limit` documents; 0 means all, negative all of one batch.

        Returns the cursor. Raises InvalidOperation after the first batch.
        """
        if not isinstance(limit, int):
            raise TypeError(f"limit must be an integer, not {type(limit)}")
        if self._query.flags & EXHAUST:
            raise InvalidOperation("Can't use limit and exhaust together.")
        self._check_not_started()
        self._empty = False
        self._query.limit = limit
        return self

    def batch_size(self, batch_size: int) -> Self:
        """Ask for this many documents at a time; 0 leaves it to the server. Returns the cursor."""
        size = batch_size_of(batch_size)
        self._check_not_started()
        self._query.batch_size = size
        return self

    def skip(self, skip: int) -> Self:
        """Leave out the first `skip` documents. Returns the cursor."""
        if not isinstance(skip, int):
            raise TypeError(f"skip must be an integer, not {type(skip)}")
        if skip < 0:
            raise ValueError("skip must be >= 0")
        self._check_not_started()
        self._query.skip = skip
        return self

    def max_time_ms(self, max_time_ms: int | None) -> Self:
        """Let the server spend at most this many milliseconds; None for no limit."""
        if not isinstance(max_time_ms, int) and max_time_ms is not None:
            raise TypeError(f"max_time_ms must be an integer or None, not {type(max_time_ms)}")
        self._check_not_started()
        self._query.max_time_ms = max_time_ms
        return self

    def max_await_time_ms(self, max_await_time_ms: int | None) -> Self:
        """How long a getMore of a tailable-await cursor may wait for documents, milliseconds."""
        max_await_time_ms_of(max_await_time_ms)
        self._check_not_started()
        if self._query.flags & AWAIT_DATA:
            self._max_await_time_ms = max_await_time_ms
        return self

    def max_scan(self, max_scan: int | None) -> Self:
        """Examine at most this many documents (only old servers know it)."""
        self._check_not_started()
        self._query.max_scan = max_scan
        return self

    def max(self, spec: _Keys) -> Self:
        """Exclusive upper bound of the index given by `hint`: a list of (field, value) pairs."""
        self._query.max = self._bound(spec) or None
        return self

    def min(self, spec: _Keys) -> Self:
        """Inclusive lower bound of the index given by `hint`: a list of (field, value) pairs."""
        self._query.min = self._bound(spec) or None
        return self

    def _bound(self, spec: _Keys) -> dict[str, Any]:
        if not isinstance(spec, (list, tuple)):
            raise TypeError(f"spec must be an instance of list or tuple, not {type(spec)}")
        self._check_not_started()
        return dict(spec)

    def sort(self, key_or_list: _Hint, direction: int | str | None = None) -> Self:
        """Sort the results; a later call replaces an earlier one.

        :param key_or_list: a field name, a list of names and (name, direction) pairs, or a mapping.
        :param direction: with a single name, `ASCENDING` or `DESCENDING`.
        :returns: the cursor.
        """
        self._check_not_started()
        self._query.sort = key_document(key_pairs(key_or_list, direction))
        return self

    def hint(self, index: _Hint | None) -> Self:
        """Use an index, given by name or keys; None takes an earlier hint back."""
        self._check_not_started()
        self._query.hint = None if index is None else hint_document(index)
        return self

    def comment(self, comment: Any) -> Self:
        """Attach a comment that shows in the server's logs and profiler."""
        self._check_not_started()
        self._query.comment = comment
        return self

    def where(self, code: str | Code) -> Self:
        """Add a ``$where`` clause of JavaScript."""
        self._check_not_started()
        if not isinstance(code, Code):
            if not isinstance(code, str):
                raise TypeError(f"code must be an instance of str, not {type(code)}")
            code = Code(code)
        self._query.filter = {**self._query.filter, "$where": code}
        return self

    def collation(self, collation: _CollationIn | None) -> Self:
        """Compare strings by the rules of a `Collation`."""
        self._check_not_started()
        self._query.collation = validate_collation_or_none(collation)
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
