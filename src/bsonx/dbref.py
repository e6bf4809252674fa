"""References to documents."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from typing import Any

from bsonx._markers import Markers as _Markers
from bsonx.son import SON

__all__ = ["DBRef"]


class DBRef:
    """A reference to the document ``id`` of ``collection``, perhaps in another ``database``.

    Extra fields come from ``_extra`` and the keyword arguments and read as attributes.
    """

    __slots__ = ("__collection", "__database", "__id", "__kwargs")

    _type_marker = _Markers.DBREF

    def __init__(
        self,
        collection: str,
        id: Any,
        database: str | None = None,
        _extra: Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        if not isinstance(collection, str):
            raise TypeError(f"collection must be an instance of str, not {type(collection)}")
        if database is not None and not isinstance(database, str):
            raise TypeError(f"database must be an instance of str, not {type(database)}")
        self.__collection = collection
        self.__id = id
        self.__database = database
        kwargs.update(_extra or {})
        self.__kwargs = kwargs

    @property
    def collection(self) -> str:
        """The name of the collection."""
        return self.__collection

    @property
    def id(self) -> Any:
        """The ``_id`` of the document."""
        return self.__id

    @property
    def database(self) -> str | None:
        """The name of the database, or None for the database of the referring document."""
        return self.__database

    def __getattr__(self, key: Any) -> Any:
        # Copying and pickling ask for special methods before there are any fields.
        if key.startswith("_DBRef__"):
            raise AttributeError(key)
        try:
            return self.__kwargs[key]
        except KeyError:
            raise AttributeError(key) from None

    def as_doc(self) -> SON[str, Any]:
        """Return the stored form: ``$ref``, ``$id``, ``$db`` if any, then the extra fields."""
        doc: SON[str, Any] = SON([("$ref", self.__collection), ("$id", self.__id)])
        if self.__database is not None:
            doc["$db"] = self.__database
        doc.update(self.__kwargs)
        return doc

    def __repr__(self) -> str:
        extra = "".join(f", {key}={value!r}" for key, value in self.__kwargs.items())
        database = "" if self.__database is None else f", {self.__database!r}"
        return f"DBRef({self.__collection!r}, {self.__id!r}{database}{extra})"

    def __key(self) -> tuple[Any, ...]:
        return self.__collection, self.__database, self.__id, self.__kwargs

    def __eq__(self, other: object) -> bool:
        if isinstance(other, DBRef):
            return self.__key() == other.__key()
        return NotImplemented

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        extra = tuple(sorted(self.__kwargs.items()))
        return hash((self.__collection, self.__id, self.__database, extra))

    def __deepcopy__(self, memo: Any) -> DBRef:
        return DBRef(
            deepcopy(self.__collection, memo),
            deepcopy(self.__id, memo),
            deepcopy(self.__database, memo),
            deepcopy(self.__kwargs, memo),
        )

    def __getstate__(self) -> Mapping[Any, Any]:
        return {
            "_DBRef__collection": self.__collection,
            "_DBRef__database": self.__database,
            "_DBRef__id": self.__id,
            "_DBRef__kwargs": self.__kwargs,
        }

    def __setstate__(self, state: Any) -> None:
        for name, value in state.items():
            setattr(self, name, value)
