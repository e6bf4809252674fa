"""SRV and TXT records of a ``mongodb+srv://`` host (initial-dns-seedlist-discovery).

The functions that resolve block; `ask` has one of them run by a backend. dnspython is imported at
the first use: only such URIs need it.
"""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic
from typing import TYPE_CHECKING, Any

from ..values.errors import ConfigurationError
from ..values.limits import DNS_GRACE

if TYPE_CHECKING:
    from .base import Backend


def resolve_srv(name: str, timeout: float | None = None) -> tuple[list[tuple[str, int]], int]:
    """The ``(host, port)`` list of the SRV records of `name`, and their time to live in seconds.

    Host names are lower-case and without the final dot, in the order of the answer.
    :raises ConfigurationError: when there is no answer within `timeout` seconds.
    """
    answer = _resolve(name, "SRV", timeout)
    hosts = [
        (record.target.to_text(omit_final_dot=True).lower(), int(record.port)) for record in answer
    ]
    # A list is what Celery's tests and others put in the place of an answer.
    records = getattr(answer, "rrset", None)
    return hosts, 0 if records is None else int(records.ttl)


def resolve_txt(host: str, timeout: float | None = None) -> str | None:
    """The options a TXT record of `host` holds, as in a URI's query; None without a record.

    :raises ConfigurationError: for more than one record, or no answer.
    """
    from dns.exception import DNSException
    from dns.resolver import NXDOMAIN, NoAnswer, resolve

    try:
        answer = resolve(host, "TXT", lifetime=timeout)
    except (NoAnswer, NXDOMAIN):
        return None
    except DNSException as exc:
        raise ConfigurationError(str(exc)) from exc
    if len(answer) > 1:
        raise ConfigurationError("Only one TXT record is supported")
    return b"".join(answer[0].strings).decode("utf-8") if len(answer) else None


def _resolve(name: str, kind: str, timeout: float | None) -> Any:
    from dns.exception import DNSException
    from dns.resolver import resolve

    try:
        return resolve(name, kind, lifetime=timeout)
    except DNSException as exc:
        raise ConfigurationError(str(exc)) from exc


async def ask(
    backend: Backend, question: Callable[[str, float | None], Any], name: str, end: float
) -> Any:
    """The answer of DNS to a question of `io.dns`.

    :param end: when it is given up, by those who ask and at last by those who wait for them.
    :raises ConfigurationError: when there is none.
    """
    left = end - monotonic()
    if left > 0:
        try:
            return await backend.call(question, name, left, deadline=end + DNS_GRACE)
        except TimeoutError:
            pass
    raise ConfigurationError(f"No answer of DNS about {name} in time")
