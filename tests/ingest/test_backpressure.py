"""In a loop: the source is asked for no more than may be in flight, and a slow one does not hold
its documents up."""

import pytest

from flavours import ASYNCHRONOUS, run_on
from mongodriver.ingest import ingest_async
from tasks import begin, flag, pass_on

from .fake import FakeCollection


class Gated(FakeCollection):
    """Answers nothing before it is told to."""

    def __init__(self, backend):
        super().__init__()
        self.backend = backend
        self.gate = flag()
        self.arrived = flag()

    async def execute(self, operation):
        self.arrived.set()
        await self.gate.wait()
        return await super().execute(operation)


def numbers(collection):
    return sorted(document["n"] for document in collection.stored.values())


@pytest.mark.parametrize("flavour", ASYNCHRONOUS)
@pytest.mark.parametrize("kind", ["asynchronous", "thread"])
def test_only_so_much_is_asked_for(flavour, kind):
    asked = 0

    def documents():
        nonlocal asked
        for asked in range(1, 301):
            yield {"n": asked, "x": "x" * 974}  # with its id 1,024 bytes

    async def asynchronously():
        for document in documents():
            yield document

    async def main(backend):
        collection = Gated(backend)
        source = documents() if kind == "thread" else asynchronously()
        options = {"batch_documents": 4, "lanes": 2, "max_in_flight": 32 << 10}
        task = begin(ingest_async(collection, source, **options))
        await collection.arrived.wait()
        for _ in range(200):
            await pass_on()
        most = asked
        collection.gate.set()
        report = await task
        assert report.documents == 300
        assert numbers(collection) == list(range(1, 301))
        return most

    assert 4 <= run_on(flavour, main) <= 32 + 16


@pytest.mark.parametrize("flavour", ASYNCHRONOUS)
def test_a_slow_source_does_not_hold_its_documents_up(flavour):
    """They go when they are old enough; the source waits for them to be stored."""

    async def main(backend):
        collection = Gated(backend)
        collection.gate.set()

        async def documents():
            yield {"n": 1}
            yield {"n": 2}
            while not numbers(collection):
                await backend.sleep(0.01)
            yield {"n": 3}

        report = await ingest_async(collection, documents(), batch_seconds=0.05)
        assert report.documents == 3
        assert collection.calls == [2, 1]

    run_on(flavour, main)


@pytest.mark.parametrize("flavour", ASYNCHRONOUS)
def test_what_an_asynchronous_iterable_raises(flavour):
    async def documents():
        yield {"n": 1}
        raise LookupError("the source is broken")

    async def main(backend):
        collection = Gated(backend)
        collection.gate.set()
        with pytest.raises(LookupError, match="the source is broken"):
            await ingest_async(collection, documents())
        assert numbers(collection) == [1]

    run_on(flavour, main)
