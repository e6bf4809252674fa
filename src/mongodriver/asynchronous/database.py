"""Databases, asynchronous."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from bsonx.codec_options import DEFAULT_CODEC_OPTIONS
from bsonx.dbref import DBRef
from mongodriver.execution.timeouts import one_deadline
from mongodriver.ops.base import present
from mongodriver.ops.command import EVERYTHING, CursorCommand, RunCommand, Validate
from mongodriver.ops.cursor import ReadTarget
from mongodriver.ops.read import Aggregate
from mongodriver.public.flavour import adopt
from mongodriver.values.errors import CollectionInvalid

from ..public.aggregation import aggregate_options, check_pipeline
from ..public.database_base import DatabaseBase
from .collection import AsyncCollection
from .command_cursor import AsyncCommandCursor

if TYPE_CHECKING:
    from bsonx.codec_options import CodecOptions
    from mongodriver.values.read_concern import ReadConcern
    from mongodriver.values.write_concern import WriteConcern

    from .client_session import ClientSessionBase

__all__ = ["AsyncDatabase"]

DocumentT = TypeVar("DocumentT", bound=Mapping[str, Any])


def _command_fields(command: Any, value: Any, kwargs: Mapping[str, Any]) -> dict[str, Any]:
    """A user's command as one dict, its name first."""
    if isinstance(command, str):
        return {command: value, **kwargs}
    if not isinstance(command, Mapping):
        raise TypeError(f"command must be a str or a mapping, not {type(command)}")
    if not command:
        raise ValueError("command must not be empty")
    return {**command, **kwargs}


