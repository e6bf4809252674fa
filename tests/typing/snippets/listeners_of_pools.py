from pymongo.monitoring import (
    ConnectionCheckedOutEvent,
    ConnectionPoolListener,
    PoolCreatedEvent,
    ServerDescriptionChangedEvent,
    ServerListener,
    TopologyDescriptionChangedEvent,
)


class Servers(ServerListener):
    def description_changed(self, event: ServerDescriptionChangedEvent) -> None:
        reveal_type(event.new_description.server_type_name)
        reveal_type(event.previous_description.address)
        reveal_type(event.topology_id)


def pool(event: PoolCreatedEvent, out: ConnectionCheckedOutEvent) -> None:
    reveal_type(event.options)
    reveal_type(event.address)
    reveal_type(out.connection_id)
    reveal_type(out.duration)


def topology(event: TopologyDescriptionChangedEvent) -> None:
    reveal_type(event.new_description.server_descriptions())
    reveal_type(event.new_description.has_writable_server())


Servers()
ConnectionPoolListener()
