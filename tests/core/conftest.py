"""A real server for the tests of the core."""

from __future__ import annotations

import pytest

from flavours import EVERYWHERE
from mongodriver.local import LocalServer


@pytest.fixture(scope="session")
def server():
    """A replica set of one member; tests use databases and fail points of their own."""
    with LocalServer(replica_set=True) as started:
        yield started


@pytest.fixture(params=EVERYWHERE)
def flavour(request):
    """Both backends, one after the other, and uvloop."""
    return request.param
