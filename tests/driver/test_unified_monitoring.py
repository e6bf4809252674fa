"""SDAM, pools, server selection and load balancers: the unified tests, in both flavours."""

from __future__ import annotations

import pytest
from unified.files import unified_tests

pytestmark = pytest.mark.server


@pytest.mark.parametrize(("folder", "path", "spec", "test"), unified_tests("monitoring"))
async def test_unified(run_unified, folder, path, spec, test):
    await run_unified(folder, path, spec, test)
