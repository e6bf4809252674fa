"""Reading and writing JSON, well or badly, leaves nothing behind."""

import gc
import sys

import bson
import json_cases as cases
import pytest
from json_documents import DOCUMENTS
from mutate import seeds
from test_json_strict import LOST

pytestmark = [pytest.mark.thorough, pytest.mark.usefixtures("spared_collector")]

if not hasattr(sys, "getallocatedblocks"):
    pytest.skip("this interpreter does not count memory blocks", allow_module_level=True)


def attempt(call, *args, **kwargs):
    try:
        call(*args, **kwargs)
    except Exception:
        return


@pytest.fixture
def lib(bx):
    return cases.load("bsonx")


def allocated():
    gc.collect()
    return sys.getallocatedblocks()


def modes(lib):
    return [lib.LEGACY_JSON_OPTIONS, lib.RELAXED_JSON_OPTIONS, lib.CANONICAL_JSON_OPTIONS]


def after_calls(work):
    for _ in range(15):
        work()
    return allocated()


def least_growth(work):
    """Return by how many blocks memory grew in a round of 15 calls: a good one, else the least.

    CPython's own caches fill up in the first calls, and now and then later. One block lost each
    time that one value meets one of three options would make 45 in all of twelve rounds.
    """
    before, least = after_calls(work), sys.maxsize
    for _ in range(12):
        after = after_calls(work)
        least = min(least, after - before)
        if least < 30:
            break
        before = after
    return least


def test_dumps(lib):
    values = cases.values(lib)
    options = modes(lib)

    def work():
        for choice in options:
            for value in values:
                attempt(lib.dumps, value, json_options=choice)
                attempt(lib.dumps, [value], json_options=choice, indent=1, sort_keys=True)

    assert least_growth(work) < 30


def test_loads(lib):
    options = modes(lib)

    def work():
        for choice in options:
            for text in DOCUMENTS:
                attempt(lib.loads, text, json_options=choice)
                attempt(lib.loads, text.encode("utf-8", "surrogatepass"), json_options=choice)

    assert least_growth(work) < 30


def test_loads_strict(lib):
    texts = [text for text, _ in LOST]

    def work():
        for text in texts:
            attempt(lib.loads_strict, text)
            attempt(lib.loads_strict, f"[{text}, {text}]")

    assert least_growth(work) < 30


def test_to_bson(lib):
    texts = [text for text, _ in LOST] + [*DOCUMENTS]

    def work():
        for text in texts:
            attempt(lib.to_bson, text)
            attempt(lib.to_bson, f'{{"x": {text}}}'.encode("utf-8", "surrogatepass"))

    assert least_growth(work) < 30


def test_from_bson(lib):
    from bsonx import ndjson

    options = [*modes(lib), lib.JSONOptions(document_class=lib.SON, uuid_representation=5)]
    documents = [data for data in seeds(bson) if len(data) < 60]

    def work():
        for choice in options:
            for data in documents:
                attempt(lib.from_bson, data, choice)
                attempt(ndjson.write_lines, data + data[:-1], choice)

    assert least_growth(work) < 30


def test_records(lib):
    from bsonx import ndjson

    texts = "\n".join([f'{{"x": {text}}}' for text, _ in LOST[::8]] + ['{"k": {"$date": 0}}'])
    data = texts.encode("utf-8", "surrogatepass")
    options = {"first_id": b"0123456789ab", "id_field": "k"}

    def work():
        for _ in range(3):
            ndjson.read_lines(data, **options)
            ndjson.read_values(data, **options)
            attempt(ndjson.read_lines, data, first_id=b"short")
            attempt(ndjson.read_lines, data, id_field="\ud800")

    assert least_growth(work) < 30
