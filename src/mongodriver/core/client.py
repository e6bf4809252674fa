"""A client's core: its topology, sessions and executor, from the first use until `close`.

The public clients hold one `Client` each; everything they do goes through `execute`.
"""

from __future__ import annotations

import os
import warnings
import weakref
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ..errors import PyMongoError
from ..read_preferences import ReadPreference
from ..spec.topology import TopologyDescription, TopologySettings
from .completion import Completion
from .connector import Connector
from .executor import Executor, ExecutorSettings
from .housekeeping import END_SESSIONS_BATCH, DeadCursor, EndSessions, Housekeeper
from .monitor import Monitor, MonitorSettings
from .pool import Pool, PoolSettings
from .session import ServerSessionPool, Session
from .topology import CLOSED, OPEN, Topology

if TYPE_CHECKING:
    from ..client_options import ClientOptions
    from ..io.base import Address, Backend
    from .connection import Connection

#: Seconds `close` waits for each background coroutine.
_JOIN_TIMEOUT = 1.0

_clients: weakref.WeakSet[Client] = weakref.WeakSet()


class Client:
    """Everything behind one public client.

    :param options: the client's validated options.
    :param seeds: addresses to begin with.
    :param backend: how it does I/O.
    :param name: of the public class, for warnings and errors.
    :param opened_at: where the public client was created, as text, for the ResourceWarning.

    `execute` runs operations. Nothing is connected or started before the first use or `open`.
    """

    def __init__(
        self,
        options: ClientOptions,
        seeds: Sequence[Address],
        backend: Backend,
        *,
        name: str = "MongoClient",
        opened_at: str = "",
        fqdn: str | None = None,
    ) -> None:
        self.options = options
        self.backend = backend
        self.name = name
        self._opened_at = opened_at
        self._pid = os.getpid()
        pool_options = options.pool_options
        self._listeners = pool_options._event_listeners
        self.sessions = ServerSessionPool()
        self._connector = Connector(backend, pool_options)
        self._pool_settings = pool_settings(options)
        self._monitor_settings = monitor_settings(options, self._connector)
        settings = topology_settings(options, seeds, fqdn)
        self.topology = Topology(
            settings,
            backend,
            self._listeners,
            _ServerFactory(backend, options, self._connector),
            self.sessions,
            name,
        )
        self._completion = Completion(pool_options.server_api, bool(options.direct_connection))
        executor = Executor(
            self.topology,
            self.sessions,
            backend,
            self._listeners,
            executor_settings(options),
            self._completion,
        )
        self.execute = executor.execute
        self._housekeeper = Housekeeper(self, backend)
