"""JavaScript code."""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping
from copy import copy
from typing import Any

from bsonx._markers import Markers as _Markers
from bsonx._storage import CodeStorage

__all__ = ["Code"]


class Code(CodeStorage):
    """JavaScript source, with the variables it may use (``scope``) or without (None).

    ``code`` is a str or a Code, whose scope is then taken over; keyword arguments are added to
    the scope. TypeError for other types. Stored as BSON type 0x0D, or 0x0F with a scope.
    """

    _type_marker = _Markers.CODE

    __scope: Mapping[str, Any] | None

    def __new__(
        cls,
        code: str | Code,
        scope: Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> Code:
        if not isinstance(code, str):
            raise TypeError(f"code must be an instance of str, not {type(code)}")
        self = str.__new__(cls, code)
        self.__scope = code.scope if isinstance(code, Code) else None
        if scope is not None:
            if not isinstance(scope, Mapping):
                raise TypeError(f"scope must be an instance of dict, not {type(scope)}")
            self.__merge(scope)
        if kwargs:
            self.__merge(kwargs)
        return self

    def __merge(self, more: Mapping[str, Any]) -> None:
        if self.__scope is None:
            self.__scope = more
        elif isinstance(self.__scope, MutableMapping):
            self.__scope = copy(self.__scope)  # the one given is the caller's
            self.__scope.update(more)
        else:
            self.__scope = {**self.__scope, **more}

    @property
    def scope(self) -> Mapping[str, Any] | None:
        """The variables, or None for code that has no scope."""
        return self.__scope

    def __repr__(self) -> str:
        return f"Code({str.__repr__(self)}, {self.__scope!r})"

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Code):
            return (self.__scope, str(self)) == (other.__scope, str(other))
        return False

    def __ne__(self, other: object) -> bool:
        return not self == other

    __hash__ = None  # type: ignore[assignment]
