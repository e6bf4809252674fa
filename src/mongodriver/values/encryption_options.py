"""Options of encrypted values, and what is told of a connection to a key management service."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypedDict

from bsonx.int64 import Int64

from .public_names import known_as

__all__ = [
    "KMSConnectContext",
    "PrefixOpts",
    "RangeOpts",
    "StringOpts",
    "SubstringOpts",
    "SuffixOpts",
]


class RangeOpts:
    """Options of `Algorithm.RANGE`; they must be those of the field's ``encryptedFields``.

    :param sparsity: how dense the index is: less makes queries faster and documents larger.
    :param trim_factor: how many levels at the top of the index are left out.
    :param min: the smallest value; of the same type as the values.
    :param max: the largest.
    :param precision: of double and decimal values: how many decimal places count.
    """

    def __init__(
        self,
        sparsity: int | None = None,
        trim_factor: int | None = None,
        min: Any | None = None,
        max: Any | None = None,
        precision: int | None = None,
    ) -> None:
        self.min = min
        self.max = max
        self.sparsity = sparsity
        self.trim_factor = trim_factor
        self.precision = precision

    @property
    def document(self) -> dict[str, Any]:
        """The options that are given, by the names libmongocrypt has for them."""
        named = {
            "sparsity": None if self.sparsity is None else Int64(self.sparsity),
            "trimFactor": self.trim_factor,
            "precision": self.precision,
            "min": self.min,
            "max": self.max,
        }
        return {name: value for name, value in named.items() if value is not None}


class SubstringOpts(TypedDict):
    """Options of queries for substrings, all of them lengths in characters."""

    #: Of the longest text that can be stored.
    strMaxLength: int
    #: Of the shortest text that can be queried for.
    strMinQueryLength: int
    #: Of the longest text that can be queried for.
    strMaxQueryLength: int


class PrefixOpts(TypedDict):
    """Options of queries for prefixes, all of them lengths in characters."""

    #: Of the shortest text that can be queried for.
    strMinQueryLength: int
    #: Of the longest text that can be queried for.
    strMaxQueryLength: int


class SuffixOpts(TypedDict):
    """Options of queries for suffixes, all of them lengths in characters."""

    #: Of the shortest text that can be queried for.
    strMinQueryLength: int
    #: Of the longest text that can be queried for.
    strMaxQueryLength: int


class StringOpts:
    """Options of `Algorithm.STRING`; they must be those of the field's ``encryptedFields``.

    :param substring: allow queries for substrings.
    :param prefix: allow queries for prefixes.
    :param suffix: allow queries for suffixes.
    :param case_sensitive: upper case and lower case differ.
    :param diacritic_sensitive: letters with and without diacritics differ.
    """

    def __init__(
        self,
        substring: SubstringOpts | None = None,
        prefix: PrefixOpts | None = None,
        suffix: SuffixOpts | None = None,
        case_sensitive: bool | None = None,
        diacritic_sensitive: bool | None = None,
    ) -> None:
        self.substring = substring
        self.prefix = prefix
        self.suffix = suffix
        self.case_sensitive = case_sensitive
        self.diacritic_sensitive = diacritic_sensitive

    @property
    def document(self) -> dict[str, Any]:
        """The options that are given, by the names libmongocrypt has for them."""
        named = {
            "substring": self.substring,
            "prefix": self.prefix,
            "suffix": self.suffix,
            "caseSensitive": self.case_sensitive,
            "diacriticSensitive": self.diacritic_sensitive,
        }
        return {name: value for name, value in named.items() if value is not None}


@dataclass(frozen=True)
class KMSConnectContext:
    """What a ``kms_connect_callback`` is to connect with.

    :param host: of the key management service.
    :param port: of the key management service.
    :param timeout: the seconds that are left for it.
    """

    host: str
    port: int
    timeout: float


known_as("mongodriver.encryption_options", globals())
