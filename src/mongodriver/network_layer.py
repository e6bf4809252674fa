"""Bytes and messages over sockets and transports that somebody holds in his hands."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mongodriver.compat.aio_network import (
        AsyncNetworkingInterface,
        PyMongoProtocol,
        async_receive_data_socket,
        async_receive_message,
        async_sendall,
        async_socket_sendall,
    )
    from mongodriver.compat.network import (
        BLOCKING_IO_ERRORS,
        NetworkingInterface,
        NetworkingInterfaceBase,
        receive_data,
        receive_message,
        sendall,
        wait_for_read,
    )

__all__ = [
    "BLOCKING_IO_ERRORS",
    "AsyncNetworkingInterface",
    "NetworkingInterface",
    "NetworkingInterfaceBase",
    "PyMongoProtocol",
    "async_receive_data_socket",
    "async_receive_message",
    "async_sendall",
    "async_socket_sendall",
    "receive_data",
    "receive_message",
    "sendall",
    "wait_for_read",
]


def __getattr__(name: str) -> Any:
    """Load it when it is asked for: only what is asynchronous needs asyncio."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    of_asyncio = name.lower().startswith("async") or name == "PyMongoProtocol"
    module = "aio_network" if of_asyncio else "network"
    return getattr(import_module(f"mongodriver.compat.{module}"), name)
