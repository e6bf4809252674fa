"""What a database is, apart from what it can do: name, options, children, comparison."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Generic, NoReturn, TypeVar

from mongodriver.ops.catalogue_target import CatalogueTarget
from mongodriver.ops.cursor import CursorReply, ReadTarget
from mongodriver.public.sessions import session_in_use
from mongodriver.values.database_name import check_database_name
from mongodriver.values.inherited_options import BaseObject

if TYPE_CHECKING:
    from bsonx._documents import Document
    from bsonx.codec_options import CodecOptions
    from mongodriver.client.client import Client
    from mongodriver.values.read_concern import ReadConcern
    from mongodriver.values.read_preferences import _ServerMode
    from mongodriver.values.write_concern import WriteConcern

    from .sessions import ClientSessionBase

__all__ = ["DatabaseBase"]

DocumentT = TypeVar("DocumentT", bound="Document")
OtherT = TypeVar("OtherT", bound="Document")
#: The client and the collection of the flavour, of these documents.
ClientT = TypeVar("ClientT")
CollectionT = TypeVar("CollectionT")


class DatabaseBase(BaseObject, Generic[DocumentT, ClientT, CollectionT]):
    """A database's name and options. They never change; `with_options` makes another one."""

    #: The collection class of this flavour.
    _collection_class: ClassVar[Any]

    def __init__(
        self,
        client: ClientT,
        name: str,
        codec_options: CodecOptions[OtherT] | None = None,
        read_preference: _ServerMode | None = None,
        write_concern: WriteConcern | None = None,
        read_concern: ReadConcern | None = None,
    ) -> None:
        parent: Any = client
        self._inherit(parent, codec_options, read_preference, write_concern, read_concern)
        if not isinstance(name, str):
            raise TypeError(f"name must be an instance of str, not {type(name)}")
        check_database_name(name)
        self._client = client
        self._core: Client = parent._core
        self._name = name

    # -- what operations need --

    def _reading(self) -> ReadTarget:
        """The target of reads that have no collection."""
        return ReadTarget(
            self._name, "", self._codec_options, self._read_preference, self._read_concern
        )

    def _catalogue(self, name: str, session: ClientSessionBase | None) -> CatalogueTarget:
        """The target of commands about a collection: in a transaction they have no concern."""
        core = session_in_use(session)
        concern = None if core is not None and core.in_transaction else self._write_concern
        return CatalogueTarget(self._name, name, concern)

    def _command_cursor(self, reply: CursorReply, codec_options: Any, **options: Any) -> Any:
        """A cursor over the reply to a command, `options` being those of such cursors."""
        cursor_class = self._collection_class._command_cursor_class
        return cursor_class._from_reply(self._core, reply, codec_options, **options)

    def _name_of(self, collection: Any, expected: str) -> str:
        """The name of a collection that is given by name or as an object."""
        name = collection.name if isinstance(collection, self._collection_class) else collection
        if not isinstance(name, str):
            raise TypeError(
                f"name_or_collection must be an instance of {expected}, not {type(name)}"
            )
        return name

    # -- public --

    @property
    def client(self) -> ClientT:
        """The client it was made from."""
        return self._client

    @property
    def name(self) -> str:
        """Name of the database."""
        return self._name

    def with_options(
        self,
        codec_options: CodecOptions[Any] | None = None,
        read_preference: _ServerMode | None = None,
        write_concern: WriteConcern | None = None,
        read_concern: ReadConcern | None = None,
    ) -> Any:
        """Return the same database with other options; None keeps this one's.

        It is a database of the driver's class, whatever class of an application's this one is of.
        """
        client: Any = self._client
        return client._database_class(
            client,
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
        read_preference: _ServerMode | None = None,
        write_concern: WriteConcern | None = None,
        read_concern: ReadConcern | None = None,
    ) -> Any:
        """Return a collection with options of its own; None takes the database's."""
        return self._collection_class(
            self, name, False, codec_options, read_preference, write_concern, read_concern
        )

    def __getattr__(self, name: str) -> CollectionT:
        if name.startswith("_"):
            raise AttributeError(
                f"{type(self).__name__} has no attribute {name!r}. To access the {name}"
                f" collection, use database[{name!r}]."
            )
        collection: CollectionT = self._collection_class(self, name)
        return collection

    def __getitem__(self, name: str) -> CollectionT:
        collection: CollectionT = self._collection_class(self, name)
        return collection

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
        from mongodriver.public.suggestions import did_you_mean

        hint = did_you_mean(type(self._client), self._name)
        raise TypeError(
            f"'{type(self).__name__}' object is not callable{'.' + hint if hint else ''}"
        )

    # A class with __getitem__ would be iterable by index otherwise.
    __iter__ = None

    def __next__(self) -> NoReturn:
        raise TypeError(f"'{type(self).__name__}' object is not iterable")

    next = __next__
