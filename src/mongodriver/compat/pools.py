"""Pools as PyMongo's users see them: faces of those of `cmap`."""

from __future__ import annotations

import weakref
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, Self

from mongodriver.client.settings import PoolSettings
from mongodriver.cmap import pool as cmap_pool
from mongodriver.cmap.connector import Connector
from mongodriver.compat.connections import fact
from mongodriver.events.observer import Observer
from mongodriver.execution.timeouts import current_deadline

if TYPE_CHECKING:
    from mongodriver.cmap.connection import Connection
    from mongodriver.io.base import Address, Backend
    from mongodriver.options.pool_options import PoolOptions

__all__ = ["PoolBase"]

_STATES = {cmap_pool.PAUSED: 1, cmap_pool.READY: 2, cmap_pool.CLOSED: 3}


def pool_settings(options: PoolOptions) -> PoolSettings:
    """The limits of a pool with these options."""
    return PoolSettings(
        options._max_pool_size,
        options.min_pool_size,
        options.max_connecting,
        options.max_idle_time_seconds,
        options.wait_queue_timeout,
        bool(options.load_balanced),
        options.non_default_options,
    )


class _Idle(Sequence[Any]):
    """The connections of a pool that nobody uses: not a copy, for those who keep it."""

    def __init__(self, pool: PoolBase) -> None:
        self._pool = pool

    def __len__(self) -> int:
        return self._pool._core.idle_count

    def __iter__(self) -> Iterator[Any]:
        return map(self._pool._face, self._pool._core.idle)

    def __getitem__(self, index: Any) -> Any:
        return list(self)[index]

    def __repr__(self) -> str:
        return repr(deque(self))


class PoolBase:
    """The connections to one server: what both flavours have in common.

    :param address: of the server.
    :param options: a `PoolOptions`.
    :param is_sdam: for monitoring: nobody logs in.
    :param client_id: the topology's id.
    """

    client_id: Any
    _connection_class: ClassVar[Any]
    #: Makes the backend of this flavour.
    _backend: ClassVar[Callable[..., Any]]

    address = fact("address", "(host, port) of the server.")
    operation_count = fact("operation_count", "Who has a connection or waits for one.")

    def __init__(
        self, address: Address, options: PoolOptions, is_sdam: bool = False, client_id: Any = None
    ) -> None:
        backend, observer = type(self)._backend(), Observer(options._event_listeners)
        connector = Connector(backend, options, observer)
        connect = partial(connector.connect, address)
        core = cmap_pool.Pool(
            address,
            pool_settings(options),
            backend,
            partial(_connect_monitor, connector, address) if is_sdam else connect,
            observer,
        )
        core.announce()
        if not options.pause_enabled:
            core.ready()
        self._show(core, options, backend, connector, observer)
        self.is_sdam = is_sdam
        self.client_id = client_id
        self._is_own = True

    def _show(
        self,
        core: cmap_pool.Pool,
        options: PoolOptions,
        backend: Backend,
        connector: Connector,
        observer: Observer,
    ) -> None:
        self._core = core
        self.opts = options
        self._io = backend
        self._connector = connector
        self._observer = observer
        self._faces: weakref.WeakValueDictionary[Any, Any] = weakref.WeakValueDictionary()
        self.is_writable: bool | None = None
        self.is_sdam = False
        self.client_id = None
        self._is_own = False

    @classmethod
    def _of(cls, core: cmap_pool.Pool, client: Any) -> Self:
        """The face of one of a client's pools."""
        made = cls.__new__(cls)
        options = client.options.pool_options
        connector = Connector(client.backend, options, client.observer)
        made._show(core, options, client.backend, connector, client.observer)
        return made

    def __del__(self) -> None:
        if self.__dict__.get("_is_own"):
            self._core.abort()

    # -- facts --

    @property
    def closed(self) -> bool:
        """Whether it was closed."""
        return self._core.state == cmap_pool.CLOSED

    @property
    def state(self) -> int:
        """One of `mongodriver.pool_shared.PoolState`."""
        return _STATES[self._core.state]

    @property
    def max_pool_size(self) -> float:
        """How many connections there may be."""
        return self._core.settings.max_size

    @property
    def active_sockets(self) -> int:
        """How many connections are in use."""
        return self._core.size - self._core.idle_count

    @property
    def conns(self) -> Sequence[Any]:
        """The connections that nobody uses, at each moment that they are looked at."""
        return _Idle(self)

    def _face(self, core: Connection) -> Any:
        face = self._faces.get(core)
        if face is None:
            face = self._connection_class._of(core, self)
            if self.is_writable is not None:
                face.update_is_writable(self.is_writable)
            self._faces[core] = face
        return face

    def stale_generation(self, gen: int, service_id: Any) -> bool:
        """Whether the pool was cleared since this generation."""
        return self._core.generation_of(service_id) != gen

    # -- for the flavours --

    async def _check_out(self, handler: Any = None) -> Any:
        core = await self._core.checkout(current_deadline(None))
        face = self._face(core)
        face.active = True
        if handler:
            handler.contribute_socket(face)
        return face

    async def _connect(self, handler: Any = None) -> Any:
        face = self._face(await self._core.connect())
        face.active = True
        if handler:
            handler.contribute_socket(face, completed_handshake=False)
        return face

    def _check_in(self, face: Any) -> None:
        """Take a connection back; one that came back already, or is another's, is not taken."""
        if face.active and self._core.has(face._core):
            face.active = False
            self._core.checkin(face._core)

    def _clear(self, service_id: Any, interrupt: bool, pause: bool) -> None:
        self._core.clear(service_id, interrupt, pause and self.opts.pause_enabled)

    def _note_writable(self, is_writable: bool) -> None:
        self.is_writable = is_writable
        for face in list(self._faces.values()):
            face.update_is_writable(is_writable)

    async def _tidy(self, reference_generation: int) -> None:
        self._core.tidy()
        if not self.stale_generation(reference_generation, None):
            await self._core.fill()


async def _connect_monitor(
    connector: Connector,
    address: Address,
    id: int,
    generation: int,
    opened: Callable[[Connection], None],
    deadline: float | None,
) -> Connection:
    """A connection that nobody logs in on, as one of a pool's.

    :param deadline: not counted: the connect timeout is.
    """

    def numbered(connection: Connection) -> None:
        connection.id, connection.generation = id, generation
        opened(connection)

    return await connector.connect_monitor(address, numbered)
