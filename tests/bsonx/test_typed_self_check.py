"""Private parts of others that are not as we know them lead to the slower, right way.

Each test simulates a release of a library (or of Python) that has changed such a part.
"""

import dataclasses
import functools
import os
import subprocess
import sys
import types

import pytest

import bsonx

attrs = pytest.importorskip("attrs")
msgspec = pytest.importorskip("msgspec")
pydantic = pytest.importorskip("pydantic")


@pytest.fixture
def direct(bx):
    """The module that knows the private parts; what it has found out is forgotten afterwards."""
    from bsonx._typed import direct

    forget(direct)
    yield direct
    forget(direct)


def forget(direct):
    direct.dataclasses_are_known.cache_clear()
    direct.attrs_is_known.cache_clear()
    direct.pydantic_is_known.cache_clear()


def build_of(cls):
    from bsonx._typed.plan import plan_for

    return plan_for(cls).node.model.build.name


def decode(bx, cls, document):
    return bx.decode(bx.encode(document), type=cls)


def a_dataclass(**params):
    @dataclasses.dataclass(**params)
    class Data:
        a: int
        b: list[int] = dataclasses.field(default_factory=list)

    return Data


def an_attrs_class(**params):
    @attrs.define(**params)
    class Attrs:
        a: int
        b: list[int] = attrs.Factory(list)

    return Attrs


def a_model():
    class Model(pydantic.BaseModel):
        a: int
        b: list[int] = []

    return Model


# ---- as it is ----


def test_the_direct_way_is_taken_on_this_machine(direct):
    for params in ({}, {"slots": True}, {"frozen": True}, {"kw_only": True}):
        assert build_of(a_dataclass(**params)) == "ATTRIBUTES"
    for params in ({}, {"slots": False}, {"frozen": True}, {"kw_only": True}):
        assert build_of(an_attrs_class(**params)) == "ATTRIBUTES"
    assert build_of(a_model()) == "PYDANTIC"
    assert build_of(msgspec.defstruct("Struct", [("a", int)])) == "STRUCT"


# ---- pydantic ----


def check_model(bx, build):
    cls = a_model()
    assert build_of(cls) == build
    made = decode(bx, cls, {"a": 1, "b": [2]})
    assert made == cls(a=1, b=[2])
    assert made.model_fields_set == {"a", "b"}


def test_a_model_with_one_more_slot(bx, direct, monkeypatch):
    slots = (*pydantic.BaseModel.__slots__, "__pydantic_new__")
    monkeypatch.setattr(pydantic.BaseModel, "__slots__", slots)
    check_model(bx, "VALIDATED")


def test_a_model_that_keeps_something_else(bx, direct, monkeypatch):
    real = pydantic.BaseModel.__getstate__

    def getstate(self):
        return {**real(self), "__pydantic_fields_set__": len(self.__pydantic_fields_set__)}

    made = []

    def built(cls, attributes):
        made.append(cls)
        attributes = dict(attributes, __pydantic_fields_set__=set())
        return real_built(cls, attributes)

    real_built = direct.built
    monkeypatch.setattr(pydantic.BaseModel, "__getstate__", getstate)
    monkeypatch.setattr(direct, "built", built)
    check_model(bx, "VALIDATED")
    assert made


def test_a_validator_that_a_plugin_has_wrapped(bx, direct):
    cls = a_model()
    calls = []

    class PluggableSchemaValidator:
        def __init__(self, inner):
            self._inner = inner

        def validate_python(self, value, **arguments):
            calls.append(value)
            return self._inner.validate_python(value, **arguments)

    cls.__pydantic_validator__ = PluggableSchemaValidator(cls.__pydantic_validator__)
    assert build_of(cls) == "VALIDATED"
    assert decode(bx, cls, {"a": 1}) == cls(a=1)
    assert {"a": 1} in calls


# ---- attrs ----


def check_attrs(bx):
    cls = an_attrs_class()
    assert build_of(cls) == "CALL"
    assert decode(bx, cls, {"a": 1, "b": [2]}) == cls(1, [2])


