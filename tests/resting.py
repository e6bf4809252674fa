"""Servers that last as long as the tests of a process, and mostly rest: that costs too."""

from __future__ import annotations

from collections.abc import Sequence

from mongodriver.local import LocalServer

# To flush it ten times a second is half of what a replica set of one member does at rest. Whoever
# waits for the journal does not wait longer for it.
_SELDOM = ("--journalCommitInterval", "500")  # milliseconds


def resting_server(replica_set: str | None = None, args: Sequence[str] = ()) -> LocalServer:
    """A server of one member, not started yet: a replica set if that has a name."""
    return LocalServer(replica_set, args=[*args, *_SELDOM])
