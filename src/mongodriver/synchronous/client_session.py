"""Sessions given by the user, synchronous."""

from __future__ import annotations

from typing import Self

from mongodriver.asynchronous.client_session import AsyncClientSession
from mongodriver.public.flavour import blocking
from mongodriver.public.sessions import ClientSessionBase
from mongodriver.values.session_options import SessionOptions, TransactionOptions

__all__ = ["ClientSession", "SessionOptions", "TransactionOptions"]


class ClientSession(ClientSessionBase):
    """A session: operations that belong together, with causal consistency or a snapshot.

    Made by `MongoClient.start_session`. Not to be shared by threads.
    """

    end_session = blocking(AsyncClientSession.end_session)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._core.end()
