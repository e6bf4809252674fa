"""How one unified test of the specifications is run: the body of the tests in `test_unified_*`."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

import spec_skips
from mongodriver.errors import PyMongoError
from mongodriver.execution import retry
from mongodriver.sdam import monitor

from .format import check_file
from .slower import slower
from .survey import skip_reason
from .world import World

#: Files that were looked at: most have many tests.
_WELL_FORMED: set[Path] = set()


@pytest.fixture
def run_unified(flavour, deployments, make_client, monkeypatch):
    """Runs a test of a file on the deployments that suit it, or skips it."""
    # Servers that failed a command on purpose are checked again without the usual half second, and
    # those that said they were overloaded are soon asked again.
    monkeypatch.setattr(monitor, "MIN_HEARTBEAT_INTERVAL", 0.02)
    monkeypatch.setattr(retry, "random", SimpleNamespace(random=lambda: 0.1))
    # Log messages have documents as a whole, so that they can be compared.
    monkeypatch.setenv("MONGODB_LOG_MAX_DOCUMENT_LENGTH", "10000")

    async def run(folder, path, spec, test):
        if path not in _WELL_FORMED:
            check_file(spec)
            _WELL_FORMED.add(path)
        reason = skip_reason(spec, test)
        if "skipReason" in test:
            pytest.skip(f"the file itself skips it: {test['skipReason']}")
        requirements = (spec.get("runOnRequirements"), test.get("runOnRequirements"))
        only = spec_skips.deployment_of(folder, path.stem)
        chosen = await deployments.suitable(*requirements, only=only)
        if reason is not None:
            pytest.skip(reason)
        common = {name: part for name, part in spec.items() if name != "tests"}
        attempts = spec_skips.attempts(folder, path.stem, test["description"])
        for deployment in chosen:
            for attempt in range(attempts):
                # Copies: what is inserted gets an _id.
                factor = 4**attempt
                world = World(
                    slower(common, factor),
                    slower(test, factor),
                    flavour=flavour,
                    deployment=deployment,
                    make_client=make_client,
                )
                try:
                    await world.run()
                    break
                except (AssertionError, PyMongoError):
                    if attempt == attempts - 1:
                        raise

    return run
