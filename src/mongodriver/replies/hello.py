"""The server's answer to hello, checked before anything is concluded from it.

Whoever answers may be a stranger, and what he says decides how the client goes on: how much it
sends, to whom it turns, what it sends back. What cannot be is a ProtocolError, and the server
Unknown; what is only unusual is read for what it means.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from bsonx.int64 import Int64
from bsonx.objectid import ObjectId

from ..values.errors import ProtocolError
from ..values.hello import Hello
from .fields import (
    array,
    flag,
    integer,
    optional_document,
    show,
    text,
    unexpected,
    whole_number,
)
from .times import check_cluster_time

__all__ = ["read_hello", "topology_version"]

Reply = Mapping[str, Any]

_MAX_INT32 = 2**31 - 1
#: A document of this size, in bytes, is what every server takes: less is no limit but nonsense.
_LEAST_SIZE = 512

#: A replica set has 50 members at most. Each of them is monitored.
_MOST_MEMBERS = 1000

#: Field: the lowest and the highest value that it can have.
_NUMBERS = {
    "minWireVersion": (0, _MAX_INT32),
    "maxWireVersion": (0, _MAX_INT32),
    "maxBsonObjectSize": (_LEAST_SIZE, _MAX_INT32),
    "maxMessageSizeBytes": (_LEAST_SIZE, _MAX_INT32),
    "maxWriteBatchSize": (1, _MAX_INT32),
    "setVersion": (-(2**63), 2**63 - 1),
    "connectionId": (-(2**63), 2**63 - 1),
}
_FLAGS = (
    *("isWritablePrimary", "ismaster", "secondary", "arbiterOnly", "passive", "hidden"),
    *("isreplicaset", "helloOk"),
)
_TEXTS = ("setName", "me", "primary", "msg")
_LISTS = ("hosts", "passives", "arbiters", "compression", "saslSupportedMechs")
_IDS = ("electionId", "serviceId")
_TIMEOUT = "logicalSessionTimeoutMinutes"


def read_hello(reply: Reply, awaitable: bool = False) -> Hello[Any]:
    """What a successful reply to hello says.

    :param awaitable: the server held it back until something changed.
    :raises ProtocolError: where a field that the driver uses is none.
    """
    changed: dict[str, Any] = {}
    for name, (least, most) in _NUMBERS.items():
        if reply.get(name) is not None:
            number = integer(reply, name)
            if not least <= number <= most:
                raise unexpected(name, f"from {least} to {most}", number)
            changed[name] = number
    if changed.get("minWireVersion", 0) > changed.get("maxWireVersion", _MAX_INT32):
        raise unexpected("maxWireVersion", "minWireVersion or more", changed["maxWireVersion"])
    if reply.get(_TIMEOUT) is not None:
        changed[_TIMEOUT] = _minutes(reply)
    for name in _FLAGS:
        flag(reply, name)
    _check_kinds(reply)
    version = reply.get("topologyVersion")
    if version is not None:
        changed["topologyVersion"] = known = topology_version(version)
        if known is None:
            raise unexpected("topologyVersion", "a processId and a counter", version)
    if reply.get("$clusterTime") is not None:
        check_cluster_time(reply["$clusterTime"])
    hello: Hello[Any] = Hello(_as_read(reply, changed), awaitable)
    _check_addresses(hello)
    return hello


def _as_read(reply: Reply, changed: Mapping[str, Any]) -> Reply:
    """The reply with numbers as int, and without fields that are null."""
    usual = all(reply[name] is value for name, value in changed.items())
    if usual and None not in reply.values():
        return reply
    kept = {name: value for name, value in reply.items() if value is not None}
    return {**kept, **changed}


def _minutes(reply: Reply) -> int | float:
    """The session timeout, of which nobody says that it is a whole number."""
    value = reply[_TIMEOUT]
    number: int | float | None = whole_number(value)
    if number is None and type(value) is float:
        number = value
    if number is None or not 0 <= number <= _MAX_INT32:
        raise unexpected(_TIMEOUT, "a number of minutes", value)
    return number


def _check_kinds(reply: Reply) -> None:
    for name in _TEXTS:
        if reply.get(name) is not None:
            text(reply, name)
    for name in _LISTS:
        if reply.get(name) is not None and not all(
            isinstance(entry, str) for entry in array(reply, name)
        ):
            raise unexpected(name, "a list of strings", reply[name])
    for name in _IDS:
        if reply.get(name) is not None and not isinstance(reply[name], ObjectId):
            raise unexpected(name, "an ObjectId", reply[name])
    tags = optional_document(reply, "tags") or {}
    if not all(isinstance(value, str) for value in tags.values()):
        raise unexpected("tags", "a document of strings", tags)
    written = (optional_document(reply, "lastWrite") or {}).get("lastWriteDate")
    if written is not None and not isinstance(written, datetime):
        raise unexpected("lastWriteDate", "a date", written)
    optional_document(reply, "speculativeAuthenticate")


def _check_addresses(hello: Hello[Any]) -> None:
    """Raise ProtocolError where an address cannot be one, or where there are far too many."""
    try:
        addresses = [*hello.all_hosts, hello.primary, hello.me]
        for address in addresses:
            if address is not None and not _is_address(*address):
                raise ProtocolError(f"not the address of a server: {show(address)}")
    except ValueError as exc:  # a port that is no number, a name that DNS does not allow
        raise ProtocolError(f"not the address of a server: {exc}") from None
    if len(addresses) > _MOST_MEMBERS:
        raise ProtocolError(f"{len(addresses)} members are more than a replica set can have")


def _is_address(host: str, port: int) -> bool:
    return "\0" not in host and bool(host.encode("idna")) and 0 < port <= 65535


def topology_version(value: Any) -> Mapping[str, Any] | None:
    """A server's version of its own state, and nothing else of it; None for what is none."""
    if not isinstance(value, Mapping):
        return None
    process, counter = value.get("processId"), whole_number(value.get("counter"))
    if not isinstance(process, ObjectId) or counter is None:
        return None
    if type(value) is dict and len(value) == 2 and isinstance(value["counter"], int):
        return value  # as almost always, with the counter as Int64
    return {"processId": process, "counter": Int64(counter)}
