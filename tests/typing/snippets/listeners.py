from pymongo import MongoClient, monitoring


class Commands(monitoring.CommandListener):
    def started(self, event: monitoring.CommandStartedEvent) -> None:
        reveal_type(event.command)
        reveal_type(event.command_name)
        reveal_type(event.connection_id)

    def succeeded(self, event: monitoring.CommandSucceededEvent) -> None:
        reveal_type(event.duration_micros)
        reveal_type(event.reply)

    def failed(self, event: monitoring.CommandFailedEvent) -> None:
        reveal_type(event.failure["errmsg"])


class Heartbeats(monitoring.ServerHeartbeatListener):
    def started(self, event: monitoring.ServerHeartbeatStartedEvent) -> None:
        pass

    def succeeded(self, event: monitoring.ServerHeartbeatSucceededEvent) -> None:
        reveal_type(event.reply)
        reveal_type(event.reply.document)

    def failed(self, event: monitoring.ServerHeartbeatFailedEvent) -> int:
        return event.reply


monitoring.register(Commands())
monitoring.register(Commands)
client: MongoClient[dict[str, int]] = MongoClient(event_listeners=[Commands()])
