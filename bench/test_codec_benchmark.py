"""The codec cases under pytest-benchmark, to follow one machine over time.

`pytest bench --benchmark-autosave`, then `pytest-benchmark compare`. For the comparison with
PyMongo use `make bench`: it interleaves the contenders.
"""

from __future__ import annotations

import pytest

import codec

CASES = {f"{case.group}-{case.name}": case for case in codec.cases()}


@pytest.mark.parametrize("library", ["ours", "pymongo"])
@pytest.mark.parametrize("name", CASES)
def test_codec(benchmark, name, library):
    benchmark.group = name
    benchmark(CASES[name].contenders[library], 1)
