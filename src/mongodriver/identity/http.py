"""Requests to metadata services over HTTP."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ..values.errors import OperationFailure

#: Far above what such services answer.
_LARGEST = 1 << 20
#: Characters of a refusal that an error shows.
_SHOWN = 1000


def fetch(
    what: str,
    url: str,
    headers: Mapping[str, str],
    timeout: float,
    *,
    method: str = "GET",
    body: bytes | None = None,
    proxies: bool = False,
) -> str:
    """The body of the answer to a request. Redirections are not followed.

    :param what: is asked for, for the texts of errors.
    :param timeout: seconds each wait may take.
    :param proxies: go through those of the environment: not to addresses of this machine's network.
    :raises OperationFailure: for every answer but 200, with what it says, and where none comes.
    """
    from http.client import HTTPException
    from urllib.error import HTTPError
    from urllib.request import HTTPRedirectHandler, ProxyHandler, Request, build_opener

    class Stay(HTTPRedirectHandler):
        """What is asked for is a secret: nobody may send us elsewhere."""

        def redirect_request(self, *args: Any) -> None:
            return None

    opener = build_opener(Stay, *(() if proxies else (ProxyHandler({}),)))
    request = Request(url, data=body, headers=dict(headers), method=method)
    try:
        with opener.open(request, timeout=timeout) as answer:
            status, text = answer.status, answer.read(_LARGEST).decode("utf-8", "replace")
    except HTTPError as exc:
        with exc:
            status, text = exc.code, exc.read(_LARGEST).decode("utf-8", "replace")
    except (OSError, HTTPException) as exc:
        raise OperationFailure(f"{what} cannot be had: {exc}") from exc
    if status != 200:
        raise OperationFailure(f"{what} cannot be had: status {status}: {text[:_SHOWN]}")
    return str(text)


def fetch_json(what: str, *args: Any, **kwargs: Any) -> dict[str, Any]:
    """The document that a request is answered with; see `fetch`.

    :raises OperationFailure: also for an answer that is no JSON document.
    """
    try:
        document = json.loads(fetch(what, *args, **kwargs))
    except ValueError:
        document = None
    if not isinstance(document, dict):
        raise OperationFailure(f"{what} cannot be had: the answer is no JSON document")
    return document
