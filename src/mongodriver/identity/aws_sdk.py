"""Credentials of AWS as its own library finds them: profiles, single sign-on, and more.

The authentication specification wants that where the library, `botocore`, is installed (the extra
"aws"); `aws.py` does without it what the specification lists.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

from ..auth.sigv4 import AwsCredentials
from ..values.errors import OperationFailure

_WHAT = "AWS credentials"


class Sdk:
    """What the library has found last. It refreshes that by itself."""

    def __init__(self) -> None:
        self._found: Any = None

    def kept(self) -> AwsCredentials | None:
        """The credentials that were found before; None if none were."""
        found = self._found
        return None if found is None else _frozen(found)

    def find(self) -> AwsCredentials | None:
        """The credentials that the library finds; None where it is not installed.

        :raises OperationFailure: where it finds none.
        """
        try:
            session: Any = import_module("botocore.session")
        except ImportError:
            return None
        errors = import_module("botocore.exceptions")
        try:
            found = session.Session().get_credentials()
        except errors.BotoCoreError as exc:
            raise OperationFailure(f"{_WHAT} cannot be had: {exc}") from exc
        if found is None:
            raise OperationFailure(f"{_WHAT} cannot be had: botocore finds none")
        credentials = _frozen(found)
        self._found = found
        return credentials

    def forget(self) -> None:
        """Have them looked for again: a login has failed."""
        self._found = None


def _frozen(found: Any) -> AwsCredentials:
    """Credentials as they are now; they are refreshed before if they expire soon."""
    errors = import_module("botocore.exceptions")
    try:
        now = found.get_frozen_credentials()
    except errors.BotoCoreError as exc:
        raise OperationFailure(f"{_WHAT} cannot be had: {exc}") from exc
    return AwsCredentials(now.access_key, now.secret_key, now.token or None)


#: Of all clients of the process.
SDK = Sdk()
