"""What is sent for documents where their keys matter: updates, deletes, renamed ids, groups."""

from __future__ import annotations

from array import array
from itertools import accumulate

import bson
import pytest
from mutate import mutations, seeds

from implementations import tree

AS_ID, UPSERT, REPLACE, MERGE, DELETE, GROUP = range(6)
FIRST = {"_id": 1, "k": "a", "v": {"x": 1}}


def given(documents):
    return b"".join(documents), array("I", accumulate(map(len, documents))).tobytes()


@pytest.fixture
def made(bx):
    """The statements as values, the groups, and the rejects."""
    import bsonx._impl as impl

    def made(documents, kind, *keys):
        data, ends = given([bx.encode(document) for document in documents])
        statements, ends, groups, rejects = impl.encode_statements(data, ends, kind, keys)
        start, found = 0, []
        for end in array("I", ends):
            found.append(bx.decode(statements[start:end]) if end > start else None)
            start = end
        assert start == len(statements)
        return found, list(array("I", groups)), rejects

    return made


def test_upsert_and_replace(made):
    for kind, more in ((UPSERT, {"upsert": True}), (REPLACE, {})):
        found, groups, rejects = made([FIRST, {"k": 2}], kind, "k")
        assert found == [
            {"q": {"k": "a"}, "u": FIRST, **more},
            {"q": {"k": 2}, "u": {"k": 2}, **more},
        ]
        assert [list(one) for one in found] == [["q", "u", *more]] * 2
        assert len(groups) == 2
        assert rejects == []


def test_merge(made):
    documents = [
        FIRST,
        {"k": 1},
        {"k": 1, "a.b": 2},
        {"k": 1, "$x": 2, "v": 3},
        {"k": {"$gt": 1}, "v": 1},
    ]
    found, _, rejects = made(documents, MERGE, "k")
    literal = lambda fields: [  # noqa: E731
        {"$replaceWith": {"$mergeObjects": ["$$ROOT", {"$literal": fields}]}}
    ]
    assert [one["u"] for one in found] == [
        {"$set": {"_id": 1, "v": {"x": 1}}},
        {"$setOnInsert": {"k": 1}},
        literal({"a.b": 2}),
        literal({"$x": 2, "v": 3}),
        {"$set": {"v": 1}},
    ]
    assert found[4]["q"] == {"k": {"$eq": {"$gt": 1}}}
    assert all(one["upsert"] is True for one in found)
    assert rejects == []


def test_delete(made):
    assert made([FIRST], DELETE, "_id")[0] == [{"q": {"_id": 1}, "limit": 1}]
    assert made([FIRST], DELETE, "k")[0] == [{"q": {"k": "a"}, "limit": 0}]
    assert made([FIRST], DELETE, "_id", "k")[0] == [{"q": {"_id": 1, "k": "a"}, "limit": 0}]


def test_a_regular_expression_is_no_query(made, bx):
    regex = bx.Regex("^a")
    assert made([{"k": regex}], DELETE, "k")[0][0]["q"] == {"k": {"$eq": regex}}


def test_an_id_from_another_field(made):
    found, _, rejects = made(
        [{"a": 1, "k": "x", "b": 2}, {"_id": 1, "k": 2}, {"a": 1}, {"k": None}, {"k": [1]}],
        AS_ID,
        "k",
    )
    assert [list(one.items()) for one in found] == [
        [("_id", "x"), ("a", 1), ("b", 2)],
        [("_id", None)],
        [("_id", [1])],
    ]
    assert rejects == [(1, "the record has an _id"), (2, "the record has no 'k'")]


def test_keys_that_reach_into_documents(made):
    documents = [
        {"a": {"b": {"c": 5}}, "x": 1},
        {"a": {"b": 1}, "x": 1},
        {"a": [{"b": {"c": 5}}], "x": 1},
        {"a.b.c": 5, "x": 1},
    ]
    found, _, rejects = made(documents, UPSERT, "a.b.c", "x")
    assert [one["q"] for one in found] == [{"a.b.c": 5, "x": 1}]
    assert [index for index, _ in rejects] == [1, 2, 3]
    assert {text for _, text in rejects} == {"the record has no 'a.b.c'"}


def test_what_is_no_key(made):
    found, groups, rejects = made([{"k": None}, {"k": [1]}, {}, {"k": 1, "$a": 1}], UPSERT, "k")
    assert (found, groups) == ([], [])
    assert rejects == [
        (0, "the key 'k' must not be null"),
        (1, "the key 'k' must not be an array"),
        (2, "the record has no 'k'"),
        (3, "names of fields that begin with $ would be taken for operators"),
    ]
    assert made([{"_id": None}], UPSERT, "_id")[0][0]["q"] == {"_id": None}


def test_equal_keys_have_one_group(made, bx):
    values = [1, bx.Int64(1), 1.0, 1.5, "1", True, bx.Int64(1 << 40), float(1 << 40), float("nan")]
    found, groups, _ = made([{"k": value, "n": n} for n, value in enumerate(values)], GROUP, "k")
    assert found == [None] * len(values)
    assert groups[0] == groups[1] == groups[2]
    assert groups[6] == groups[7]
    assert len({groups[0], *groups[3:6], groups[6], groups[8]}) == 6


def test_many(made):
    found, groups, _ = made([{"k": n % 10, "v": "x" * n} for n in range(1000)], MERGE, "k")
    assert [one["u"]["$set"]["v"] for one in found] == ["x" * n for n in range(1000)]
    assert groups == groups[:10] * 100
    assert len(set(groups)) == 10


@pytest.mark.parametrize("ends", [[4], [20], [10, 5]])
def test_ends_that_do_not_fit(bx, ends):
    import bsonx._impl as impl

    with pytest.raises(ValueError, match="do not fit"):
        impl.encode_statements(
            b"\x0a\0\0\0\x10k\0\1\0\0", array("I", ends).tobytes(), UPSERT, ("k",)
        )


def _outcomes(name, documents):
    with tree(name).active():
        import bsonx._impl as impl

        data, ends = given(documents)
        return [
            impl.encode_statements(data, ends, kind, keys)
            for kind in range(6)
            for keys in (("k",), ("k.a", "_id"), ("k", "b"))
            if kind != AS_ID or len(keys) == 1
        ]


@pytest.mark.parametrize(
    "count", [500, pytest.param(20_000, marks=[pytest.mark.slow, pytest.mark.timeout(0)])]
)
def test_both_implementations_agree_on_damaged_documents(count):
    documents = [data for data in mutations(20262, count, seeds(bson)) if len(data) >= 5]
    ours, theirs = _outcomes("c", documents), _outcomes("py", documents)
    assert ours == theirs
    assert any(rejects and statements for statements, _, _, rejects in ours)
