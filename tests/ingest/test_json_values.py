"""JSON arrays and sequences of objects as streams."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mongodriver.ingest.errors import IngestError

from .reading import Trickle, json_records, read

SCALARS = (
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text('{}[]",\\ a\n', max_size=9)
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text("ab{", max_size=3), inner, max_size=3)
    ),
    max_leaves=8,
)
DOCUMENTS = st.lists(st.dictionaries(st.text('k"}', max_size=3), VALUES, max_size=4), max_size=6)


@given(DOCUMENTS, st.sampled_from([None, 1, 3]), st.booleans(), st.integers(1, 9))
def test_arrays_of_any_shape(documents, indent, ascii_only, size):
    data = json.dumps(documents, indent=indent, ensure_ascii=ascii_only).encode()
    rejected = []
    reader = json_records(Trickle(data, size), lambda *bad: rejected.append(bad))
    assert [document for _, _, document in reader] == documents
    assert rejected == []


@given(
    DOCUMENTS, st.sampled_from([None, 2]), st.sampled_from(["\n", "", " \r\n\n"]), st.integers(1, 9)
)
def test_sequences_of_any_shape(documents, indent, separator, size):
    data = separator.join(json.dumps(document, indent=indent) for document in documents).encode()
    rejected = []
    reader = json_records(Trickle(data, size), lambda *bad: rejected.append(bad))
    assert [document for _, _, document in reader] == documents
    assert rejected == []


def test_line_numbers():
    data = b'\xef\xbb\xbf\n[{"a": 1},\n {"b":\n 2}\n, {"c": "\\n}"}\n]\n'
    records, rejected = read(json_records, data)
    assert records == [(2, {"a": 1}), (3, {"b": 2}), (5, {"c": "\n}"})]
    assert rejected == []


@pytest.mark.parametrize("data", [b"", b"  \n", b"[]", b"[ \n ]\n", b"\xef\xbb\xbf[]"])
def test_nothing(data):
    assert read(json_records, data) == ([], [])


def test_sizes():
    """With what stands between the values."""
    reader = json_records(Trickle(b'[ {"a": 1} , {"b": "}"}]', 5), lambda *bad: None)
    assert [size for _, size, _ in reader] == [10, 13]


@pytest.mark.parametrize(
    ("bad", "texts"),
    [
        (b"5", [b"5"]),
        (b"null", [b"null"]),
        (b'"a, {text} ]"', [b'"a, {text} ]"']),
        (b'[{"x": 1}, [2]]', [b'[{"x": 1}, [2]]']),
        (b'{"a": }', [b'{"a": }']),
        (b'{"a": {"$oid": 5}}', [b'{"a": {"$oid": 5}}']),
        (b'{"a": "\xff"}', [b'{"a": "\xff"}']),
        (b'{"a": tru}', [b'{"a": tru}']),
        (b"1 2", [b"1", b"2"]),
        (b"}", [b"}"]),
    ],
)
@pytest.mark.parametrize("size", [1, 4, 1000])
def test_bad_values_are_rejected_alone(bad, texts, size):
    data = b'[{"a": 1},\n' + bad + b',\n{"b": 2}]'
    rejected = []
    reader = json_records(Trickle(data, size), lambda *record: rejected.append(record))
    assert [(line, document) for line, _, document in reader] == [(1, {"a": 1}), (3, {"b": 2})]
    assert [(line, text) for line, text, _ in rejected] == [(2, text) for text in texts]


def test_a_missing_comma_loses_nothing():
    assert read(json_records, b'[{"a": 1} {"b": 2}]') == ([(1, {"a": 1}), (1, {"b": 2})], [])


def test_a_comma_too_many():
    assert read(json_records, b'[{"a": 1}, ]') == ([(1, {"a": 1})], [])


@pytest.mark.parametrize("end", [b"", b",", b"  "])
def test_an_array_that_is_cut_off_between_values(end):
    with pytest.raises(IngestError, match="line 2: the array is cut off"):
        read(json_records, b'[{"a": 1}\n' + end)


@pytest.mark.parametrize("rest", [b'{"b"', b'{"b": "text', b'{"b": "text\\'])
def test_a_file_that_is_cut_off_inside_a_value(rest):
    rejected = []
    reader = json_records(Trickle(b'[{"a": 1},\n' + rest, 3), lambda *bad: rejected.append(bad))
    documents = []
    with pytest.raises(IngestError, match="cut off"):
        documents += (document for _, _, document in reader)
    assert [(line, text) for line, text, _ in rejected] == [(2, rest)]


def test_text_behind_the_array():
    with pytest.raises(IngestError, match="line 2: there is text behind the end"):
        read(json_records, b'[{"a": 1}]\n{"b": 2}')


@pytest.mark.parametrize("data", [b"x", b'"text"', b"5", b"\xff"])
def test_no_json_at_all(data):
    with pytest.raises(IngestError, match="line 1: neither a JSON array nor"):
        read(json_records, data)


def test_a_large_document_in_small_chunks():
    document = {"text": 'x}{\\"' * 500_000, "list": [{"n": n} for n in range(1000)]}
    data = json.dumps([document, {"b": 1}]).encode()
    assert [found for _, _, found in json_records(Trickle(data, 1 << 18), print)] == [
        document,
        {"b": 1},
    ]


def test_an_endless_value():
    with pytest.raises(IngestError, match="line 1: a value is longer than 1000 bytes"):
        read(json_records, b'[{"a": "' + b"x" * 1_000_000, max_record=1000)
