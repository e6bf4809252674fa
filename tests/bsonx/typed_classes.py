"""The same record declared with every kind of class that decoding knows."""

import dataclasses
import datetime
import typing
from types import SimpleNamespace

import pytest

attrs = pytest.importorskip("attrs")
msgspec = pytest.importorskip("msgspec")
pydantic = pytest.importorskip("pydantic")

KINDS = [
    "dataclass",
    "slots_dataclass",
    "frozen_dataclass",
    "attrs",
    "attrs_dict",
    "msgspec",
    "msgspec_frozen",
    "pydantic",
    "typeddict",
    "namedtuple",
]


def declare(kind, name, fields):
    """Make a class of ``kind``; ``fields`` are (name, type) or (name, type, default) tuples.

    A default that is callable is a factory.
    """
    return _MAKERS[kind](name, fields)


def _dataclass(**params):
    def make(name, fields):
        specs = []
        for field_name, tp, *default in fields:
            if not default:
                specs.append((field_name, tp))
            elif callable(default[0]):
                specs.append((field_name, tp, dataclasses.field(default_factory=default[0])))
            else:
                specs.append((field_name, tp, dataclasses.field(default=default[0])))
        return dataclasses.make_dataclass(name, specs, **params)

    return make


def _attrs(**params):
    def make(name, fields):
        namespace = {"__annotations__": {}}
        for field_name, tp, *default in fields:
            namespace["__annotations__"][field_name] = tp
            if default:
                value = default[0]
                namespace[field_name] = attrs.Factory(value) if callable(value) else value
        return attrs.define(type(name, (), namespace), **params)

    return make


def _msgspec(**params):
    def make(name, fields):
        specs = []
        for field_name, tp, *default in fields:
            if default and callable(default[0]):
                specs.append((field_name, tp, msgspec.field(default_factory=default[0])))
            else:
                specs.append((field_name, tp, *default))
        return msgspec.defstruct(name, specs, **params)

    return make


def _pydantic(name, fields):
    specs = {}
    for field_name, tp, *default in fields:
        if not default:
            specs[field_name] = (tp, ...)
        elif callable(default[0]):
            specs[field_name] = (tp, pydantic.Field(default_factory=default[0]))
        else:
            specs[field_name] = (tp, default[0])
    config = pydantic.ConfigDict(arbitrary_types_allowed=True)
    return pydantic.create_model(name, __config__=config, **specs)


def _typeddict(name, fields):
    specs = {}
    for field_name, tp, *default in fields:
        specs[field_name] = typing.NotRequired[tp] if default else tp
    return typing.TypedDict(name, specs)


def _namedtuple(name, fields):
    made = typing.NamedTuple(name, [(field[0], field[1]) for field in fields])
    defaults = [field[2] for field in fields if len(field) > 2]
    defaults = [value() if callable(value) else value for value in defaults]
    made.__new__.__defaults__ = tuple(defaults)
    with_default = [field[0] for field in fields if len(field) > 2]
    made._field_defaults = dict(zip(with_default, defaults, strict=True))
    return made


_MAKERS = {
    "dataclass": _dataclass(),
    "slots_dataclass": _dataclass(slots=True),
    "frozen_dataclass": _dataclass(frozen=True),
    "attrs": _attrs(),
    "attrs_dict": _attrs(slots=False, frozen=True),
    "msgspec": _msgspec(),
    "msgspec_frozen": _msgspec(frozen=True, kw_only=True),
    "pydantic": _pydantic,
    "typeddict": _typeddict,
    "namedtuple": _namedtuple,
}


def as_dict(value):
    """Return what an instance of any kind holds, nested ones included."""
    if isinstance(value, dict):
        return {key: as_dict(inner) for key, inner in value.items()}
    if hasattr(value, "_asdict"):
        return as_dict(value._asdict())
    if isinstance(value, list):
        return [as_dict(inner) for inner in value]
    for fields_of in (
        lambda v: [f.name for f in dataclasses.fields(v)],
        lambda v: [a.name for a in type(v).__attrs_attrs__],
        lambda v: type(v).__struct_fields__,
        lambda v: type(v).model_fields,
    ):
        try:
            names = fields_of(value)
        except (AttributeError, TypeError):
            continue
        return {name: as_dict(getattr(value, name)) for name in names}
    return value


def record(bx, kind):
    """Return the classes Order and Item of one kind, and an Order's document and content."""
    item = declare(kind, "Item", [("sku", str), ("price", float), ("count", int, 1)])
    order = declare(
        kind,
        "Order",
        [
            ("id", bx.ObjectId),
            ("customer", str),
            ("placed", datetime.datetime),
            ("items", list[item]),
            ("totals", dict[str, float]),
            ("note", str | None, None),
            ("tags", list[str], list),
        ],
    )
    oid = bx.ObjectId()
    placed = datetime.datetime(2024, 5, 6, 7, 8, 9, 123000)
    document = {
        "_id": oid,
        "customer": "Ada",
        "placed": placed,
        "items": [{"sku": "a", "price": 1.5, "count": 2}, {"price": 3, "sku": "b", "more": [1]}],
        "totals": {"net": 7.5, "tax": 1},
        "extra": {"x": [1, {"y": None}]},
    }
    content = {
        "id": oid,
        "customer": "Ada",
        "placed": placed,
        "items": [
            {"sku": "a", "price": 1.5, "count": 2},
            {"sku": "b", "price": 3.0, "count": 1},
        ],
        "totals": {"net": 7.5, "tax": 1.0},
        "note": None,
        "tags": [],
    }
    if kind == "typeddict":  # what is absent stays absent
        del content["note"], content["tags"], content["items"][1]["count"]
    return SimpleNamespace(order=order, item=item, document=document, content=content)
