"""Rules for database names."""

from __future__ import annotations

from mongodriver.values.errors import InvalidName
from mongodriver.values.public_names import known_as

_FORBIDDEN = (" ", ".", "$", "/", "\\", "\x00", '"')


def _check_name(name: str) -> None:
    """Raise InvalidName if `name` cannot be the name of a database."""
    if not name:
        raise InvalidName("database name cannot be the empty string")
    for character in _FORBIDDEN:
        if character in name:
            raise InvalidName(f"database names cannot contain the character {character!r}")


def check_database_name(name: str) -> None:
    """The same for the databases that commands go to: "$external", of users, is one."""
    # Nothing of what is forbidden is part of an identifier, as most names are.
    if not name.isidentifier() and name != "$external":
        _check_name(name)


known_as("mongodriver.database_shared", globals())
