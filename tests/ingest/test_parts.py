"""Small parts of the engine: times, sizes, what is settled without a gap."""

import pytest

from mongodriver.ingest import Batch
from mongodriver.ingest.sizing import Sizing
from mongodriver.ingest.timing import Times
from mongodriver.ingest.tracker import Track


def test_percentiles():
    times = Times()
    assert times.percentile(0.5) == 0.0
    for milliseconds in range(1, 1001):
        times.add(milliseconds / 1000)
    assert times.percentile(0.5) == pytest.approx(0.5, rel=0.1)
    assert times.percentile(0.99) == pytest.approx(0.99, rel=0.1)
    times.add(1e9)
    assert times.percentile(1.0) > 1000


def test_batches_grow_while_the_server_is_quick_and_shrink_when_it_is_not():
    sizing = Sizing(100_000, 1 << 20, 1.0)
    first = sizing.limits.documents
    sizing.acknowledged(first, 0.01)
    assert sizing.limits.documents == 2 * first
    sizing.acknowledged(10, 0.01)  # of a slow source: it says nothing
    assert sizing.limits.documents == 2 * first
    for _ in range(20):
        sizing.acknowledged(sizing.limits.documents, 0.01)
    assert sizing.limits.documents == 100_000
    sizing.acknowledged(100_000, 0.3)  # just right
    assert sizing.limits.documents == 100_000
    for _ in range(20):
        sizing.acknowledged(sizing.limits.documents, 5.0)
    assert sizing.limits.documents == 100
    assert (sizing.limits.bytes, sizing.limits.seconds) == (1 << 20, 1.0)


def test_batches_never_grow_beyond_what_is_asked():
    sizing = Sizing(7, 100, None)
    sizing.acknowledged(7, 0.01)
    assert sizing.limits.documents == 7
    sizing.acknowledged(7, 5.0)
    assert sizing.limits.documents == 7


def batch(number):
    return Batch("file", b"", b"", (), resume={"documents": number})


def test_only_what_is_settled_without_a_gap_counts():
    track = Track()
    batches = [batch(number) for number in range(4)]
    for one in batches:
        track.begin(one)
    track.split(batches[1], 2)
    assert track.settle(2) is None
    assert track.settle(0) == {"documents": 0}
    assert track.settle(1) is None
    assert track.settle(1) == {"documents": 2}
    assert track.settle(3) == {"documents": 3}
