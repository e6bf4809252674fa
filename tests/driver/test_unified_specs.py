"""The unified tests of the specifications without a file of their own, and those of the runner."""

from __future__ import annotations

import pytest
from unified.failures import Unsupported
from unified.files import (
    FAILING,
    NOT_VALID,
    load_unified,
    params_of,
    unified_files,
    unified_tests,
)
from unified.format import check_file
from unified.schema import Malformed
from unified.survey import skip_reason
from unified.world import World

pytestmark = pytest.mark.server


@pytest.mark.parametrize(("folder", "path", "spec", "test"), unified_tests("specs"))
async def test_unified(run_unified, folder, path, spec, test):
    await run_unified(folder, path, spec, test)


@pytest.mark.parametrize(("folder", "path", "spec", "test"), params_of(*FAILING))
async def test_that_must_fail(flavour, folder, path, spec, test, deployments, make_client):
    (deployment, *_) = await deployments.suitable(spec.get("runOnRequirements"))
    with pytest.raises(Exception) as raised:  # whatever it is: the runner must notice
        check_file(spec)
        skip_reason(spec, test)
        world = World(spec, test, flavour=flavour, deployment=deployment, make_client=make_client)
        await world.run()
    assert not isinstance(raised.value, (KeyError, AttributeError, Malformed)), raised.value


@pytest.mark.parametrize("path", unified_files(*NOT_VALID))
def test_that_is_not_valid(path):
    with pytest.raises(Unsupported):
        check_file(load_unified(path))
