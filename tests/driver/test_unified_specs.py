"""The unified tests of the specifications, in both flavours."""

from __future__ import annotations

import pytest
from unified.failures import Unsupported
from unified.files import FAILING, NOT_VALID, load_unified, unified_files, unified_tests
from unified.format import check_file
from unified.schema import Malformed
from unified.survey import skip_reason
from unified.world import World

import spec_skips
from mongodriver.errors import PyMongoError
from mongodriver.sdam import monitor

pytestmark = pytest.mark.server


@pytest.fixture(autouse=True)
def quick_checks(monkeypatch):
    """Servers that failed a command on purpose are checked again without the usual half second."""
    monkeypatch.setattr(monitor, "MIN_HEARTBEAT_INTERVAL", 0.02)


@pytest.mark.parametrize(("folder", "path", "spec", "test"), unified_tests())
async def test_unified(flavour, folder, path, spec, test, deployments, make_client):
    check_file(spec)
    reason = skip_reason(spec, test)
    if "skipReason" in test:
        pytest.skip(f"the file itself skips it: {test['skipReason']}")
    requirements = (spec.get("runOnRequirements"), test.get("runOnRequirements"))
    only = spec_skips.deployment_of(folder, path.stem)
    chosen = await deployments.suitable(*requirements, only=only)
    reason = reason or spec_skips.reason_of(folder, path.stem, test["description"])
    if reason is not None:
        pytest.skip(reason)
    for deployment in chosen:
        for attempt in reversed(range(spec_skips.attempts(folder, path.stem))):
            world = World(
                spec, test, flavour=flavour, deployment=deployment, make_client=make_client
            )
            try:
                await world.run()
                break
            except (AssertionError, PyMongoError):
                if not attempt:
                    raise


@pytest.mark.parametrize(("folder", "path", "spec", "test"), unified_tests(*FAILING))
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
