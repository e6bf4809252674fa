"""What holds for every kind of class that documents are decoded to."""

import re

import pytest
from typed_classes import KINDS, as_dict, declare, record


@pytest.fixture(params=KINDS)
def kind(request):
    return request.param


def expect_error(bx, document, type, path, text):
    data = bx.encode(document)
    from bsonx.typed import TypedDecodeError

    with pytest.raises(TypedDecodeError) as info:
        bx.decode(data, type=type)
    assert info.value.path == path
    assert text in info.value.reason
    assert 0 <= info.value.offset < len(data)
    return info.value


def test_a_document_becomes_an_instance(bx, kind):
    rec = record(bx, kind)
    order = bx.decode(bx.encode(rec.document), type=rec.order)
    assert isinstance(order, dict if kind == "typeddict" else rec.order)
    assert as_dict(order) == rec.content
    items = order["items"] if kind == "typeddict" else order.items
    assert type(items) is list
    assert [type(item) for item in items] == [type(items[0])] * 2
    assert type(as_dict(items[1])["price"]) is float


def test_an_instance_equals_one_that_the_constructor_makes(bx, kind):
    rec = record(bx, kind)
    order = bx.decode(bx.encode(rec.document), type=rec.order)
    content = dict(rec.content, items=[rec.item(**item) for item in rec.content["items"]])
    assert order == rec.order(**content)
    if kind != "typeddict":
        assert repr(order) == repr(rec.order(**content))


def test_an_instance_encodes_and_comes_back(bx, kind):
    rec = record(bx, kind)
    order = bx.decode(bx.encode(rec.document), type=rec.order)
    data = bx.encode(order)
    plain = bx.decode(data)
    if kind == "typeddict":  # a dict is a dict: its keys are stored as they are
        assert plain == dict(rec.content)
        assert bx.decode(data, type=rec.order) == order
        return
    assert next(iter(plain)) == "_id"
    inner = [dict(item) for item in rec.content["items"]]
    if kind == "namedtuple":  # a tuple inside a document is an array, as in PyMongo
        inner = [list(item.values()) for item in inner]
    expected = {**rec.content, "items": inner}
    expected = {"_id" if key == "id" else key: value for key, value in expected.items()}
    assert plain == expected
    assert bx.decode(data, type=rec.order) == order


def test_instances_encode_inside_plain_documents(bx, kind):
    if kind in ("typeddict", "namedtuple"):
        pytest.skip("a dict and a tuple have their own forms in BSON")
    cls = declare(kind, "Point", [("x", int), ("id", int)])
    document = {"a": [cls(x=1, id=2)], "b": {"c": cls(x=3, id=4)}}
    assert bx.decode(bx.encode(document)) == {
        "a": [{"x": 1, "id": 2}],
        "b": {"c": {"x": 3, "id": 4}},
    }


def test_a_missing_field_is_an_error_with_a_path(bx, kind):
    rec = record(bx, kind)
    del rec.document["items"][1]["sku"]
    path = "items[1].sku" if kind == "pydantic" else "items[1]"
    text = "Field required" if kind == "pydantic" else "Item needs the field 'sku'"
    expect_error(bx, rec.document, rec.order, path, text)


def test_a_wrong_type_is_an_error_with_a_path(bx, kind):
    rec = record(bx, kind)
    rec.document["items"][0]["price"] = "much"
    text = "valid number" if kind == "pydantic" else "expected float, got string"
    error = expect_error(bx, rec.document, rec.order, "items[0].price", text)
    assert error.path in str(error)


def test_a_wrong_value_in_a_mapping_is_an_error_with_a_path(bx, kind):
    rec = record(bx, kind)
    rec.document["totals"]["net"] = [1]
    text = "valid number" if kind == "pydantic" else "expected float, got array"
    expect_error(bx, rec.document, rec.order, "totals.net", text)


def test_null_is_no_value_of_a_field_that_is_not_optional(bx, kind):
    rec = record(bx, kind)
    rec.document["customer"] = None
    text = "valid string" if kind == "pydantic" else "expected str, got null"
    expect_error(bx, rec.document, rec.order, "customer", text)


def test_of_equal_names_the_last_wins(bx, kind):
    cls = declare(kind, "One", [("x", int)])
    body = b"\x10x\0\1\0\0\0" + b"\x10x\0\2\0\0\0"
    data = (len(body) + 5).to_bytes(4, "little") + body + b"\0"
    assert as_dict(bx.decode(data, type=cls)) == {"x": 2}


@pytest.mark.parametrize("first", ["_id", "id"])
def test_id_reads_underscore_id_and_else_id(bx, kind, first):
    cls = declare(kind, "Keyed", [("id", int), ("x", int, 0)])
    assert as_dict(bx.decode(bx.encode({"id": 1}), type=cls))["id"] == 1
    assert as_dict(bx.decode(bx.encode({"_id": 1}), type=cls))["id"] == 1
    # bsonx.encode would put _id first
    names = [b"_id", b"id"] if first == "_id" else [b"id", b"_id"]
    values = {b"_id": 7, b"id": 8}
    body = b"".join(b"\x10" + n + b"\0" + values[n].to_bytes(4, "little") for n in names)
    data = (len(body) + 5).to_bytes(4, "little") + body + b"\0"
    assert as_dict(bx.decode(data, type=cls))["id"] == 7


def test_an_empty_document_gives_the_defaults(bx, kind):
    cls = declare(kind, "Empty", [("a", int, 5), ("b", list[int], list), ("c", str | None, None)])
    first, second = (bx.decode(bx.encode({}), type=cls) for _ in range(2))
    if kind == "typeddict":
        assert first == {}
        return
    assert as_dict(first) == {"a": 5, "b": [], "c": None}
    if kind != "namedtuple":  # whose default values are shared, also by its constructor
        assert first.b is not second.b


def test_a_class_with_many_fields(bx, kind):
    names = [f"field_{i}" for i in range(150)]
    cls = declare(kind, "Wide", [(name, int) for name in names])
    document = {name: i for i, name in enumerate(reversed(names))}
    assert as_dict(bx.decode(bx.encode(document), type=cls)) == document
    del document["field_77"]
    path = "field_77" if kind == "pydantic" else ""
    expect_error(bx, document, cls, path, "Field required" if path else "'field_77'")


def test_field_names_that_are_not_ascii(bx, kind):
    cls = declare(kind, "Intl", [("größe", int), ("名", str)])
    document = {"größe": 3, "名": "x"}
    assert as_dict(bx.decode(bx.encode(document), type=cls)) == document
    error = expect_error(bx, {"größe": "x", "名": "y"}, cls, "größe", "")
    assert "größe" in str(error)


@pytest.mark.parametrize(
    ("tag", "shown"),
    [
        (2.0, "2.0"),
        (True, "True"),
        ("c", "'c'"),
        (7, "7"),
        (None, "of type null"),
        ({"a": 1}, "of type object"),
    ],
)
def test_an_unknown_tag_is_shown(bx, tag, shown):
    """JavaScript stores 2 as 2.0, which is no tag; the message says so."""
    msgspec = pytest.importorskip("msgspec")

    class First(msgspec.Struct, tag=1, tag_field="k"):
        x: int = 0

    class Second(msgspec.Struct, tag=2, tag_field="k"):
        x: int = 0

    with pytest.raises(ValueError, match=f"unknown tag {re.escape(shown)}"):
        bx.decode(bx.encode({"k": tag}), type=First | Second)