def test_an_attribute_of_attrs_that_says_more(bx, direct, monkeypatch):
    import attr

    slots = (*attr.Attribute.__slots__, "post_converter")
    monkeypatch.setattr(attr.Attribute, "__slots__", slots)
    check_attrs(bx)


def test_a_generated_constructor_of_attrs_in_another_place(bx, direct, monkeypatch):
    monkeypatch.setattr(direct, "_is_generated", lambda init: False)
    check_attrs(bx)


def test_an_attrs_class_that_sets_one_more_attribute(bx, direct, monkeypatch):
    import attr

    real = attr.make_class

    def make_class(*args, **kwargs):
        made = real(*args, **kwargs)
        init = made.__init__

        @functools.wraps(init)
        def longer(self, *args, **kwargs):
            init(self, *args, **kwargs)
            object.__setattr__(self, "c", 4)

        made.__init__ = types.FunctionType(
            longer.__code__.replace(co_filename=init.__code__.co_filename),
            longer.__globals__,
            closure=longer.__closure__,
        )
        return made

    monkeypatch.setattr(attr, "make_class", make_class)
    check_attrs(bx)


# ---- dataclasses ----


def test_a_dataclass_whose_constructor_does_more(bx, direct, monkeypatch):
    real = dataclasses.make_dataclass

    def make_dataclass(name, *args, **kwargs):
        made = real(name, *args, **kwargs)
        if name == "Probe":
            init = made.__init__

            def longer(self, *args, **kwargs):
                init(self, *args, **kwargs)
                object.__setattr__(self, "c", 4)

            made.__init__ = longer
        return made

    monkeypatch.setattr(dataclasses, "make_dataclass", make_dataclass)
    cls = a_dataclass()
    assert build_of(cls) == "CALL"
    assert decode(bx, cls, {"a": 1, "b": [2]}) == cls(1, [2])


# ---- msgspec ----

STRUCTS = """
import msgspec, sys
import bsonx
from bsonx._typed import direct

seen = []

class Old(msgspec.Struct):
    a: int
    b: list = []

    def __post_init__(self):
        seen.append(self.a)

class Hashed(msgspec.Struct, frozen=True, cache_hash=True):
    a: int

class WithoutSlots:
    __struct_fields__ = ("a",)
    a = 1

def more_in_memory():
    probe = Hashed(1)
    hash(probe)  # is kept in the instance
    return [probe]

def fail():
    raise AttributeError("msgspec has no defstruct any more")

probes = {
    "as it is": direct.struct_probes,
    "more in memory": more_in_memory,
    "fields without slots": lambda: [WithoutSlots()],
    "no such class": lambda: [object()],
    "nothing of the sort": fail,
}[sys.argv[1]]
tried = []

def struct_probes():
    tried.append(1)
    return probes()

direct.struct_probes = struct_probes
for _ in range(2):
    made = bsonx.decode(bsonx.encode({"a": 5, "b": [2]}), type=Old)
    assert type(made) is Old and (made.a, made.b) == (5, [2]), made
first, second = (bsonx.decode(bsonx.encode({"a": 6}), type=Old).b for _ in range(2))
assert first == second == [] and first is not second
assert seen == [5, 5, 6, 6], seen  # the constructor calls it as well
assert bsonx.decode(bsonx.encode({"a": 1}), type=Hashed) == Hashed(1)
try:
    bsonx.decode(bsonx.encode({"b": []}), type=Old)
except bsonx.typed.TypedDecodeError as exc:
    assert "Old needs the field 'a'" in str(exc)
else:
    raise AssertionError
assert tried == [1], tried
"""


@pytest.mark.parametrize(
    "case",
    [
        "as it is",
        "more in memory",
        "fields without slots",
        "no such class",
        "nothing of the sort",
    ],
)
def test_structs_of_another_layout(case):
    if not bsonx.has_c():
        pytest.skip("no native extension")
    # In a process of its own: what the extension has found out about msgspec stays.
    source = os.path.dirname(os.path.dirname(bsonx.__file__))
    env = {**os.environ, "BSONX_IMPL": "c", "PYTHONPATH": source}
    found = subprocess.run(
        [sys.executable, "-c", STRUCTS, case], env=env, capture_output=True, text=True, check=False
    )
    assert found.returncode == 0, found.stderr
