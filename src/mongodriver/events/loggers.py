"""Listeners that write every event to the root logger."""

from __future__ import annotations

import logging

from mongodriver.events.classes import (
    CommandFailedEvent,
    CommandStartedEvent,
    CommandSucceededEvent,
    ConnectionCheckedInEvent,
    ConnectionCheckedOutEvent,
    ConnectionCheckOutFailedEvent,
    ConnectionCheckOutStartedEvent,
    ConnectionClosedEvent,
    ConnectionCreatedEvent,
    ConnectionReadyEvent,
    PoolClearedEvent,
    PoolClosedEvent,
    PoolCreatedEvent,
    PoolReadyEvent,
    ServerClosedEvent,
    ServerDescriptionChangedEvent,
    ServerHeartbeatFailedEvent,
    ServerHeartbeatStartedEvent,
    ServerHeartbeatSucceededEvent,
    ServerOpeningEvent,
    TopologyClosedEvent,
    TopologyDescriptionChangedEvent,
    TopologyOpenedEvent,
)
from mongodriver.events.listeners import (
    CommandListener,
    ConnectionPoolListener,
    ServerHeartbeatListener,
    ServerListener,
    TopologyListener,
)
from mongodriver.values.address import Address
from mongodriver.values.public_names import known_as

__all__ = [
    "CommandLogger",
    "ConnectionPoolLogger",
    "HeartbeatLogger",
    "ServerLogger",
    "TopologyLogger",
]


class CommandLogger(CommandListener):
    """Logs the events of commands."""

    def started(self, event: CommandStartedEvent) -> None:
        logging.info(
            f"Command {event.command_name} with request id {event.request_id} "
            f"started on server {event.connection_id}"
        )

    def succeeded(self, event: CommandSucceededEvent) -> None:
        self._log_end(event, "succeeded")

    def failed(self, event: CommandFailedEvent) -> None:
        self._log_end(event, "failed")

    def _log_end(self, event: CommandSucceededEvent | CommandFailedEvent, how: str) -> None:
        logging.info(
            f"Command {event.command_name} with request id {event.request_id} "
            f"on server {event.connection_id} {how} in {event.duration_micros} microseconds"
        )


class ServerLogger(ServerListener):
    """Logs the events of servers."""

    def opened(self, event: ServerOpeningEvent) -> None:
        logging.info(f"Server {event.server_address} added to topology {event.topology_id}")

    def description_changed(self, event: ServerDescriptionChangedEvent) -> None:
        previous, new = event.previous_description, event.new_description
        if new.server_type != previous.server_type:
            logging.info(
                f"Server {event.server_address} changed type from "
                f"{previous.server_type_name} to {new.server_type_name}"
            )

    def closed(self, event: ServerClosedEvent) -> None:
        logging.warning(f"Server {event.server_address} removed from topology {event.topology_id}")


class HeartbeatLogger(ServerHeartbeatListener):
    """Logs the checks of the servers' states."""

    def started(self, event: ServerHeartbeatStartedEvent) -> None:
        logging.info(f"Heartbeat sent to server {event.connection_id}")

    def succeeded(self, event: ServerHeartbeatSucceededEvent) -> None:
        logging.info(
            f"Heartbeat to server {event.connection_id} succeeded with reply {event.reply.document}"
        )

    def failed(self, event: ServerHeartbeatFailedEvent) -> None:
        logging.warning(
            f"Heartbeat to server {event.connection_id} failed with error {event.reply}"
        )


class TopologyLogger(TopologyListener):
    """Logs the events of the deployment."""

    def opened(self, event: TopologyOpenedEvent) -> None:
        logging.info(f"Topology with id {event.topology_id} opened")

    def description_changed(self, event: TopologyDescriptionChangedEvent) -> None:
        logging.info(f"Topology description updated for topology id {event.topology_id}")
        previous, new = event.previous_description, event.new_description
        if new.topology_type != previous.topology_type:
            logging.info(
                f"Topology {event.topology_id} changed type from "
                f"{previous.topology_type_name} to {new.topology_type_name}"
            )
        if not new.has_writable_server():
            logging.warning("No writable servers available.")
        if not new.has_readable_server():
            logging.warning("No readable servers available.")

    def closed(self, event: TopologyClosedEvent) -> None:
        logging.info(f"Topology with id {event.topology_id} closed")


class ConnectionPoolLogger(ConnectionPoolListener):
    """Logs the events of connection pools."""

    def pool_created(self, event: PoolCreatedEvent) -> None:
        _log_pool(event.address, "pool created")

    def pool_ready(self, event: PoolReadyEvent) -> None:
        _log_pool(event.address, "pool ready")

    def pool_cleared(self, event: PoolClearedEvent) -> None:
        _log_pool(event.address, "pool cleared")

    def pool_closed(self, event: PoolClosedEvent) -> None:
        _log_pool(event.address, "pool closed")

    def connection_created(self, event: ConnectionCreatedEvent) -> None:
        _log_connection(event, "connection created")

    def connection_ready(self, event: ConnectionReadyEvent) -> None:
        _log_connection(event, "connection setup succeeded")

    def connection_closed(self, event: ConnectionClosedEvent) -> None:
        _log_connection(event, f'connection closed, reason: "{event.reason}"')

    def connection_check_out_started(self, event: ConnectionCheckOutStartedEvent) -> None:
        _log_pool(event.address, "connection check out started")

    def connection_check_out_failed(self, event: ConnectionCheckOutFailedEvent) -> None:
        _log_pool(event.address, f"connection check out failed, reason: {event.reason}")

    def connection_checked_out(self, event: ConnectionCheckedOutEvent) -> None:
        _log_connection(event, "connection checked out of pool")

    def connection_checked_in(self, event: ConnectionCheckedInEvent) -> None:
        _log_connection(event, "connection checked into pool")


def _log_pool(address: Address, text: str) -> None:
    logging.info(f"[pool {address}] {text}")


def _log_connection(
    event: ConnectionCreatedEvent
    | ConnectionReadyEvent
    | ConnectionClosedEvent
    | ConnectionCheckedOutEvent
    | ConnectionCheckedInEvent,
    text: str,
) -> None:
    logging.info(f"[pool {event.address}][conn #{event.connection_id}] {text}")


known_as("mongodriver.event_loggers", globals())
