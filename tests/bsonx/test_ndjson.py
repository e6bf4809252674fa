"""ndjson: batches of records, bad ones among them, however the buffer is cut."""

import doctest
import json
import mmap
import random
from pathlib import Path

import json_cases as cases
import pytest
from test_json_fuzz import ROUNDS, damaged, random_value, without_fresh_ids

oracle = cases.load("bson")
FIRST = bytes.fromhex("65920080aabbccddeefffffe")


@pytest.fixture
def nd(bx):
    from bsonx import ndjson

    return ndjson


def documents(bx, batch):
    options = bx.CodecOptions(datetime_conversion=bx.DatetimeConversion.DATETIME_AUTO)
    return [bx.decode(batch.document(index), options) for index in range(len(batch))]


def rejects(batch):
    return [(r.line, r.start, r.end, type(r.error).__name__, str(r.error)) for r in batch.rejects]


def shown(batch):
    """All of a batch, to be compared."""
    return (
        batch.data,
        [*batch.ends],
        [*batch.lines],
        rejects(batch),
        batch.made_ids,
        batch.consumed,
        batch.line,
        batch.state,
    )


LINES = (
    b'\xef\xbb\xbf{"a": 1}\r\n'
    b"\n"
    b" \t\x0b\x0c\r\n"
    b'{"a": \n'
    b'{"a": 2} x\n'
    b'{"_id": 5, "a": 3}\n'
    b"[1]\n"
    b"null\n"
    b'{"a": "\xff"}\n'
    b'{"a": {"$numberInt": "5.5"}}\n'
    b'  {"a": {"$date": {"$numberLong": "-99999999999999999"}}}  \n'
    b'{"a": 4}'
)


def test_lines(bx, nd):
    batch = nd.read_lines(LINES)
    assert [*batch.lines] == [1, 6, 11, 12]
    assert [document.get("a") for document in documents(bx, batch)[:2]] == [1, 3]
    assert [(line, LINES[start:end]) for line, start, end, _, _ in rejects(batch)] == [
        (4, b'{"a": '),
        (5, b'{"a": 2} x'),
        (7, b"[1]"),
        (8, b"null"),
        (9, b'{"a": "\xff"}'),
        (10, b'{"a": {"$numberInt": "5.5"}}'),
    ]
    assert [kind for *_, kind, _ in rejects(batch)] == [
        "JSONDecodeError",
        "JSONDecodeError",
        "ValueError",
        "ValueError",
        "UnicodeDecodeError",
        "ValueError",
    ]
    assert (batch.consumed, batch.line, batch.made_ids) == (len(LINES), 13, 0)


def test_the_words_name_the_field(bx, nd):
    cases = {
        '{"n": {"$numberInt": "5.5"}}': ("n", "$numberInt '5.5' is no integer"),
        '{"a": {"b": [0, {"c": 1e999}]}}': ("a.b[1].c", "the number 1e999 is too large"),
        '{"a": {"x": 1, "x": 2}}': ("a", "the key 'x' comes twice"),
        '{"a": 123456789012345678901}': ("a", "8-byte ints"),
        '{"a": {"b": "\\ud800"}}': ("a.b", "surrogates not allowed"),
        '{"d": [{"$date": "2020-13-01T00:00:00Z"}]}': ("d[0]", "does not match ISO-8601"),
        '{"a": 5': ("", "Expecting ',' delimiter"),
        '{"x": 1, "x": 2}': ("", "the key 'x' comes twice"),
    }
    batch = nd.read_lines("\n".join(cases).encode())
    assert len(batch) == 0
    for found, (path, words) in zip(batch.rejects, cases.values(), strict=True):
        assert getattr(found.error, "path", None) == path
        assert words in str(found.error)


def test_ids(bx, nd):
    text = b'{"a": 1}\n{"a": 2, "_id": 7}\nbad\n{"a": 3}\n{"b": {"_id": 1}}\n'
    batch = nd.read_lines(text, first_id=FIRST)
    found = documents(bx, batch)
    assert [next(iter(document)) for document in found] == ["_id"] * 4
    assert [str(document["_id"]) for document in found] == [
        "65920080aabbccddeefffffe",
        "7",
        "65920081aabbccddee000000",
        "65920081aabbccddee000001",
    ]
    assert found[1] == {"_id": 7, "a": 2}
    assert batch.made_ids == 3
    with pytest.raises(ValueError, match="12 bytes"):
        nd.read_lines(text, first_id=b"short")


