"""Sessions given by the user."""

from __future__ import annotations

from typing import Self

from mongodriver.public.sessions import ClientSessionBase
from mongodriver.values.session_options import SessionOptions, TransactionOptions

__all__ = ["AsyncClientSession", "SessionOptions", "TransactionOptions"]


class AsyncClientSession(ClientSessionBase):
    """A session: operations that belong together, with causal consistency or a snapshot.

    Made by `AsyncMongoClient.start_session`. Not to be shared by tasks.
    """

    async def end_session(self) -> None:
        """End the session; may be called more than once."""
        self._core.end()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        self._core.end()
