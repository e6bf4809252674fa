"""The CMAP specification's scripts, on both backends."""

import pytest
from cmap import Script

from flavours import FLAVOURS, run_on
from specs import load, spec_files


@pytest.mark.parametrize("flavour", FLAVOURS)
@pytest.mark.parametrize("path", spec_files("connection-monitoring-and-pooling/cmap-format"))
def test_script(path, flavour):
    spec = load(path)

    async def main(backend):
        await Script(backend, spec).run()

    run_on(flavour, main)
