"""Listeners that write every event to the root logger."""

from mongodriver.events.loggers import (
    CommandLogger,
    ConnectionPoolLogger,
    HeartbeatLogger,
    ServerLogger,
    TopologyLogger,
)

__all__ = [
    "CommandLogger",
    "ConnectionPoolLogger",
    "HeartbeatLogger",
    "ServerLogger",
    "TopologyLogger",
]