@pytest.mark.parametrize("first_id", [None, FIRST])
def test_id_field(bx, nd, first_id):
    text = b'{"a": 1, "k": {"x": [2]}, "b": 3}\n{"k": 4}\n{"a": 5}\n'
    text += b'{"k": 6, "_id": 7}\n{"k":1,"k":1}\n'
    batch = nd.read_lines(text, first_id=first_id, id_field="k")
    first, second, third = documents(bx, batch)
    assert list(first.items()) == [("_id", {"x": [2]}), ("a", 1), ("b", 3)]
    assert second == {"_id": 4}
    assert third["a"] == 5
    assert ("_id" in third) is (first_id is not None)
    assert ["beside 'k'" in str(batch.rejects[0].error), len(batch.rejects)] == [True, 2]
    assert documents(bx, nd.read_lines(b'{"a": 1, "_id": 2}', id_field="_id")) == [
        {"_id": 2, "a": 1}
    ]


def test_the_id_comes_first(bx, nd):
    keys = [f"key {number}" for number in range(100)]
    for at in (0, 1, 50, 99, 100):
        members = {key: [key, {"_id": 0}] for key in keys}
        pairs = [*members.items()]
        pairs.insert(at, ("_id", {"a": ["x" * 300], "_id": 5}))
        text = json.dumps(dict(pairs)).encode()
        for first_id in (None, FIRST):
            (document,) = documents(bx, nd.read_lines(text, first_id=first_id))
            assert [*document] == ["_id", *keys]
            assert document == dict(pairs)
        again = text[:-1] + b', "key 3": 1}'
        assert "comes twice" in str(nd.read_lines(again).rejects[0].error)


def test_limits(bx, nd):
    text = b'{"a": 1}\n' * 10
    batch = nd.read_lines(text, max_documents=3)
    assert (len(batch), batch.consumed, batch.line) == (3, 27, 4)
    batch = nd.read_lines(text, max_bytes=13)
    assert (len(batch), batch.consumed, batch.line) == (2, 18, 3)
    batch = nd.read_lines(text, 18, line=3, max_documents=100)
    assert (len(batch), batch.consumed, batch.line) == (8, 90, 11)
    assert [*batch.lines] == [*range(3, 11)]
    for start, line in ((91, 1), (-1, 1), (0, 0)):
        with pytest.raises(ValueError, match=r"position|counted"):
            nd.read_lines(text, start, line=line)


def test_other_buffers(bx, nd):
    text = b'{"a": 1}\n' * 300000
    with mmap.mmap(-1, len(text)) as mapped:
        mapped[:] = text
        for buffer in (bytearray(text), memoryview(text), mapped):
            batch = nd.read_lines(buffer, 9, line=2, max_documents=10**6)
            count = len(batch)
            assert 0 < count <= 299999
            assert (batch.consumed, batch.line) == (9 * count + 9, count + 2)
    long = b'{"a": "' + b"x" * (5 << 20) + b'"}\nbad\n'
    first = nd.read_lines(bytearray(long))
    assert (len(first), [reject[:3] for reject in first.rejects]) == (
        1,
        [(2, len(long) - 4, len(long) - 1)],
    )
    with pytest.raises(TypeError):
        nd.read_lines("text")


STREAMS = {
    b'[{"a": 1}, {"a": 2}]': (2, 0, "END"),
    b'\xef\xbb\xbf [\n{"a": 1}\n,\n{"a": 2},]  \n': (2, 0, "END"),
    b'{"a": 1}{"a": [2, "}"]}\n {"a": 3}': (3, 0, "SEQUENCE"),
    b"": (0, 0, "START"),
    b"  \n": (0, 0, "START"),
    b"[]": (0, 0, "END"),
    b"[ ] x": (0, 0, "BAD_END"),
    b"[{}] [": (1, 0, "BAD_END"),
    b"5": (0, 0, "BAD_START"),
    b"x{": (0, 0, "BAD_START"),
    b'[{"a": 1}': (1, 0, "AFTER_ITEM"),
    b"[": (0, 0, "ARRAY"),
    b'[{"a": 1},': (1, 0, "ARRAY"),
    b'[{"a": 1}, 5, "x\\"]", [1, {"a": 2}], null, {"a": 1e999}, {"a": 3} {"a": 4}]': (3, 5, "END"),
    b'[{"a": "x}, {"b": 2}]': (0, 1, "ARRAY"),
    b'[{"a": x}, {"b": {"$oid": 5}}, {"c": 1}]': (1, 2, "END"),
    b'{"a": 1} x y {"b"': (1, 3, "SEQUENCE"),
    b'{"a": "\\': (0, 1, "SEQUENCE"),
    b"[,]": (0, 1, "END"),
}


