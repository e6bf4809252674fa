"""Signatures of requests to AWS (AWS Signature Version 4)."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from typing import NamedTuple

__all__ = ["AwsCredentials", "authorization"]

_ALGORITHM = "AWS4-HMAC-SHA256"


class AwsCredentials(NamedTuple):
    """Who signs. Temporary credentials have a session token as well."""

    access_key_id: str
    secret_access_key: str
    session_token: str | None = None

    def __repr__(self) -> str:
        return f"AwsCredentials(access_key_id={self.access_key_id!r}, ...)"


def authorization(
    credentials: AwsCredentials,
    region: str,
    service: str,
    headers: Mapping[str, str],
    body: bytes,
    *,
    method: str = "POST",
    path: str = "/",
    query: str = "",
) -> str:
    """Return the Authorization header of a request.

    :param headers: all that are signed; ``x-amz-date`` (as 20150830T123600Z) among them.
    :param path, query: in canonical form already.
    """
    fields = {name.lower(): " ".join(value.split()) for name, value in headers.items()}
    time = fields["x-amz-date"]
    signed = ";".join(sorted(fields))
    request = "\n".join(
        [
            method,
            path,
            query,
            *(f"{name}:{fields[name]}" for name in sorted(fields)),
            "",
            signed,
            hashlib.sha256(body).hexdigest(),
        ]
    )
    scope = f"{time[:8]}/{region}/{service}/aws4_request"
    digest = hashlib.sha256(request.encode()).hexdigest()
    text = "\n".join([_ALGORITHM, time, scope, digest])
    key = f"AWS4{credentials.secret_access_key}".encode()
    for part in scope.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    signature = hmac.digest(key, text.encode(), "sha256").hex()
    credential = f"{credentials.access_key_id}/{scope}"
    return f"{_ALGORITHM} Credential={credential}, SignedHeaders={signed}, Signature={signature}"
