"""The unified tests of the specifications, in both flavours."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from unified.runner import Deployment, UnifiedTest, check_requirements

from bsonx import json_util
from mongodriver.sdam import monitor
from specs import specs_root

pytestmark = pytest.mark.server

FOLDERS = [
    "causal-consistency",
    "collection-management",
    "command-logging-and-monitoring/monitoring",
    "crud/unified",
    "index-management",
    "mongodb-handshake/unified",
    "read-write-concern/operation",
    "retryable-reads/unified",
    "retryable-writes/unified",
    "run-command/unified",
    "sessions",
    "transactions/unified",
    "transactions-convenient-api/unified",
    "unified-test-format/valid-pass",
    "versioned-api",
]


def unified_tests() -> list[Any]:
    """A param for each test of each file; one that is skipped where the files are absent."""
    root = specs_root()
    if root is None:
        reason = "specification files not found (set MONGODB_SPECS)"
        return [pytest.param(None, None, id="absent", marks=pytest.mark.skip(reason=reason))]
    params = []
    for folder in FOLDERS:
        for path in sorted((root / folder).glob("*.json")):
            spec = json_util.loads(path.read_text(encoding="utf-8"))
            name = f"{folder.split('/')[0]}/{path.stem}"
            params += [
                pytest.param(spec, test, id=f"{name}: {test['description']}")
                for test in spec["tests"]
            ]
    return params


@pytest.fixture(autouse=True)
def quick_checks(monkeypatch):
    """Servers that failed a command on purpose are checked again without the usual half second."""
    monkeypatch.setattr(monitor, "MIN_HEARTBEAT_INTERVAL", 0.02)


@pytest.fixture(scope="module")
def deployment(flavour, shared):
    """What the server is."""

    async def ask():
        info = await shared.client.server_info()
        hello = await shared.client.admin.command("hello")
        parameters = await shared.client.admin.command({"getParameter": "*"})
        topology = "replicaset" if "setName" in hello else "single"
        if hello.get("msg") == "isdbgrid":
            topology = "sharded"
        return SimpleNamespace(version=info["version"], topology=topology, parameters=parameters)

    found = flavour.run(ask())
    return Deployment(found.version, found.topology, found.parameters)


@pytest.mark.parametrize(("spec", "test"), unified_tests())
async def test_unified(flavour, spec, test, client, make_client, deployment, server):
    check_requirements(spec.get("runOnRequirements"), deployment)
    check_requirements(test.get("runOnRequirements"), deployment)
    if "skipReason" in test:
        pytest.skip(test["skipReason"])
    await UnifiedTest(spec, test, client, make_client, server.uri).run()
