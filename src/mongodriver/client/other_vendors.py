"""Servers of other vendors that speak MongoDB's protocol: said once for each client, in the log."""

from __future__ import annotations

from collections.abc import Iterable

_VENDORS = (
    (".cosmos.azure.com", "CosmosDB"),
    (".docdb.amazonaws.com", "DocumentDB"),
    (".docdb-elastic.amazonaws.com", "DocumentDB"),
)


def log_other_vendors(hosts: Iterable[str]) -> None:
    """Write a record if a host is known to be one of them."""
    names = [host.lower() for host in hosts]
    for suffix, product in _VENDORS:
        if any(name.endswith(suffix) for name in names):
            from ..events.log_records import CLIENT

            CLIENT.info(
                f"You appear to be connected to a {product} cluster. For more information "
                "regarding feature compatibility and support please visit "
                f"https://www.mongodb.com/supportability/{product.lower()}"
            )
            return
