"""A program whose threads are greenlets, for `test_greenlets`: what many of them do with a client.

    python greenlets.py LIBRARY URI

LIBRARY is gevent or eventlet. Prints one line a check.
"""

from __future__ import annotations

import os
import sys
import warnings
from typing import Any

WORKERS = 40
POOL = 3
DATABASE = f"greenlets_{os.getpid()}"


class Gevent:
    """How gevent does it."""

    def __init__(self) -> None:
        from gevent import monkey

        monkey.patch_all()
        import gevent

        self.spawn = gevent.spawn
        self.sleep = gevent.sleep
        self.Timeout = gevent.Timeout

    def join(self, greenlets: list[Any]) -> list[Any]:
        """Their results; raises what one of them has raised."""
        return [greenlet.get() for greenlet in greenlets]


class Eventlet:
    """How eventlet does it."""

    def __init__(self) -> None:
        warnings.simplefilter("ignore")  # that it is deprecated
        import eventlet

        eventlet.monkey_patch()
        self.spawn = eventlet.spawn
        self.sleep = eventlet.sleep
        self.Timeout = eventlet.Timeout

    def join(self, greenlets: list[Any]) -> list[Any]:
        """Their results; raises what one of them has raised."""
        return [greenlet.wait() for greenlet in greenlets]


def recorder(monitoring: Any) -> Any:
    """A listener that counts connections."""

    class Connections(monitoring.ConnectionPoolListener):
        open = most = 0

        def connection_created(self, event: Any) -> None:
            self.open += 1
            self.most = max(self.most, self.open)

        def connection_closed(self, event: Any) -> None:
            self.open -= 1

    def ignore(self: Any, event: Any) -> None:
        pass

    others = [name for name in dir(monitoring.ConnectionPoolListener) if not name.startswith("_")]
    for name in others:
        if name not in vars(Connections):
            setattr(Connections, name, ignore)
    return Connections()


def work(client: Any, number: int) -> None:
    """Read and write, with a transaction."""
    things = client[DATABASE].things

    def count(session: Any) -> None:
        things.update_one({"_id": number}, {"$inc": {"counted": 1}}, session=session)

    things.insert_one({"_id": number})
    assert things.find_one({"_id": number}) == {"_id": number}
    with client.start_session() as session:
        session.with_transaction(count)


def wait_on_the_server(client: Any) -> None:
    """An operation that ends when nobody wants its result any more."""
    client[DATABASE].things.find_one({"$where": "sleep(60000) || true"})


def until(hub: Any, reached: Any) -> None:
    """Let others run until something is so."""
    while not reached():
        hub.sleep(0)


def busy(client: Any) -> int:
    """How many of the client's connections are in use."""
    (server,) = client._core.topology.servers
    count: int = server.pool.operation_count
    return count


def main(library: str, uri: str) -> None:
    """Run all checks."""
    hub = {"gevent": Gevent, "eventlet": Eventlet}[library]()
    import mongodriver
    from mongodriver import monitoring

    connections = recorder(monitoring)
    with hub.Timeout(120):
        client = mongodriver.MongoClient(uri, maxPoolSize=POOL, event_listeners=[connections])
        things = client[DATABASE].things
        things.drop()
        hub.join([hub.spawn(work, client, number) for number in range(WORKERS)])
        print("counted", things.count_documents({"counted": 1}))
        print("at most", connections.most)

        waiting = [hub.spawn(wait_on_the_server, client) for _ in range(POOL)]
        until(hub, lambda: busy(client) == POOL)
        for greenlet in waiting:
            greenlet.kill()
        until(hub, lambda: busy(client) == 0)
        print("after kills", things.count_documents({}))

        try:
            with hub.Timeout(0.05):
                wait_on_the_server(client)
        except hub.Timeout:
            until(hub, lambda: busy(client) == 0)  # what was left on the server is cleared up
            print("left alone")
        try:
            with mongodriver.timeout(0.05):
                wait_on_the_server(client)
        except mongodriver.errors.PyMongoError as exc:
            print("out of time", exc.timeout)

        opened = []

        def watch() -> Any:
            with things.watch() as stream:
                opened.append(stream)
                return next(stream)["operationType"]

        watcher = hub.spawn(watch)
        until(hub, lambda: opened)
        things.insert_one({})
        print("seen", *hub.join([watcher]))
        client.drop_database(DATABASE)
        client.close()
    print("open", connections.open)


if __name__ == "__main__":
    main(*sys.argv[1:])
