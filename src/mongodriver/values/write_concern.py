"""Write concerns: how many members must acknowledge a write."""

from __future__ import annotations

from typing import Any

from mongodriver.values.errors import ConfigurationError
from mongodriver.values.public_names import known_as

__all__ = ["DEFAULT_WRITE_CONCERN", "WriteConcern", "validate_boolean"]


def validate_boolean(option: str, value: Any) -> bool:
    """Return `value` if it is a bool, else raise TypeError naming `option`."""
    if isinstance(value, bool):
        return value
    raise TypeError(f"{option} must be True or False, was: {option}={value}")


class WriteConcern:
    """How a write is acknowledged; immutable, equal by value.

    `w` is a number of members or the name of a tag set or "majority" (0: not acknowledged at
    all), `wtimeout` a limit in milliseconds, `j` whether the journal must be written. `fsync`
    is of old servers and excludes `j`. Whatever is None is left to the server.

    Raises TypeError, ValueError, or ConfigurationError for combinations that exclude each other.
    """

    # By the names that PyMongo's pickles have.
    __slots__ = ("__acknowledged", "__document", "__server_default")

    def __init__(
        self,
        w: int | str | None = None,
        wtimeout: int | None = None,
        j: bool | None = None,
        fsync: bool | None = None,
    ) -> None:
        document: dict[str, Any] = {}
        if wtimeout is not None:
            document["wtimeout"] = _checked_wtimeout(wtimeout)
        if j is not None:
            document["j"] = validate_boolean("j", j)
        if fsync is not None:
            document["fsync"] = validate_boolean("fsync", fsync)
            if j and fsync:
                raise ConfigurationError("Can't set both j and fsync at the same time")
        if w is not None:
            document["w"] = _checked_w(w)
            if w == 0 and j:
                raise ConfigurationError("Cannot set w to 0 and j to True")
        self.__document = document
        self.__acknowledged = document.get("w") != 0
        self.__server_default = not document

    @property
    def is_server_default(self) -> bool:
        """Whether nothing is set, so that the server's default applies."""
        return self.__server_default

    @property
    def document(self) -> dict[str, Any]:
        """The write concern as it is sent to the server; a new dict each time."""
        return self.__document.copy()

    @property
    def acknowledged(self) -> bool:
        """False for w=0: the server sends no reply."""
        return self.__acknowledged

    def __repr__(self) -> str:
        return "WriteConcern({})".format(
            ", ".join(f"{name}={value!r}" for name, value in self.__document.items())
        )

    def __eq__(self, other: object) -> bool:
        if isinstance(other, WriteConcern):
            return self.__document == other.__document
        return NotImplemented

    def __ne__(self, other: object) -> bool:
        if isinstance(other, WriteConcern):
            return self.__document != other.__document
        return NotImplemented

    __hash__ = None  # type: ignore[assignment]


def _checked_wtimeout(wtimeout: Any) -> int:
    if not isinstance(wtimeout, int):
        raise TypeError(f"wtimeout must be an integer, not {type(wtimeout)}")
    if wtimeout < 0:
        raise ValueError("wtimeout cannot be less than 0")
    return wtimeout


def _checked_w(w: Any) -> int | str:
    if not isinstance(w, (int, str)):
        raise TypeError(f"w must be an integer or string, not {type(w)}")
    if isinstance(w, int) and w < 0:
        raise ValueError("w cannot be less than 0")
    return w


DEFAULT_WRITE_CONCERN = WriteConcern()


known_as("mongodriver.write_concern", globals())
