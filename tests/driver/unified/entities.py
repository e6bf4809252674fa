"""The entities of one test, by id: what it made, and what operations returned."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from .clients import ClientEntity
from .failures import Unsupported
from .options import common_options, session_options
from .threads import Thread

if TYPE_CHECKING:
    from .world import World


class Entities:
    """Entities by id. Each has a kind, which says what operations it has."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._values: dict[str, Any] = {}
        self._kinds: dict[str, str] = {}
        #: Ids of sessions, also of those that have ended.
        self._lsids: dict[str, Any] = {}
        #: Milliseconds that each operation of an entity has: where PyMongo's API knows no option
        #: for that, users write `timeout` around the operation, and so does the runner.
        self.limits: dict[str, int] = {}
        #: What was observed of clients, by the client's id.
        self.clients: dict[str, ClientEntity] = {}

    # -- the map --

    def store(self, name: str, value: Any, kind: str) -> None:
        """Add an entity; its name must be new."""
        if name in self._values:
            raise Unsupported(f"there is an entity {name} already")
        self._values[name] = value
        self._kinds[name] = kind

    def get(self, name: Any, *kinds: str) -> Any:
        """An entity of one of these kinds."""
        if name not in self._values:
            raise Unsupported(f"there is no entity {name}")
        if kinds and self._kinds[name] not in kinds:
            raise Unsupported(f"{name} is a {self._kinds[name]}, not a {' or a '.join(kinds)}")
        return self._values[name]

    def kind(self, name: str) -> str:
        """What an entity is."""
        self.get(name)
        return self._kinds[name]

    def value(self, name: str) -> Any:
        """An entity that is a BSON value."""
        return self.get(name, "value")

    def lsid(self, name: str) -> Any:
        """The id of a session, even if it has ended."""
        self.get(name, "session")
        return self._lsids[name]

    def of_kind(self, *kinds: str) -> Iterator[Any]:
        """All entities of these kinds."""
        for name, kind in self._kinds.items():
            if kind in kinds:
                yield self._values[name]

    # -- making them --

    async def create(self, description: Mapping[str, Any]) -> None:
        """Create an entity from its description, whose shape was checked before."""
        ((kind, spec),) = description.items()
        entity = await _MAKERS[kind](self, spec)
        self.store(spec["id"], entity, kind)

    async def _client(self, spec: Mapping[str, Any]) -> Any:
        made = ClientEntity(self._world, spec)
        self.clients[spec["id"]] = made
        for stored in spec.get("storeEventsAsEntities", ()):
            self.store(stored["id"], made.events.store(stored["events"]), "value")
        await made.be_ready()
        return made.client

    async def _database(self, spec: Mapping[str, Any]) -> Any:
        client = self.get(spec["client"], "client")
        options = dict(spec.get("databaseOptions", {}))
        self._limit(spec["id"], options.pop("timeoutMS", None))
        options = common_options(options, "databaseOptions")
        return client.get_database(spec["databaseName"], **options)

    async def _collection(self, spec: Mapping[str, Any]) -> Any:
        database = self.get(spec["database"], "database")
        options = dict(spec.get("collectionOptions", {}))
        self._limit(spec["id"], options.pop("timeoutMS", self.limits.get(spec["database"])))
        options = common_options(options, "collectionOptions")
        return database.get_collection(spec["collectionName"], **options)

    async def _session(self, spec: Mapping[str, Any]) -> Any:
        client = self.get(spec["client"], "client")
        options = dict(spec.get("sessionOptions", {}))
        self._limit(spec["id"], options.pop("defaultTimeoutMS", None))
        if "snapshotTime" in options:
            options["snapshotTime"] = self.value(options["snapshotTime"])
        session = client.start_session(**session_options(options))
        self._lsids[spec["id"]] = session.session_id
        if self._world.cluster_time is not None:
            session.advance_cluster_time(self._world.cluster_time)
        return session

    async def _bucket(self, spec: Mapping[str, Any]) -> Any:
        from .operations.bucket import make_bucket

        database = self.get(spec["database"], "database")
        self._limit(spec["id"], self.limits.get(spec["database"]))
        return make_bucket(self._world.flavour, database, spec.get("bucketOptions", {}))

    def _limit(self, name: str, milliseconds: int | None) -> None:
        if milliseconds is not None:
            self.limits[name] = milliseconds

    async def _client_encryption(self, spec: Mapping[str, Any]) -> Any:
        from .operations.encryption import make_client_encryption

        options = spec["clientEncryptionOpts"]
        client = self.get(options["keyVaultClient"], "client")
        return make_client_encryption(self._world.flavour, client, options)

    async def _thread(self, spec: Mapping[str, Any]) -> Any:
        return Thread(self._world.backend, spec["id"])

    # -- the end --

    async def clear(self) -> None:
        """End threads and sessions, close cursors and clients."""
        for thread in self.of_kind("thread"):
            await thread.stop()
        for cursor in self.of_kind("findCursor", "commandCursor", "changeStream"):
            await cursor.close()
        for session in self.of_kind("session"):
            await session.end_session()
        for client in self.clients.values():
            await client.close()


_MAKERS: dict[str, Any] = {
    "client": Entities._client,
    "database": Entities._database,
    "collection": Entities._collection,
    "session": Entities._session,
    "bucket": Entities._bucket,
    "clientEncryption": Entities._client_encryption,
    "thread": Entities._thread,
}
