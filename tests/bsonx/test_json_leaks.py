"""Reading and writing JSON, well or badly, leaves nothing behind."""

import gc
import sys

import json_cases as cases
import pytest
from json_documents import DOCUMENTS


def attempt(call, *args, **kwargs):
    try:
        call(*args, **kwargs)
    except Exception:
        return


def allocated(work):
    work()
    gc.collect()
    return sys.getallocatedblocks()


@pytest.fixture
def lib(bx):
    return cases.load("bsonx")


def least_growth(work):
    """Return by how many blocks memory grew in the best of three rounds of 15 calls.

    Caches fill up at first; one block lost for each option would make 135 and more.
    """
    growths = []
    for _ in range(3):
        before = allocated(work)
        for _ in range(15):
            after = allocated(work)
        growths.append(after - before)
    return min(growths)


def test_dumps(lib):
    values = cases.values(lib)
    options = [*cases.dump_options(lib).values()]

    def work():
        for choice in options:
            for value in values:
                attempt(lib.dumps, value, json_options=choice)
                attempt(lib.dumps, [value], json_options=choice, indent=1, sort_keys=True)

    assert least_growth(work) < 100


def test_loads(lib):
    options = [*cases.load_options(lib).values()]

    def work():
        for choice in options:
            for text in DOCUMENTS:
                attempt(lib.loads, text, json_options=choice)
                attempt(lib.loads, text.encode("utf-8", "surrogatepass"), json_options=choice)

    assert least_growth(work) < 100
