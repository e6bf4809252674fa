"""A connection that is cut at every byte of one batch's exchange: each document is there once."""

from __future__ import annotations

import pytest
from ingest_kit import CuttingProxy, load

pytestmark = [pytest.mark.server, pytest.mark.timeout(600)]


@pytest.fixture
def proxy(server):
    host, _, port = server.uri.partition("//")[2].partition("/")[0].rpartition(":")
    with CuttingProxy((host, int(port))) as made:
        yield made


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch):
    monkeypatch.setattr("mongodriver.ingest.retrying._FIRST_PAUSE", 0.0)
    monkeypatch.setattr("mongodriver.sdam.monitor.MIN_HEARTBEAT_INTERVAL", 0.0)


@pytest.mark.parametrize(
    ("retry_writes", "every"),
    [
        (False, 1),  # the job alone makes up for it
        (True, 7),
    ],
)
async def test_a_cut_at_every_byte(make_client, flavour, coll, proxy, retry_writes, every):
    host, port = proxy.address
    client = make_client(
        host, port, directConnection=True, retryWrites=retry_writes, serverMonitoringMode="poll"
    )
    collection = client[coll.database.name][coll.name]
    every *= 1 if flavour.is_sync else 13

    async def run(number, ids):
        # Every other time the documents bring ids, and are compared.
        source = [
            {"run": number, "n": n, **({"_id": f"{number} {n}"} if ids else {})} for n in (0, 1)
        ]
        return await load(collection, source, lanes=1)

    await run(-1, True)
    size = proxy.exchange
    assert size > 200
    number = 0
    for number, byte in enumerate(range(0, size, every)):
        proxy.cut_at = byte
        report = await run(number, number % 2)
        assert (report.documents, report.errors) == (2, {}), byte
        assert retry_writes or report.resent == 1
    assert proxy.cuts == number + 1
    runs = await (await coll.aggregate([{"$group": {"_id": "$run", "n": {"$sum": 1}}}])).to_list()
    assert len(runs) == number + 2
    assert {found["n"] for found in runs} == {2}
