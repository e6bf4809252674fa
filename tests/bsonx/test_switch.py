"""Which implementation an interpreter gets, and that both have the same names."""

from __future__ import annotations

import os
import subprocess
import sys

from implementations import tree

SHOW = "import bsonx; print(bsonx.has_c())"
NO_EXTENSION = "import sys; sys.modules['bsonx._native'] = None; " + SHOW


def _run(code, implementation):
    environment = {**os.environ, "BSONX_IMPL": implementation}
    path = [entry for entry in sys.path if entry]
    environment["PYTHONPATH"] = os.pathsep.join(path)
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=False
    )


def test_pure_on_demand():
    assert _run(SHOW, "py").stdout == "False\n"


def test_native_on_demand():
    tree("c")
    assert _run(SHOW, "c").stdout == "True\n"
    assert _run(SHOW, "").stdout == "True\n"


def test_without_the_extension():
    assert _run(NO_EXTENSION, "").stdout == "False\n"
    failed = _run(NO_EXTENSION, "c")
    assert failed.returncode != 0
    assert "ImportError" in failed.stderr or "ModuleNotFoundError" in failed.stderr


def test_a_wrong_name():
    failed = _run(SHOW, "rust")
    assert failed.returncode != 0
    assert "BSONX_IMPL must be c, py or empty, not 'rust'" in failed.stderr


def test_importing_bsonx_is_light():
    heavy = ["asyncio", "socket", "numpy", "pydantic", "mongodriver", "inspect"]
    code = f"import sys, bsonx; print([name for name in {heavy} if name in sys.modules])"
    for implementation in ("py", ""):
        assert _run(code, implementation).stdout == "[]\n"


def test_both_have_the_same_public_names(both):
    c, pure = both
    assert c.has_c()
    assert not pure.has_c()
    assert c.__all__ == pure.__all__
    for name in ("ObjectId", "Timestamp", "Decimal128", "Regex", "DatetimeMS", "Int64"):
        one, two = getattr(c, name), getattr(pure, name)
        assert (one.__module__, one.__qualname__) == (two.__module__, two.__qualname__)
        assert one._type_marker == two._type_marker
        missing = {member for member in dir(two) if not member.startswith("_")} - set(dir(one))
        assert not missing


def test_each_encodes_the_types_of_the_other(both):
    c, pure = both
    for one, two in ((c, pure), (pure, c)):
        values = {
            "oid": two.ObjectId("0123456789abcdef01234567"),
            "time": two.Timestamp(1, 2),
            "decimal": two.Decimal128("1.5"),
            "regex": two.Regex("a", "i"),
            "date": two.DatetimeMS(5),
            "long": two.Int64(5),
            "binary": two.Binary(b"x", 128),
            "code": two.Code("f", {"a": two.Int64(1)}),
            "ref": two.DBRef("c", two.ObjectId("0123456789abcdef01234567")),
            "min": two.MinKey(),
            "max": two.MaxKey(),
        }
        assert one.encode(values) == two.encode(values)


def test_both_encode_the_types_of_pymongo(bx):
    import bson.raw_bson

    values = {
        "oid": bson.ObjectId(),
        "time": bson.Timestamp(1, 2),
        "decimal": bson.Decimal128("1.5"),
        "regex": bson.Regex("a", "i"),
        "date": bson.DatetimeMS(5),
        "long": bson.Int64(5),
        "binary": bson.Binary(b"x", 128),
        "code": bson.Code("f", {"a": 1}),
        "ref": bson.DBRef("c", 1, "d", x=2),
        "son": bson.SON([("b", 1), ("a", 2)]),
        "min": bson.MinKey(),
        "max": bson.MaxKey(),
        "raw": bson.raw_bson.RawBSONDocument(bson.encode({"a": 1})),
    }
    assert bx.encode(values) == bson.encode(values)
    assert bx.encode(values["raw"]) == bson.encode({"a": 1})


LOOK = """
import gc, importlib
load = importlib.import_module
def look(name):
    if name == "bsonx._native": print(gc.isenabled())
    return load(name)
importlib.import_module = look
"""


def test_the_collector_waits_while_the_extension_is_loaded():
    """Cython has it see a class before it is one; a collection then ended the interpreter."""
    tree("c")
    show = f"{LOOK}\nimport bsonx; print(gc.isenabled())"
    assert _run(show, "c").stdout == "False\nTrue\n"
    assert _run(f"import gc; gc.disable()\n{show}", "c").stdout == "False\nFalse\n"
