"""From a connection string to a database whose server has answered."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from mongodriver.ingest.cli.output import complain, plain
from mongodriver.ingest.errors import IngestError
from mongodriver.values.errors import ConfigurationError, PyMongoError

if TYPE_CHECKING:
    from mongodriver import MongoClient
    from mongodriver.database import Database

_LEAST = 1.0  # seconds: even who waits for nothing has to connect
_PATIENCE = 4.0  # seconds until people are told for whom this waits


def open_database(
    stack: ExitStack, uri: str, name: str | None, retry_seconds: float
) -> Database[Any]:
    """Return the database, of which no server needs to be there yet.

    :param stack: closes the client.
    :param retry_seconds: how long to wait for a server, at the start and later: the driver's own
        time for finding a server is bounded by it.
    :raises IngestError: without the name of a database.
    """
    from mongodriver import MongoClient

    client: MongoClient[Any] = MongoClient(uri)
    known = client.options.server_selection_timeout
    limit = max(_LEAST, min(known, retry_seconds))
    if limit != known:
        client.close()
        client = MongoClient(uri, serverSelectionTimeoutMS=round(limit * 1000))
    stack.enter_context(client)
    try:
        return client[name] if name else client.get_default_database()
    except ConfigurationError:
        raise IngestError("no database: give --db, or name it in the URI") from None


def wait_for_server(client: MongoClient[Any], tell: Callable[[str], None] | None = None) -> None:
    """Wait for an answer, as long as the client's options say; tell for whose if that takes long.

    :raises IngestError: when no server answers.
    """
    from mongodriver import timeout

    deadline = time.monotonic() + client.options.server_selection_timeout
    told = False
    while True:
        left = deadline - time.monotonic()
        try:
            with timeout(max(0.05, min(_PATIENCE, left))):
                client.admin.command("ping")
            return
        except PyMongoError as error:
            left = deadline - time.monotonic()
            if not error.timeout or left <= 0:
                raise IngestError(_problem(client, error)) from error
            if not told:
                told = True
                (tell or complain)(f"waiting for {_problem(client, error)} (for {left:.0f} s more)")


def _problem(client: MongoClient[Any], error: PyMongoError) -> str:
    """Return which servers do not answer and why, in one line."""
    said = []
    for server in client.topology_description.server_descriptions().values():
        name = "{}:{}".format(*server.address) if server.address[1] else server.address[0]
        if server.is_server_type_known:
            continue
        why = "no answer" if server.error is None else plain(server.error)
        said.append(f"{name}: {why.removeprefix(f'{name}: ')}")
    return "; ".join(said) or plain(error)
