"""Collations: language-specific rules to compare strings by."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mongodriver.values.public_names import known_as
from mongodriver.values.validators import validate_integer, validate_string
from mongodriver.values.write_concern import validate_boolean

__all__ = [
    "Collation",
    "CollationAlternate",
    "CollationCaseFirst",
    "CollationMaxVariable",
    "CollationStrength",
    "validate_collation_or_none",
]


class CollationStrength:
    """How much two strings must differ to be different."""

    PRIMARY = 1
    """Base letters."""
    SECONDARY = 2
    """Accents too."""
    TERTIARY = 3
    """Case too; the server's default."""
    QUATERNARY = 4
    """Punctuation too."""
    IDENTICAL = 5
    """Every code point."""


class CollationAlternate:
    """Whether spaces and punctuation count as letters."""

    NON_IGNORABLE = "non-ignorable"
    SHIFTED = "shifted"


class CollationMaxVariable:
    """What `CollationAlternate.SHIFTED` leaves aside."""

    PUNCT = "punct"
    SPACE = "space"


class CollationCaseFirst:
    """Which case sorts first."""

    UPPER = "upper"
    LOWER = "lower"
    OFF = "off"


_CHECKS = {
    "caseLevel": validate_boolean,
    "caseFirst": validate_string,
    "strength": validate_integer,
    "numericOrdering": validate_boolean,
    "alternate": validate_string,
    "maxVariable": validate_string,
    "normalization": validate_boolean,
    "backwards": validate_boolean,
}


class Collation:
    """Rules to compare strings by; immutable, equal by value.

    `locale` is an ICU locale such as "de" or "en_US"; what is None is left to the server.
    Further keyword arguments are sent as they are. Raises TypeError or ValueError.
    """

    __slots__ = ("__document",)  # the name that PyMongo's pickles have

    def __init__(
        self,
        locale: str,
        caseLevel: bool | None = None,
        caseFirst: str | None = None,
        strength: int | None = None,
        numericOrdering: bool | None = None,
        alternate: str | None = None,
        maxVariable: str | None = None,
        normalization: bool | None = None,
        backwards: bool | None = None,
        **kwargs: Any,
    ) -> None:
        given = {
            "caseLevel": caseLevel,
            "caseFirst": caseFirst,
            "strength": strength,
            "numericOrdering": numericOrdering,
            "alternate": alternate,
            "maxVariable": maxVariable,
            "normalization": normalization,
            "backwards": backwards,
        }
        self.__document: dict[str, Any] = {"locale": validate_string("locale", locale)}
        for name, value in given.items():
            if value is not None:
                self.__document[name] = _CHECKS[name](name, value)
        self.__document.update(kwargs)

    @property
    def document(self) -> dict[str, Any]:
        """The collation as it is sent to the server; a new dict each time."""
        return self.__document.copy()

    def __repr__(self) -> str:
        return "Collation({})".format(
            ", ".join(f"{name}={value!r}" for name, value in self.__document.items())
        )

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Collation):
            return self.__document == other.__document
        return NotImplemented

    def __ne__(self, other: object) -> bool:
        return not self == other

    __hash__ = None  # type: ignore[assignment]


def validate_collation_or_none(
    value: Mapping[str, Any] | Collation | None,
) -> Mapping[str, Any] | None:
    """Return the document of a Collation or mapping, or None; else raise TypeError."""
    if value is None:
        return None
    if isinstance(value, Collation):
        return value.document
    if isinstance(value, dict):
        return value
    raise TypeError("collation must be a dict, an instance of collation.Collation, or None")


known_as("mongodriver.collation", globals())
