"""Read concerns: what a read may see."""

from __future__ import annotations

from typing import Any

from mongodriver.values.public_names import known_as

__all__ = ["DEFAULT_READ_CONCERN", "ReadConcern"]


class ReadConcern:
    """What a read may see: "local", "majority", "linearizable", "available", "snapshot".

    `level` None leaves it to the server. Immutable, equal by value. Raises TypeError if `level`
    is neither a string nor None.
    """

    def __init__(self, level: str | None = None) -> None:
        if level is not None and not isinstance(level, str):
            raise TypeError(f"level must be a string or None, not {type(level)}")
        self.__level = level  # by the name that PyMongo's pickles have

    @property
    def level(self) -> str | None:
        """The level, or None."""
        return self.__level

    @property
    def ok_for_legacy(self) -> bool:
        """Whether servers without read concerns behave like this level."""
        return self.__level is None or self.__level == "local"

    @property
    def document(self) -> dict[str, Any]:
        """The read concern as it is sent to the server; empty for the server's default."""
        return {"level": self.__level} if self.__level else {}

    def __eq__(self, other: object) -> bool:
        if isinstance(other, ReadConcern):
            return self.__level == other.__level
        return NotImplemented

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"ReadConcern({self.__level})" if self.__level else "ReadConcern()"


DEFAULT_READ_CONCERN = ReadConcern()


known_as("mongodriver.read_concern", globals())
