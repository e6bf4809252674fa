"""Three members: finding them through any one, and surviving the loss of the primary."""

from __future__ import annotations

import pytest

from core_kit import PING, Find, Insert, Recorder, Run, opened
from flavours import run_on
from mongodriver.errors import AutoReconnect, NotPrimaryError
from mongodriver.local import LocalServer
from mongodriver.monitoring import PoolClearedEvent
from mongodriver.read_preferences import Nearest, Secondary, SecondaryPreferred
from mongodriver.write_concern import WriteConcern

pytestmark = [pytest.mark.server, pytest.mark.timeout(180)]

MAJORITY = WriteConcern("majority")


@pytest.fixture(scope="module")
def replica_set():
    with LocalServer("rs0", members=3) as started:
        yield started


@pytest.fixture
def uri(replica_set):
    for number, member in enumerate(replica_set.members):
        if not member.running:
            replica_set.restart(number)
    replica_set.primary()
    return replica_set.uri


@pytest.mark.parametrize("member", [0, 1, 2])
def test_every_member_leads_to_the_whole_set(flavour, replica_set, uri, member):
    seed = f"mongodb://{replica_set.members[member].address}/?replicaSet=rs0"

    async def main(backend):
        async with opened(backend, seed) as client:
            await client.execute(Insert("seeds", [{}]))
            for _ in range(500):
                if len(client.description.known_servers) == 3:
                    break
                await backend.sleep(0.01)
            return {d.server_type_name for d in client.description.known_servers}

    assert run_on(flavour, main) == {"RSPrimary", "RSSecondary"}


def test_read_preferences_choose_members(flavour, replica_set, uri):
    async def main(backend):
        async with opened(backend, uri, localthresholdms=10_000) as client:
            await client.execute(Insert("preferences", [{}], write_concern=WriteConcern(3)))
            seen = {}
            for preference in (None, Secondary(), SecondaryPreferred(), Nearest()):
                addresses = set()
                for _ in range(40):
                    find = Find("preferences", read_preference=preference)
                    await client.execute(find)
                    addresses.add(find.connection.address)
                seen[str(preference)] = addresses
            types = client.description.server_descriptions()
            return [
                {types[a].server_type_name for a in addresses} for addresses in seen.values()
            ], len(seen["Nearest(tag_sets=None, max_staleness=-1, hedge=None)"])

    kinds, nearest = run_on(flavour, main)
    assert kinds == [{"RSPrimary"}, {"RSSecondary"}, {"RSSecondary"}, {"RSPrimary", "RSSecondary"}]
    assert nearest == 3


def test_an_operation_goes_back_to_its_member(flavour, uri):
    """As a cursor's getMore does."""

    async def main(backend):
        async with opened(backend, uri) as client:
            first = Find("preferences", read_preference=Secondary())
            await client.execute(first)
            address = first.connection.address
            for _ in range(10):
                again = Find("preferences", read_preference=Secondary())
                await client.execute(again, address=address)
                assert again.connection.address == address

    run_on(flavour, main)


def test_writing_to_a_secondary_directly(flavour, replica_set, uri):
    number = next(n for n in range(3) if n != replica_set.primary())
    direct = f"mongodb://{replica_set.members[number].address}/?directConnection=true"

    async def main(backend):
        async with opened(backend, direct, retrywrites=False) as client:
            await client.execute(Find("preferences"))
            with pytest.raises(NotPrimaryError):
                await client.execute(Insert("preferences", [{}]))
            await client.execute(Run(PING))

    run_on(flavour, main)


@pytest.mark.parametrize(
    "how",
    ["kill", *(pytest.param(how, marks=pytest.mark.thorough) for how in ("stop", "step_down"))],
)
def test_inserts_survive_the_loss_of_the_primary(flavour, replica_set, uri, how):
    """Every document is there once, although the primary went away in the middle."""
    collection = f"{how}_{flavour}"
    batches = 120

    def lose_the_primary():
        if how == "step_down":
            replica_set.step_down()
        else:
            getattr(replica_set, how)(replica_set.primary())

    async def main(backend):
        async with opened(backend, uri) as client:
            await client.execute(Run({"create": collection}, "core_tests"))
            for batch in range(batches):
                documents = [{"n": batch * 10 + n} for n in range(10)]
                reply = await client.execute(Insert(collection, documents, write_concern=MAJORITY))
                assert reply["n"] == 10
                assert "writeErrors" not in reply
                if batch == batches // 3:
                    await backend.call(lose_the_primary)
            return await client.execute(Find(collection))

    found = run_on(flavour, main)
    assert sorted(d["n"] for d in found) == list(range(batches * 10))
    assert len({d["_id"] for d in found}) == batches * 10


def test_a_frozen_member_times_out_and_its_operations_end(flavour, replica_set, uri):
    """A member that stops answering: the monitor notices, clears its pool and ends what waits."""
    recorder = Recorder()
    options = {
        "event_listeners": [recorder],
        "heartbeatfrequencyms": 500,
        "connecttimeoutms": 2000,
        "retryreads": False,
    }

    async def main(backend):
        async with opened(backend, uri, **options) as client:
            find = Find("preferences", read_preference=Secondary())
            await client.execute(find)
            address = find.connection.address
            number = [m.port for m in replica_set.members].index(address[1])
            replica_set.pause(number)
            try:
                with pytest.raises(AutoReconnect):
                    await client.execute(
                        Find("preferences", read_preference=Secondary()), address=address
                    )
            finally:
                replica_set.resume(number)
            return address

    address = run_on(flavour, main)
    cleared = [e for e in recorder.of(PoolClearedEvent) if e.address == address]
    assert cleared
    assert cleared[0].interrupt_connections
