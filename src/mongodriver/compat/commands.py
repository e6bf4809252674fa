"""Commands over a connection that somebody holds in his hands, with a client or without."""

from __future__ import annotations

from collections.abc import Container, Mapping, MutableMapping
from copy import copy
from typing import Any

from bsonx import encode
from bsonx.int64 import Int64
from mongodriver.client.settings import ExecutorSettings
from mongodriver.events.observer import Observer
from mongodriver.execution.command_fields import CommandFields
from mongodriver.execution.exchange import exchange
from mongodriver.execution.execution import Execution
from mongodriver.execution.judge import judge
from mongodriver.execution.prepare import prepare
from mongodriver.ops.base import COMMAND_OVERHEAD, Attempt, Command
from mongodriver.ops.command import EVERYTHING, RunCommand
from mongodriver.public.sessions import core_session
from mongodriver.replies.verdicts import write_concern_error
from mongodriver.sessions.cluster_clock import ClusterClock
from mongodriver.sessions.server_session import ServerSessionPool
from mongodriver.wire.compression import Compressor

__all__ = ["run_on"]


class _Nowhere:
    """Stands for the topology where there is none."""

    def handle_error(self, *what: Any) -> None:
        """Nobody draws conclusions from the errors of a connection that belongs to no client."""

    def minimum_round_trip(self, address: Any) -> float:
        """Nobody has measured any."""
        return 0.0


class _Alone:
    """What an executor has, for connections that belong to no client."""

    cipher = None

    def __init__(self, server_api: Any) -> None:
        self.topology = _Nowhere()
        self.clock = ClusterClock()
        self.fields = CommandFields(self.clock, server_api)
        self.sessions = ServerSessionPool()
        self.settings = ExecutorSettings()
        self.observer = Observer()


class _Command(RunCommand):
    """A command as it is sent over one connection."""

    supports_session = False

    def build(self, attempt: Attempt) -> Command:
        body: Any = self.fields
        return Command(body)


def _leaves(fields: Mapping[str, Any]) -> frozenset[str]:
    """The names of the user's fields, which may stand within another field."""
    found: set[str] = set()
    for name, value in fields.items():
        found |= _leaves(value) if isinstance(value, Mapping) else {name}
    return frozenset(found)


def _executor(connection: Any, client: Any, observer: Observer) -> Any:
    """The client's executor, or a stand-in, with what this connection wants different."""
    if client is None:
        executor: Any = _Alone(connection.opts.server_api)
    else:
        executor = copy(client._core.executor)
    executor.observer = observer
    executor.settings = copy(executor.settings)
    executor.settings.socket_timeout = connection.last_timeout
    return executor


def _compressor(context: Any) -> Compressor | None:
    if context is None or isinstance(context, Compressor):
        return context
    return Compressor("", context.compressor_id, context.compress)


async def run_on(
    connection: Any,
    database: str,
    spec: MutableMapping[str, Any],
    codec_options: Any,
    *,
    read_preference: Any = None,
    session: Any = None,
    client: Any = None,
    check: bool = True,
    allowable_errors: Container[int | str] | None = None,
    observer: Observer,
    max_bson_size: int | None = None,
    read_concern: Any = None,
    write_concern: Any = None,
    parse_write_concern_error: bool = False,
    collation: Any = None,
    compression: Any = None,
    acknowledged: bool = True,
    user_fields: Mapping[str, Any] | None = None,
    exhaust: bool = False,
    numbered: bool = False,
) -> Any:
    """Send a command over a connection, and return the reply.

    :param connection: one of `mongodriver.pool`; ``_core`` is ours.
    :param spec: gets the fields that are added to the command.
    :param compression: how to compress it, None: not at all.
    :param numbered: it carries the number of the session's transaction or retryable write.
    :raises OperationFailure: for an error of the server that is not allowed.
    """
    if collation is not None:
        spec["collation"] = collation
    operation = _Command(database, spec, codec_options)
    operation.reply_options = None
    operation.allowable_errors = allowable_errors or () if check else EVERYTHING
    operation.read_concern, operation.write_concern = read_concern, write_concern
    operation.acknowledged, operation.exhaust = acknowledged, exhaust
    if write_concern is not None and not write_concern.acknowledged:
        operation.acknowledged = False
    if user_fields is not None:
        operation.user_fields = _leaves(user_fields)
    if max_bson_size is not None:
        size, limit = len(encode(spec, codec_options=codec_options)), max_bson_size
        if size > limit + COMMAND_OVERHEAD:
            raise operation.document_too_large(size, limit)
    execution = Execution(operation, core_session(session))
    if read_preference is not None and read_preference.mode:
        execution.preference = read_preference
    if numbered and execution.session is not None:
        number = execution.session.server_session.transaction_number
        execution.transaction_number = Int64(number)
    core = connection._core
    execution.connection = core
    executor = _executor(connection, client, observer)
    usual, core.compressor = core.compressor, _compressor(compression)
    try:
        command = prepare(executor, execution, core)
        reply, told = await exchange(executor, execution, core, command)
    finally:
        core.compressor = usual
    reply = judge(executor, execution, core, reply, told)
    error = write_concern_error(told) if parse_write_concern_error else None
    if error is not None:
        raise error
    return reply
