"""What a collection is, apart from what it can do: name, options, children, comparison."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Generic, NoReturn, Self, TypeVar

from mongodriver.ops.arguments import check_collection_name
from mongodriver.ops.catalogue_target import CatalogueTarget
from mongodriver.ops.cursor import ReadTarget
from mongodriver.ops.write import WriteTarget
from mongodriver.public.sessions import session_in_use
from mongodriver.values.errors import ConfigurationError
from mongodriver.values.inherited_options import BaseObject
from mongodriver.values.write_concern import DEFAULT_WRITE_CONCERN

if TYPE_CHECKING:
    from bsonx._documents import Document
    from bsonx.codec_options import CodecOptions
    from mongodriver.client.client import Client
    from mongodriver.values.read_concern import ReadConcern
    from mongodriver.values.read_preferences import _ServerMode
    from mongodriver.values.write_concern import WriteConcern

    from .sessions import ClientSessionBase

__all__ = ["CollectionBase", "ReturnDocument"]

DocumentT = TypeVar("DocumentT", bound="Document")
OtherT = TypeVar("OtherT", bound="Document")
#: The database and the session of the flavour.
DatabaseT = TypeVar("DatabaseT")
SessionT = TypeVar("SessionT")


class ReturnDocument:
    """Which document ``find_one_and_update`` and ``find_one_and_replace`` return."""

    #: As it was before the change; None if it was inserted.
    BEFORE = False
    #: As it is after the change.
    AFTER = True


class CollectionBase(BaseObject, Generic[DocumentT, DatabaseT, SessionT]):
    """A collection's name and options. They never change; `with_options` makes another one."""

    #: The classes of this flavour that a collection makes.
    _cursor_class: ClassVar[Any]
    _raw_cursor_class: ClassVar[Any]
    _command_cursor_class: ClassVar[Any]
    _raw_command_cursor_class: ClassVar[Any]

    def __init__(
        self,
        database: DatabaseT,
        name: str,
        create: bool | None = False,
        codec_options: CodecOptions[OtherT] | None = None,
        read_preference: _ServerMode | None = None,
        write_concern: WriteConcern | None = None,
        read_concern: ReadConcern | None = None,
        session: SessionT | None = None,
        **kwargs: Any,
    ) -> None:
        parent: Any = database
        self._inherit(parent, codec_options, read_preference, write_concern, read_concern)
        if not isinstance(name, str):
            raise TypeError(f"name must be an instance of str, not {type(name)}")
        check_collection_name(name)
        self._database = parent
        self._core: Client = parent._core
        self._name = name
        # Made when first needed: many collections are only a step on the way to another one.
        self._read_target: ReadTarget | None = None
        self._write_target: WriteTarget | None = None
        if create or kwargs:
            self._create_now(kwargs, session)

    def _create_now(self, options: dict[str, Any], session: Any) -> None:
        """Create the collection on the server, as deprecated constructor arguments ask."""
        raise ValueError(
            f"{type(self).__name__} does not support the `create` or `kwargs` arguments."
        )

    # -- what operations need --

    def _reading(self) -> ReadTarget:
        """The target of reads with this collection's options."""
        target = self._read_target
        if target is None:
            target = self._read_target = ReadTarget(
                self._database._name,
                self._name,
                self._codec_options,
                self._read_preference,
                self._read_concern,
            )
        return target

    def _writing(self, session: ClientSessionBase | None = None) -> WriteTarget:
        """The target of writes with this collection's options.

        Raises ConfigurationError for an explicit session with w=0, but not in a transaction.
        """
        target = self._write_target
        if target is None:
            target = self._write_target = WriteTarget(
                self._database._name, self._name, self._codec_options, self._write_concern
            )
        if session is not None and not target.acknowledged:
            return self._writing_in(session)
        return target

    def _writing_in(self, session: ClientSessionBase) -> WriteTarget:
        """The target of writes that would not be acknowledged but for a transaction, whose write
        concern is the one that counts.
        """
        if not session.in_transaction:
            raise ConfigurationError(
                "Explicit sessions are incompatible with unacknowledged write concern: "
                f"{self.write_concern!r}"
            )
        return WriteTarget(
            self._database._name, self._name, self._codec_options, DEFAULT_WRITE_CONCERN
        )

    def _catalogue(self, session: ClientSessionBase | None) -> CatalogueTarget:
        """The target of commands about the collection: in a transaction they have no concern."""
        core = session_in_use(session)
        concern = None if core is not None and core.in_transaction else self._write_concern
        return CatalogueTarget(self._database._name, self._name, concern)

    # -- public --

    @property
    def full_name(self) -> str:
        """Name with the database's: "database.collection"."""
        return f"{self._database._name}.{self._name}"

    @property
    def name(self) -> str:
        """Name of the collection."""
        return self._name

    @property
    def database(self) -> DatabaseT:
        """The database it was made from."""
        database: DatabaseT = self._database
        return database

    def with_options(
        self,
        codec_options: CodecOptions[Any] | None = None,
        read_preference: _ServerMode | None = None,
        write_concern: WriteConcern | None = None,
        read_concern: ReadConcern | None = None,
    ) -> Any:
        """Return the same collection with other options; None keeps this one's.

        It is a collection of the driver's class, whatever class of an application's this one is of.
        """
        return self._database._collection_class(
            self._database,
            self._name,
            False,
            codec_options or self.codec_options,
            read_preference or self.read_preference,
            write_concern or self.write_concern,
            read_concern or self.read_concern,
        )

    def __getattr__(self, name: str) -> Self:
        if name.startswith("_"):
            full_name = f"{self._name}.{name}"
            raise AttributeError(
                f"{type(self).__name__} has no attribute {name!r}. To access the {full_name}"
                f" collection, use database['{full_name}']."
            )
        return self[name]

    def __getitem__(self, name: str) -> Self:
        inner: Self = self._database._collection_class(
            self._database,
            f"{self._name}.{name}",
            False,
            self.codec_options,
            self.read_preference,
            self.write_concern,
            self.read_concern,
        )
        return inner

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._database!r}, {self._name!r})"

    def __eq__(self, other: object) -> bool:
        if isinstance(other, type(self)):
            return bool(self._database == other.database and self._name == other.name)
        return NotImplemented

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        return hash((self._database, self._name))

    def __bool__(self) -> NoReturn:
        raise NotImplementedError(
            f"{type(self).__name__} objects do not implement truth value testing or bool(). "
            "Please compare with None instead: collection is not None"
        )

    # A class with __getitem__ would be iterable by index otherwise.
    __iter__ = None

    def __next__(self) -> NoReturn:
        raise TypeError(f"'{type(self).__name__}' object is not iterable")

    next = __next__

    def __call__(self, *args: Any, **kwargs: Any) -> NoReturn:
        from mongodriver.public.suggestions import did_you_mean

        parent, _, method = self._name.rpartition(".")
        of = type(self if parent else self._database)
        owner = of.__name__
        article = "an" if owner == "AsyncDatabase" else "a"
        raise TypeError(
            f"'{type(self).__name__}' object is not callable. If you meant to call the "
            f"'{method}' method on {article} '{owner}' object it is failing because no such "
            f"method exists.{did_you_mean(of, method)}"
        )
