"""Checks of arguments that several operations take."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, MutableMapping
from typing import Any

from bsonx.dbref import DBRef
from mongodriver.values.errors import ConfigurationError, InvalidName, OperationFailure
from mongodriver.values.validators import validate_is_mapping

__all__ = [
    "batch_size_of",
    "check_bypass",
    "check_client_bypass",
    "check_collection_name",
    "check_creation",
    "check_dereferenceable",
    "check_new_name",
    "check_pipeline_options",
    "check_unacknowledged",
    "command_fields",
    "max_await_time_ms_of",
]


def max_await_time_ms_of(value: Any) -> int | None:
    """The value, if it is an int or None; TypeError if not."""
    if value is not None and not isinstance(value, int):
        raise TypeError(f"max_await_time_ms must be an integer or None, not {type(value)}")
    return value


def batch_size_of(value: Any) -> int:
    """The value, if it can be a batch size; TypeError or ValueError if not."""
    if not isinstance(value, int):
        raise TypeError(f"batch_size must be an integer, not {type(value)}")
    if value < 0:
        raise ValueError("batch_size must be >= 0")
    return value


def command_fields(command: Any, value: Any, more: Mapping[str, Any]) -> dict[str, Any]:
    """A user's command as one dict, its name first.

    :param command: the command as a mapping, which gets the fields of `more` as PyMongo's does; or
        its name alone, whose value `value` is then.
    :raises TypeError, ValueError: for what is neither, or empty.
    """
    if isinstance(command, str):
        return {command: value, **more}
    if not isinstance(command, Mapping):
        raise TypeError(f"command must be a str or a mapping, not {type(command)}")
    if not command:
        raise ValueError("command must not be empty")
    if more and isinstance(command, MutableMapping):
        command.update(more)
    return {**command, **more}


def check_creation(options: Mapping[str, Any]) -> None:
    """Raise TypeError for options of a new collection that are no documents."""
    for name in ("encryptedFields", "clusteredIndex"):
        if options.get(name):
            validate_is_mapping(name, options[name])


def check_pipeline_options(options: Mapping[str, Any], database: object) -> None:
    """Raise ConfigurationError for what is a command of its own.

    :param database: whose methods the user has.
    """
    if "explain" in options:
        raise ConfigurationError(
            f"The explain option is not supported. Use {type(database).__name__}.command instead."
        )


def check_unacknowledged(statements: Iterable[Mapping[str, Any]]) -> None:
    """Raise ConfigurationError for options whose errors nobody would see."""
    for statement in statements:
        if "collation" in statement:
            raise ConfigurationError("Collation is unsupported for unacknowledged writes.")
        if "arrayFilters" in statement:
            raise ConfigurationError("arrayFilters is unsupported for unacknowledged writes.")


def check_bypass(bypass_document_validation: bool | None) -> None:
    """Raise OperationFailure: PyMongo does so for several documents, and takes it for one."""
    check_client_bypass(bypass_document_validation or None)


def check_client_bypass(bypass_document_validation: bool | None) -> None:
    """The same, for bulk writes of a client, which may not say False either."""
    if bypass_document_validation is not None:
        raise OperationFailure(
            "Cannot set bypass_document_validation with unacknowledged write concern"
        )


def check_collection_name(name: str) -> None:
    """Raise InvalidName if `name` cannot be the name of a collection."""
    if name.isidentifier():
        return  # most names: nothing of what is forbidden is part of an identifier
    if not name or ".." in name:
        raise InvalidName("collection names cannot be empty")
    if "$" in name and not name.startswith(("oplog.$main", "$cmd")):
        raise InvalidName(f"collection names must not contain '$': {name!r}")
    if name[0] == "." or name[-1] == ".":
        raise InvalidName(f"collection names must not start or end with '.': {name!r}")
    if "\x00" in name:
        raise InvalidName("collection names must not contain the null character")


def check_new_name(name: Any) -> None:
    """Raise TypeError or InvalidName if a collection cannot be renamed to `name`."""
    if not isinstance(name, str):
        raise TypeError(f"new_name must be an instance of str, not {type(name)}")
    if not name or ".." in name:
        raise InvalidName("collection names cannot be empty")
    if name[0] == "." or name[-1] == ".":
        raise InvalidName("collection names must not start or end with '.'")
    if "$" in name and not name.startswith("oplog.$main"):
        raise InvalidName("collection names must not contain '$'")


def check_dereferenceable(dbref: Any, database: str) -> None:
    """Raise TypeError or ValueError if `dbref` points to no document of the database."""
    if not isinstance(dbref, DBRef):
        raise TypeError(f"cannot dereference a {type(dbref)}")
    if dbref.database is not None and dbref.database != database:
        raise ValueError(
            "trying to dereference a DBRef that points to another database "
            f"({dbref.database!r} not {database!r})"
        )