@pytest.mark.parametrize("text", STREAMS)
def test_values(bx, nd, text):
    good, bad, state = STREAMS[text]
    batch = nd.read_values(text)
    assert (len(batch), len(batch.rejects)) == (good, bad)
    assert batch.state in (getattr(nd, state), nd.AFTER_ITEM if state == "ARRAY" else None)
    assert batch.line == 1 + text[: batch.consumed].count(b"\n")
    for line, start, end, *_ in rejects(batch):
        assert line == 1 + text[:start].count(b"\n")
        assert text[start:end].strip()


def by_parts(read, text, size, **options):
    """Read a text of which `size` bytes more are there each time."""
    place = {}
    start, end, found = 0, 0, []
    while True:
        end = min(end + size, len(text))
        batch = read(text[:end], start, final=end == len(text), **place, **options)
        start = batch.consumed
        place = {"line": batch.line}
        if read.__name__ == "read_values":
            place["state"] = batch.state
        found += [(batch.document(i), line) for i, line in enumerate(batch.lines)]
        found += rejects(batch)
        if end == len(text) and not batch.data and not batch.rejects:
            return found, batch.consumed, batch.line, batch.state


@pytest.mark.parametrize("size", [1, 2, 7, 50])
@pytest.mark.parametrize("limits", [{}, {"max_documents": 1}])
def test_texts_that_come_in_parts(bx, nd, size, limits):
    for read, texts in ((nd.read_lines, [LINES]), (nd.read_values, STREAMS)):
        for text in texts:
            parts = by_parts(read, text, size, **limits)
            whole = by_parts(read, text, len(text) + 1)
            assert sorted(map(str, parts[0])) == sorted(map(str, whole[0])), text
            assert parts[1:] == whole[1:], text


def random_text(rng, separator):
    writers = [*cases.dump_options(oracle).values()]
    records = []
    for _ in range(rng.randrange(6)):
        value = {"a": random_value(rng, oracle), rng.choice(("_id", "k", "b")): 1}
        try:
            text = oracle.dumps(value, json_options=rng.choice(writers), ensure_ascii=False)
        except (ValueError, TypeError, OverflowError):
            continue
        records.append(without_fresh_ids(damaged(rng, text)) if rng.random() < 0.5 else text)
    text = separator.join(records)
    if separator == ",":
        text = f"[{text}]"
    if rng.random() < 0.3:
        text = damaged(rng, text)
    return text.encode("utf-8", "surrogatepass")


def test_both_implementations_agree(both):
    from implementations import tree

    found = {}
    for name in ("c", "py"):
        with tree(name).active():
            from bsonx import ndjson

            found[name] = []
            for seed in range(600 * ROUNDS):
                rng = random.Random(seed)
                options = {
                    "first_id": rng.choice((None, FIRST)),
                    "id_field": rng.choice((None, "k")),
                    "final": rng.random() < 0.7,
                    "max_documents": rng.choice((1, 2, 100)),
                }
                text = random_text(rng, "\n")
                found[name].append((text, shown(ndjson.read_lines(text, **options))))
                text = random_text(rng, rng.choice(("\n", ",", "", " ,\r\n ")))
                found[name].append((text, shown(ndjson.read_values(text, **options))))
    for mine, theirs in zip(found["c"], found["py"], strict=True):
        assert mine == theirs


@pytest.mark.parametrize("count", [500, pytest.param(2000, marks=pytest.mark.thorough)])
def test_threads_read_at_once(bx, nd, count):
    from concurrent.futures import ThreadPoolExecutor

    line = b'{"a": %d, "b": ["x", {"$numberLong": "5"}]}\nbad\n'
    text = b"".join(line % n for n in range(count))
    expected = shown(nd.read_lines(text, first_id=FIRST))
    with ThreadPoolExecutor(4) as pool:
        results = [*pool.map(lambda _: shown(nd.read_lines(text, first_id=FIRST)), range(8))]
        assert all(result == expected for result in results)
        data = expected[0]
        lines = nd.write_lines(data)
        assert all(got == lines for got in pool.map(lambda _: nd.write_lines(data), range(8)))


def test_the_examples(nd):
    page = Path(__file__).resolve().parents[2] / "docs" / "json.md"
    assert doctest.testfile(str(page), module_relative=False).failed == 0
    assert doctest.testmod(nd).failed == 0
