"""Credentials of AWS, in the order of the authentication specification.

Those of the environment; those for the identity token of a container (EKS); those of a container
(ECS) or else of the machine (EC2). Where AWS's own library is installed, it looks for all but the
first (`aws_sdk.py`). What is fetched is kept for all clients of the process until shortly before it
expires; nothing is locked meanwhile.
"""

from __future__ import annotations

import os
import secrets
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from ..auth.sigv4 import AwsCredentials
from ..values.errors import ConfigurationError, OperationFailure
from .aws_sdk import SDK
from .http import fetch, fetch_json

#: Where the services are.
STS = "https://sts.amazonaws.com"
ECS = "http://169.254.170.2"
EC2 = "http://169.254.169.254"

_ROLES = "/latest/meta-data/iam/security-credentials/"
#: Seconds a service may take.
_TIMEOUT = 10.0
#: Seconds a session with EC2's service lasts; one look-up is all it is for.
_SESSION = "30"
#: What expires sooner is not used any more: the server must still find it valid.
_LEFT = timedelta(minutes=5)
_WHAT = "AWS credentials"


class Kept:
    """The credentials that were fetched last, and when they expire."""

    def __init__(self) -> None:
        self._kept: tuple[AwsCredentials, datetime] | None = None

    def get(self) -> AwsCredentials | None:
        """Those that are good for some time yet."""
        kept = self._kept
        if kept is None or kept[1] - now() <= _LEFT:
            return None
        return kept[0]

    def put(self, credentials: AwsCredentials, expires: datetime | None) -> None:
        """Keep credentials; not those of which nobody knows how long they are good."""
        self._kept = None if expires is None else (credentials, expires)

    def clear(self) -> None:
        """Forget them: a login has failed."""
        self._kept = None


#: Of all clients of the process.
KEPT = Kept()


def forget() -> None:
    """Have credentials fetched again: a login has failed."""
    KEPT.clear()
    SDK.forget()


def now() -> datetime:
    """The time that signatures carry."""
    return datetime.now(UTC)


def find_credentials() -> AwsCredentials:
    """The credentials of this process.

    :raises ConfigurationError: for a half of them; OperationFailure: if there are none.
    """
    known = KEPT.get() or SDK.kept() or _of_environment() or SDK.find()
    if known is not None:
        return known
    if "AWS_WEB_IDENTITY_TOKEN_FILE" in os.environ and "AWS_ROLE_ARN" in os.environ:
        answer = _assume_role()
    elif os.environ.get("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"):
        answer = _of_container()
    else:
        answer = _of_machine()
    credentials, expires = _read(answer)
    KEPT.put(credentials, expires)
    return credentials


def _of_environment() -> AwsCredentials | None:
    key_id = os.environ.get("AWS_ACCESS_KEY_ID")
    key = os.environ.get("AWS_SECRET_ACCESS_KEY")
    token = os.environ.get("AWS_SESSION_TOKEN")
    if not key_id and not key and not token:
        return None
    if not key_id or not key:
        raise ConfigurationError(
            "MONGODB-AWS needs both AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or none of them"
        )
    return AwsCredentials(key_id, key, token or None)


def _assume_role() -> dict[str, Any]:
    """AssumeRoleWithWebIdentity."""
    path = Path(os.environ["AWS_WEB_IDENTITY_TOKEN_FILE"])
    try:
        token = path.read_text(encoding="utf-8").strip()
    except (OSError, ValueError) as exc:
        raise ConfigurationError(f"AWS_WEB_IDENTITY_TOKEN_FILE cannot be read: {exc}") from exc
    parameters = {
        "Action": "AssumeRoleWithWebIdentity",
        "Version": "2011-06-15",
        "RoleSessionName": os.environ.get("AWS_ROLE_SESSION_NAME") or secrets.token_hex(16),
        "RoleArn": os.environ["AWS_ROLE_ARN"],
        "WebIdentityToken": token,
    }
    headers = {
        "Accept": "application/json",
        "Content-Type": "application/x-www-form-urlencoded",
    }
    body = urlencode(parameters).encode()
    answer: Any = fetch_json(
        _WHAT, f"{STS}/", headers, _TIMEOUT, method="POST", body=body, proxies=True
    )
    for name in ("AssumeRoleWithWebIdentityResponse", "AssumeRoleWithWebIdentityResult"):
        answer = answer.get(name, answer) if isinstance(answer, dict) else {}
    found = answer.get("Credentials") if isinstance(answer, dict) else None
    return found if isinstance(found, dict) else {}


def _of_container() -> dict[str, Any]:
    path = os.environ["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"].removeprefix("/")
    return fetch_json(_WHAT, f"{ECS}/{path}", {"Accept": "application/json"}, _TIMEOUT)


def _of_machine() -> dict[str, Any]:
    """EC2's instance metadata service, version 2."""
    token = fetch(
        _WHAT,
        f"{EC2}/latest/api/token",
        {"X-aws-ec2-metadata-token-ttl-seconds": _SESSION},
        _TIMEOUT,
        method="PUT",
    )
    headers = {"X-aws-ec2-metadata-token": token.strip()}
    role = fetch(_WHAT, EC2 + _ROLES, headers, _TIMEOUT).strip()
    return fetch_json(_WHAT, EC2 + _ROLES + role, headers, _TIMEOUT)


def _read(answer: dict[str, Any]) -> tuple[AwsCredentials, datetime | None]:
    key_id, key = answer.get("AccessKeyId"), answer.get("SecretAccessKey")
    token = answer.get("SessionToken") or answer.get("Token")
    if not all(isinstance(part, str) and part for part in (key_id, key, token)):
        raise OperationFailure(f"{_WHAT} cannot be had: the answer holds none that are whole")
    assert isinstance(key_id, str) and isinstance(key, str) and isinstance(token, str)
    return AwsCredentials(key_id, key, token), _time(answer.get("Expiration"))


def _time(value: Any) -> datetime | None:
    """A time as text, or in seconds since 1970, as some of the services have it."""
    try:
        if isinstance(value, (int, float)):
            return datetime.fromtimestamp(value, UTC)
        time = datetime.fromisoformat(value)
    except (TypeError, ValueError, OverflowError, OSError):
        return None
    return time if time.tzinfo is not None else time.replace(tzinfo=UTC)
