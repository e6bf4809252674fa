"""The stable API: which version of the commands the server shall hold to."""

from __future__ import annotations

from typing import Any

from mongodriver.values.public_names import known_as

__all__ = ["ServerApi", "ServerApiVersion"]


class ServerApiVersion:
    """The versions there are."""

    V1 = "1"


class ServerApi:
    """Declare an API version to the server (versioned-api specification).

    `strict` makes commands outside the version fail, `deprecation_errors` deprecated ones; None
    leaves both to the server. Raises ValueError for unknown versions, TypeError for flags that
    are no bools.
    """

    def __init__(
        self, version: str, strict: bool | None = None, deprecation_errors: bool | None = None
    ) -> None:
        if version != ServerApiVersion.V1:
            raise ValueError(f"Unknown ServerApi version: {version}")
        _check_flag("strict", strict)
        _check_flag("deprecation_errors", deprecation_errors)
        self._version = version
        self._strict = strict
        self._deprecation_errors = deprecation_errors

    @property
    def version(self) -> str:
        """The API version."""
        return self._version

    @property
    def strict(self) -> bool | None:
        """Whether commands outside the version fail."""
        return self._strict

    @property
    def deprecation_errors(self) -> bool | None:
        """Whether deprecated commands fail."""
        return self._deprecation_errors

    def add_to_command(self, command: dict[str, Any]) -> None:
        """Add the declaration to a command, in place."""
        command["apiVersion"] = self._version
        if self._strict is not None:
            command["apiStrict"] = self._strict
        if self._deprecation_errors is not None:
            command["apiDeprecationErrors"] = self._deprecation_errors


def _check_flag(name: str, value: object) -> None:
    if value is not None and not isinstance(value, bool):
        raise TypeError(
            f"Wrong type for ServerApi {name}, value must be an instance of bool, not {type(value)}"
        )


def api_fields(server_api: Any) -> dict[str, Any]:
    """The fields of a command that declare a ServerApi."""
    fields: dict[str, Any] = {}
    server_api.add_to_command(fields)
    return fields


known_as("mongodriver.server_api", globals())
