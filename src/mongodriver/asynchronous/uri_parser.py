"""Parsing connection strings, asynchronous: an event loop does not wait for DNS."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mongodriver.io.either import in_thread
from mongodriver.options.parse_uri import DEFAULT_PORT
from mongodriver.options.parse_uri import parse_uri as parse

__all__ = ["parse_uri"]


async def parse_uri(
    uri: str,
    default_port: int | None = DEFAULT_PORT,
    validate: bool = True,
    warn: bool = False,
    normalize: bool = True,
    connect_timeout: float | None = None,
    srv_service_name: str | None = None,
    srv_max_hosts: int | None = None,
    srv_allowed_hosts_suffix: str | None = None,
    srv_host_validator: Callable[[str], bool] | None = None,
) -> dict[str, Any]:
    """Parse a connection string into a dict, in a thread: `mongodriver.uri_parser.parse_uri`."""
    return await in_thread(
        parse,
        uri,
        default_port,
        validate,
        warn,
        normalize,
        connect_timeout,
        srv_service_name,
        srv_max_hosts,
        srv_allowed_hosts_suffix,
        srv_host_validator,
    )
