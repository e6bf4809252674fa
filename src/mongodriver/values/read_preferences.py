"""Read preferences: which members of a deployment may answer a read."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import Any

from mongodriver.values import server_selectors as selectors
from mongodriver.values.errors import ConfigurationError
from mongodriver.values.public_names import known_as
from mongodriver.values.server_selectors import (
    Selection,
    member_with_tags_server_selector,
    secondary_with_tags_server_selector,
)

__all__ = [
    "Nearest",
    "Primary",
    "PrimaryPreferred",
    "ReadPreference",
    "Secondary",
    "SecondaryPreferred",
    "make_read_preference",
    "read_pref_mode_from_name",
]

_PRIMARY = 0
_PRIMARY_PREFERRED = 1
_SECONDARY = 2
_SECONDARY_PREFERRED = 3
_NEAREST = 4

_MONGOS_MODES = ("primary", "primaryPreferred", "secondary", "secondaryPreferred", "nearest")
_MODES = ("PRIMARY", "PRIMARY_PREFERRED", "SECONDARY", "SECONDARY_PREFERRED", "NEAREST")

_Hedge = Mapping[str, Any]
_TagSets = Sequence[Mapping[str, Any]]

_HEDGE_DEPRECATED = (
    "The read preference 'hedge' option is deprecated in PyMongo 4.12+ because hedged reads are "
    "deprecated in MongoDB version 8.0+. Support for 'hedge' will be removed in PyMongo 5.0."
)


def _validate_tag_sets(tag_sets: Any) -> list[Mapping[str, Any]] | None:
    """Return the tag sets as a list; raise TypeError or ValueError if they are none."""
    if tag_sets is None:
        return None
    if not isinstance(tag_sets, (list, tuple)):
        raise TypeError(f"Tag sets {tag_sets!r} invalid, must be a sequence")
    if not tag_sets:
        raise ValueError(
            f"Tag sets {tag_sets!r} invalid, must be None or contain at least one set of tags"
        )
    for tags in tag_sets:
        if not isinstance(tags, Mapping):
            raise TypeError(
                f"Tag set {tags!r} invalid, must be an instance of dict, "
                "bson.son.SON or other type that inherits from collection.Mapping"
            )
    return list(tag_sets)


def _validate_max_staleness(max_staleness: Any) -> int:
    """Return the bound in seconds (-1: none); raise TypeError or ValueError if it is neither."""
    if max_staleness == -1:
        return -1
    message = f"maxStalenessSeconds must be a positive integer, not {max_staleness}"
    if not isinstance(max_staleness, int):
        raise TypeError(message)
    if max_staleness <= 0:
        raise ValueError(message)
    return max_staleness


def _validate_hedge(hedge: Any) -> _Hedge | None:
    """Return the hedge document; raise TypeError if it is not a dict."""
    if hedge is None:
        return None
    if not isinstance(hedge, dict):
        raise TypeError(f"hedge must be a dictionary, not {hedge!r}")
    warnings.warn(_HEDGE_DEPRECATED, DeprecationWarning, stacklevel=4)
    return hedge


class _ServerMode:
    """What the five read preferences have in common; immutable, equal by value."""

    __slots__ = ("_hedge", "_max_staleness", "_mode", "_tag_sets")

    def __init__(
        self,
        mode: int,
        tag_sets: _TagSets | None = None,
        max_staleness: int = -1,
        hedge: _Hedge | None = None,
    ) -> None:
        self._mode = mode
        self._tag_sets = _validate_tag_sets(tag_sets)
        self._max_staleness = _validate_max_staleness(max_staleness)
        self._hedge = _validate_hedge(hedge)

    @property
    def name(self) -> str:
        """The name of the class."""
        return self.__class__.__name__

    @property
    def mode(self) -> int:
        """The mode as a number, 0 (primary) to 4 (nearest)."""
        return self._mode

    @property
    def mongos_mode(self) -> str:
        """The mode as it is spelled in commands and connection strings."""
        return _MONGOS_MODES[self._mode]

    @property
    def tag_sets(self) -> _TagSets:
        """The tag sets in order of preference; a single empty one matches every member."""
        return list(self._tag_sets) if self._tag_sets else [{}]

    @property
    def max_staleness(self) -> int:
        """The estimated staleness, in seconds, a secondary may have; -1 for no bound."""
        return self._max_staleness

    @property
    def hedge(self) -> _Hedge | None:
        """The hedged reads document (deprecated), or None."""
        if self._hedge is not None:
            warnings.warn(_HEDGE_DEPRECATED, DeprecationWarning, stacklevel=2)
        return self._hedge

    @property
    def document(self) -> dict[str, Any]:
        """The preference as it is sent in `$readPreference`."""
        document: dict[str, Any] = {"mode": self.mongos_mode}
        if self._tag_sets not in (None, [{}]):
            document["tags"] = self._tag_sets
        if self._max_staleness != -1:
            document["maxStalenessSeconds"] = self._max_staleness
        if self._hedge:
            document["hedge"] = self._hedge
        return document

    @property
    def min_wire_version(self) -> int:
        """The lowest wire version that knows all the options used."""
        return 0 if self._max_staleness == -1 else 5

    def __call__(self, selection: Selection) -> Selection:
        """Return the servers of `selection` that may answer the read."""
        raise TypeError(f"{self.name!r} object is not callable")

    def __repr__(self) -> str:
        return (
            f"{self.name}(tag_sets={self._tag_sets!r}, max_staleness={self._max_staleness!r}, "
            f"hedge={self._hedge!r})"
        )

    def __eq__(self, other: object) -> bool:
        if isinstance(other, _ServerMode):
            return (
                self._mode == other._mode
                and self.tag_sets == other.tag_sets
                and self._max_staleness == other._max_staleness
                and self._hedge == other._hedge
            )
        return NotImplemented

    def __ne__(self, other: object) -> bool:
        return not self == other

    __hash__ = None  # type: ignore[assignment]

    def __getstate__(self) -> dict[str, Any]:
        return {
            "mode": self._mode,
            "tag_sets": self._tag_sets,
            "max_staleness": self._max_staleness,
            "hedge": self._hedge,
        }

    def __setstate__(self, state: Mapping[str, Any]) -> None:
        self._mode = state["mode"]
        self._tag_sets = _validate_tag_sets(state["tag_sets"])
        self._max_staleness = _validate_max_staleness(state["max_staleness"])
        self._hedge = state["hedge"]


class Primary(_ServerMode):
    """Read from the primary only; the default."""

    __slots__ = ()

    def __init__(self) -> None:
        super().__init__(_PRIMARY)

    def __call__(self, selection: Selection) -> Selection:
        return selection.primary_selection

    def __repr__(self) -> str:
        return "Primary()"

    def __eq__(self, other: object) -> bool:
        if isinstance(other, _ServerMode):
            return other.mode == _PRIMARY
        return NotImplemented

    __hash__ = None


class PrimaryPreferred(_ServerMode):
    """Read from the primary, and from a secondary while there is none.

    `tag_sets` (mappings in order of preference), `max_staleness` (seconds, at least 90; -1 for
    no bound) and `hedge` narrow the secondaries.
    """

    __slots__ = ()

    def __init__(
        self,
        tag_sets: _TagSets | None = None,
        max_staleness: int = -1,
        hedge: _Hedge | None = None,
    ) -> None:
        super().__init__(_PRIMARY_PREFERRED, tag_sets, max_staleness, hedge)

    def __call__(self, selection: Selection) -> Selection:
        if selection.primary:
            return selection.primary_selection
        return secondary_with_tags_server_selector(
            self.tag_sets, selectors.fresh_enough(self._max_staleness, selection)
        )


class Secondary(_ServerMode):
    """Read from secondaries only; arguments as of `PrimaryPreferred`."""

    __slots__ = ()

    def __init__(
        self,
        tag_sets: _TagSets | None = None,
        max_staleness: int = -1,
        hedge: _Hedge | None = None,
    ) -> None:
        super().__init__(_SECONDARY, tag_sets, max_staleness, hedge)

    def __call__(self, selection: Selection) -> Selection:
        return secondary_with_tags_server_selector(
            self.tag_sets, selectors.fresh_enough(self._max_staleness, selection)
        )


class SecondaryPreferred(_ServerMode):
    """Read from a secondary, and from the primary if none is suitable."""

    __slots__ = ()

    def __init__(
        self,
        tag_sets: _TagSets | None = None,
        max_staleness: int = -1,
        hedge: _Hedge | None = None,
    ) -> None:
        super().__init__(_SECONDARY_PREFERRED, tag_sets, max_staleness, hedge)

    def __call__(self, selection: Selection) -> Selection:
        secondaries = secondary_with_tags_server_selector(
            self.tag_sets, selectors.fresh_enough(self._max_staleness, selection)
        )
        return secondaries or selection.primary_selection


class Nearest(_ServerMode):
    """Read from any member, primary or secondary, that is near; arguments narrow them all."""

    __slots__ = ()

    def __init__(
        self,
        tag_sets: _TagSets | None = None,
        max_staleness: int = -1,
        hedge: _Hedge | None = None,
    ) -> None:
        super().__init__(_NEAREST, tag_sets, max_staleness, hedge)

    def __call__(self, selection: Selection) -> Selection:
        return member_with_tags_server_selector(
            self.tag_sets, selectors.fresh_enough(self._max_staleness, selection)
        )


_ALL_READ_PREFERENCES = (Primary, PrimaryPreferred, Secondary, SecondaryPreferred, Nearest)


def make_read_preference(
    mode: int, tag_sets: _TagSets | None, max_staleness: int = -1
) -> _ServerMode:
    """Return the read preference for a mode number, tag sets and a bound in seconds.

    Raises ConfigurationError if `mode` is primary and the others are given.
    """
    if mode == _PRIMARY:
        if tag_sets not in (None, [{}]):
            raise ConfigurationError("Read preference primary cannot be combined with tags")
        if max_staleness != -1:
            raise ConfigurationError(
                "Read preference primary cannot be combined with maxStalenessSeconds"
            )
        return ReadPreference.PRIMARY
    kind: Any = _ALL_READ_PREFERENCES[mode]
    preference: _ServerMode = kind(tag_sets, max_staleness)
    return preference


class ReadPreference:
    """The five read preferences without further options."""

    PRIMARY = Primary()
    PRIMARY_PREFERRED = PrimaryPreferred()
    SECONDARY = Secondary()
    SECONDARY_PREFERRED = SecondaryPreferred()
    NEAREST = Nearest()


def read_pref_mode_from_name(name: str) -> int:
    """Return the mode number of a name such as "secondaryPreferred"; ValueError if unknown."""
    return _MONGOS_MODES.index(name)


known_as("mongodriver.read_preferences", globals())