@adopt(DatabaseBase)
class AsyncDatabase(DatabaseBase[DocumentT]):
    """A MongoDB database.

    Made by a client: ``client.name`` or ``client["name"]``. Its attributes are collections.
    """

    _collection_class = AsyncCollection

    async def command(
        self,
        /,
        command: str | Mapping[str, Any],
        value: Any = 1,
        check: bool = True,
        allowable_errors: Sequence[str | int] | None = None,
        read_preference: Any = None,
        codec_options: CodecOptions[Any] | None = None,
        session: ClientSessionBase | None = None,
        comment: Any = None,
        **kwargs: Any,
    ) -> Any:
        """Run a command and return the server's reply.

        :param command: the command as a mapping with its name first, or only its name.
        :param value: the value of the command's name, if that was given alone.
        :param check: raise OperationFailure when the command fails; False returns the reply.
        :param allowable_errors: error codes, or messages of errors without one, that are returned
            instead of raised.
        :param read_preference: which server to ask; left out, the primary.
        :param codec_options: for the reply, apart from their type decoders; left out, the
            defaults, not those of the database.
        :param kwargs: further fields of the command, in order.
        """
        if comment is not None:
            kwargs["comment"] = comment
        operation = RunCommand(
            self._name,
            _command_fields(command, value, kwargs),
            codec_options or DEFAULT_CODEC_OPTIONS,
            read_preference,
            allowable_errors if check else EVERYTHING,
        )
        return await self._execute(operation, self._core_session(session))

    async def cursor_command(
        self,
        /,
        command: str | Mapping[str, Any],
        value: Any = 1,
        read_preference: Any = None,
        codec_options: CodecOptions[Any] | None = None,
        session: ClientSessionBase | None = None,
        comment: Any = None,
        max_await_time_ms: int | None = None,
        **kwargs: Any,
    ) -> AsyncCommandCursor[DocumentT]:
        """Run a command whose reply is a cursor, and return that.

        :param comment: for the getMores; the command's own comment is one of its fields.
        :param max_await_time_ms: milliseconds a getMore may wait for documents.
        :raises InvalidOperation: if the reply has no cursor.

        Other arguments are those of `command`. All documents are read with the same options,
        those of the reply, whatever batch they come in.
        """
        operation = CursorCommand(
            self._name,
            _command_fields(command, value, kwargs),
            codec_options or DEFAULT_CODEC_OPTIONS,
            read_preference,
        )
        reply = await self._execute(operation, self._core_session(session))
        collection = self._hidden_collection(reply.namespace.partition(".")[2] or "$cmd")
        cursor: AsyncCommandCursor[DocumentT]
        cursor = self._collection_class._command_cursor_class._from_reply(
            collection,
            reply,
            max_await_time_ms=max_await_time_ms,
            session=session,
            comment=comment,
            codec_options=operation.reply_options,
        )
        return cursor

    async def aggregate(
        self,
        /,
        pipeline: Sequence[Mapping[str, Any]],
        session: ClientSessionBase | None = None,
        **kwargs: Any,
    ) -> AsyncCommandCursor[DocumentT]:
        """Run a pipeline that begins without a collection, such as ``$currentOp``.

        Takes the arguments of `AsyncCollection.aggregate`.
        """
        check_pipeline(pipeline)
        let, comment = kwargs.pop("let", None), kwargs.pop("comment", None)
        batch_size, max_await_time_ms, options = aggregate_options(pipeline, let, comment, kwargs)
        target = ReadTarget(
            self._name, "", self.codec_options, self.read_preference, self.read_concern
        )
        operation = Aggregate(target, pipeline, options, self.write_concern)
        reply = await self._execute(operation, self._core_session(session))
        cursor: AsyncCommandCursor[DocumentT]
        cursor = self._collection_class._command_cursor_class._from_reply(
            self._hidden_collection("$cmd.aggregate"),
            reply,
            batch_size=batch_size,
            max_await_time_ms=max_await_time_ms,
            session=session,
            comment=comment,
        )
        return cursor

    async def create_collection(
        self,
        /,
        name: str,
        codec_options: CodecOptions[Any] | None = None,
        read_preference: Any = None,
        write_concern: WriteConcern | None = None,
        read_concern: ReadConcern | None = None,
        session: ClientSessionBase | None = None,
        check_exists: bool | None = True,
        **kwargs: Any,
    ) -> AsyncCollection[DocumentT]:
        """Create a collection and return it.

        :param check_exists: ask first whether it exists.
        :param kwargs: options of the server, such as ``capped``, ``size``, ``timeseries``,
            ``validator``, ``viewOn``, ``clusteredIndex``, ``collation``.
        :raises CollectionInvalid: if it exists and that was to be checked.
        """
        in_transaction = session is not None and session.in_transaction
        with one_deadline(self._core.options.timeout):
            if check_exists and not in_transaction:
                names = await self._collection_names(session, {"filter": {"name": name}}, None)
                if name in names:
                    raise CollectionInvalid(f"collection {name} already exists")
            collection: AsyncCollection[DocumentT] = self._collection_class(
                self, name, False, codec_options, read_preference, write_concern, read_concern
            )
            await self._create(collection, kwargs, session)
        return collection

    async def drop_collection(
        self,
        name_or_collection: str | AsyncCollection[Any],
        session: ClientSessionBase | None = None,
        comment: Any = None,
        encrypted_fields: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        """Drop a collection, given by name or object, and return the server's reply.

        :param encrypted_fields: of a collection with queryable encryption, whose state
            collections are dropped with it.
        """
        name = name_or_collection
        if isinstance(name, self._collection_class):
            name = name.name
        if not isinstance(name, str):
            raise TypeError(f"name_or_collection must be an instance of str, not {type(name)}")
        concern = None if session is not None and session.in_transaction else self.write_concern
        return await self._drop(name, concern, session, comment, encrypted_fields)

    async def list_collections(
        self,
        /,
        session: ClientSessionBase | None = None,
        filter: Mapping[str, Any] | None = None,
        comment: Any = None,
        **kwargs: Any,
    ) -> AsyncCommandCursor[Any]:
        """Return a cursor over descriptions of the collections.

        :param filter: a query on the descriptions.
        :param kwargs: other fields of the command, such as ``nameOnly``.
        """
        if filter is not None:
            kwargs["filter"] = filter
        cursor: AsyncCommandCursor[Any] = await self._list_collections(session, kwargs, comment)
        return cursor

    async def list_collection_names(
        self,
        /,
        session: ClientSessionBase | None = None,
        filter: Mapping[str, Any] | None = None,
        comment: Any = None,
        **kwargs: Any,
    ) -> list[str]:
        """Return the names of the collections. Takes the arguments of `list_collections`."""
        if filter is not None:
            kwargs["filter"] = filter
        return await self._collection_names(session, kwargs, comment)

    async def validate_collection(
        self,
        name_or_collection: str | AsyncCollection[Any],
        scandata: bool = False,
        full: bool = False,
        session: ClientSessionBase | None = None,
        background: bool | None = None,
        comment: Any = None,
    ) -> dict[str, Any]:
        """Check a collection on the server and return its report.

        :param full: check everything, however long that takes.
        :param background: check beside other operations.
        :raises CollectionInvalid: if the collection is not valid.
        """
        name = name_or_collection
        if isinstance(name, self._collection_class):
            name = name.name
        if not isinstance(name, str):
            raise TypeError(
                f"name_or_collection must be an instance of str or Collection, not {type(name)}"
            )
        fields = {
            "validate": name,
            "scandata": scandata,
            "full": full,
            **present(comment=comment, background=background),
        }
        operation = Validate(self._name, fields, DEFAULT_CODEC_OPTIONS)
        report: dict[str, Any] = await self._execute(operation, self._core_session(session))
        return report

    async def dereference(
        self,
        /,
        dbref: DBRef,
        session: ClientSessionBase | None = None,
        comment: Any = None,
        **kwargs: Any,
    ) -> DocumentT | None:
        """Return the document a `DBRef` points to, or None.

        :param kwargs: arguments of `AsyncCollection.find`.
        :raises ValueError: if it points to another database.
        """
        if not isinstance(dbref, DBRef):
            raise TypeError(f"cannot dereference a {type(dbref)}")
        if dbref.database is not None and dbref.database != self._name:
            raise ValueError(
                "trying to dereference a DBRef that points to another database "
                f"({dbref.database!r} not {self._name!r})"
            )
        document: DocumentT | None = await AsyncCollection.find_one(
            self[dbref.collection], {"_id": dbref.id}, session=session, comment=comment, **kwargs
        )
        return document
