"""What a database is, apart from its public coroutines: name, options, children, comparison."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Generic, NoReturn, Self, TypeVar

from bsonx.codec_options import DEFAULT_CODEC_OPTIONS
from mongodriver.execution.timeouts import one_deadline
from mongodriver.ops.base import present
from mongodriver.ops.command import CreateEncrypted, ListCommand, WriteCommand
from mongodriver.public.missing import refuse_missing
from mongodriver.replies.catalogue import names
from mongodriver.replies.codec import plain
from mongodriver.values.collation import validate_collation_or_none
from mongodriver.values.database_name import _check_name
from mongodriver.values.inherited_options import BaseObject
from mongodriver.values.requests import IndexModel
from mongodriver.values.write_concern import WriteConcern

if TYPE_CHECKING:
    from bsonx.codec_options import CodecOptions
    from mongodriver.values.read_concern import ReadConcern

    from ..asynchronous.client_session import ClientSessionBase

__all__ = ["DatabaseBase"]

DocumentT = TypeVar("DocumentT", bound=Mapping[str, Any])

_NOT_FOUND = ("ns not found", 26)


class DatabaseBase(BaseObject, Generic[DocumentT]):
    """A database's name and options. They never change; `with_options` makes another one."""

    #: The collection class of this flavour.
    _collection_class: ClassVar[Any]

    def __init__(
        self,
        client: Any,
        name: str,
        codec_options: CodecOptions[DocumentT] | None = None,
        read_preference: Any = None,
        write_concern: WriteConcern | None = None,
        read_concern: ReadConcern | None = None,
    ) -> None:
        super().__init__(
            codec_options or client.codec_options,
            read_preference or client.read_preference,
            write_concern or client.write_concern,
            read_concern or client.read_concern,
        )
        if not isinstance(name, str):
            raise TypeError(f"name must be an instance of str, not {type(name)}")
        if name != "$external":
            _check_name(name)
        self._client = client
        self._name = name
        self._core = core = client._core
        self._execute = core.execute

    def _core_session(self, session: ClientSessionBase | None) -> Any:
        """The session the core works with, for a public one of the same client."""
        return None if session is None else session._core_for(self._core)

    def _hidden_collection(self, name: str) -> Any:
        """A collection object for a cursor's sake: its name is not checked."""
        collection = self._collection_class(self, "$cmd")
        collection._name = name
        collection._full_name = f"{self._name}.{name}"
        return collection

    # -- shared with collections --

    async def _list_collections(
        self, session: ClientSessionBase | None, options: Mapping[str, Any], comment: Any
    ) -> Any:
        fields = {"listCollections": 1, "cursor": {}, **options, **present(comment=comment)}
        operation = ListCommand(
            self._name, fields, self.codec_options, collection="$cmd.listCollections"
        )
        # The entries are documents of the server, not of the user.
        operation.reply_options = plain(self.codec_options)
        reply = await self._execute(operation, self._core_session(session))
        return self._collection_class._command_cursor_class._from_reply(
            self._hidden_collection("$cmd.listCollections"),
            reply,
            session=session,
            comment=comment,
            codec_options=operation.reply_options,
        )

    async def _collection_names(
        self, session: ClientSessionBase | None, options: dict[str, Any], comment: Any
    ) -> list[str]:
        filter = options.pop("filter", None)
        if not filter or set(filter) == {"name"}:
            # Names alone need no lock on the collections.
            options["nameOnly"] = True
        if filter is not None:
            options["filter"] = filter
        with one_deadline(self._core.options.timeout):
            cursor = await self._list_collections(session, options, comment)
            return names(await cursor._all(None), "listCollections", cursor.address)

    async def _run_write(
        self,
        operation: WriteCommand,
        session: ClientSessionBase | None,
    ) -> Any:
        return await self._execute(operation, self._core_session(session))

    async def _create(
        self, collection: Any, options: dict[str, Any], session: ClientSessionBase | None
    ) -> None:
        """Create a collection, with the state collections of queryable encryption if it has it."""
        encrypted_fields = options.get("encryptedFields")
        concern = collection._concern_in(session)
        fields = {"create": collection.name, **options}
        collation = validate_collation_or_none(fields.pop("collation", None))
        if collation is not None:
            fields["collation"] = collation
        if "size" in fields:
            fields["size"] = float(fields["size"])
        if not encrypted_fields:
            await self._run_write(
                WriteCommand(self._name, fields, DEFAULT_CODEC_OPTIONS, concern), session
            )
            return
        clustered = {"clusteredIndex": {"key": {"_id": 1}, "unique": True}}
        with one_deadline(self._core.options.timeout):
            for name in _state_collections(collection.name, encrypted_fields):
                await self._run_write(
                    CreateEncrypted(
                        self._name, {"create": name, **clustered}, DEFAULT_CODEC_OPTIONS, concern
                    ),
                    session,
                )
            await self._run_write(
                CreateEncrypted(self._name, fields, DEFAULT_CODEC_OPTIONS, concern), session
            )
            await collection._create_indexes([IndexModel([("__safeContent__", 1)])], session, {})

    async def _drop(
        self,
        name: str,
        concern: WriteConcern | None,
        session: ClientSessionBase | None,
        comment: Any,
        encrypted_fields: Mapping[str, Any] | None,
    ) -> dict[str, Any]:
        """Drop a collection, and its state collections first if its encrypted fields are given."""
        states = [] if encrypted_fields is None else _state_collections(name, encrypted_fields)
        reply: dict[str, Any] = {}
        with one_deadline(self._core.options.timeout):
            for dropped in (*states, name):
                fields = {"drop": dropped, **present(comment=comment)}
                operation = WriteCommand(
                    self._name, fields, DEFAULT_CODEC_OPTIONS, concern, ignore=_NOT_FOUND
                )
                reply = await self._run_write(operation, session)
        return reply

    # -- public --

    @property
    def client(self) -> Any:
        """The client it was made from."""
        return self._client

    @property
    def name(self) -> str:
        """Name of the database."""
        return self._name

    def with_options(
        self,
        codec_options: CodecOptions[Any] | None = None,
        read_preference: Any = None,
        write_concern: WriteConcern | None = None,
        read_concern: ReadConcern | None = None,
    ) -> Self:
        """Return the same database with other options; None keeps this one's."""
        return type(self)(
            self._client,
            self._name,
            codec_options or self.codec_options,
            read_preference or self.read_preference,
            write_concern or self.write_concern,
            read_concern or self.read_concern,
        )

    def get_collection(
        self,
        name: str,
        codec_options: CodecOptions[Any] | None = None,
        read_preference: Any = None,
        write_concern: WriteConcern | None = None,
        read_concern: ReadConcern | None = None,
    ) -> Any:
        """Return a collection with options of its own; None takes the database's."""
        return self._collection_class(
            self, name, False, codec_options, read_preference, write_concern, read_concern
        )

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(
                f"{type(self).__name__} has no attribute {name!r}. To access the {name}"
                f" collection, use database[{name!r}]."
            )
        return self._collection_class(self, name)

    def __getitem__(self, name: str) -> Any:
        return self._collection_class(self, name)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._client!r}, {self._name!r})"

    def __eq__(self, other: object) -> bool:
        if isinstance(other, type(self)):
            return bool(self._client == other.client and self._name == other.name)
        return NotImplemented

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        return hash((self._client, self._name))

    def __bool__(self) -> NoReturn:
        raise NotImplementedError(
            f"{type(self).__name__} objects do not implement truth value testing or bool(). "
            "Please compare with None instead: database is not None"
        )

    def __call__(self, *args: Any, **kwargs: Any) -> NoReturn:
        refuse_missing(type(self._client).__name__, self._name)
        raise TypeError(f"'{type(self).__name__}' object is not callable")

    # A class with __getitem__ would be iterable by index otherwise.
    __iter__ = None

    def __next__(self) -> NoReturn:
        raise TypeError(f"'{type(self).__name__}' object is not iterable")

    next = __next__


def _state_collections(name: str, encrypted_fields: Mapping[str, Any]) -> list[str]:
    """The collections in which queryable encryption keeps the state of collection `name`."""
    return [
        encrypted_fields.get("escCollection", f"enxcol_.{name}.esc"),
        encrypted_fields.get("ecocCollection", f"enxcol_.{name}.ecoc"),
    ]
