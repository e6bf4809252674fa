"""The backends that tests of the core run on."""

from __future__ import annotations

import pytest

from flavours import EVERYWHERE


@pytest.fixture(params=EVERYWHERE)
def flavour(request):
    """Both backends, one after the other, and uvloop."""
    return request.param
