"""The binary vector specification, and vectors from and to numpy."""

from __future__ import annotations

import struct
import sys
import warnings

import pytest

from specs import load, spec_files


def _number(item):
    """Return a number of the test files, where infinities are written as objects."""
    return float(item["$numberDouble"]) if isinstance(item, dict) else item


@pytest.mark.parametrize("path", spec_files("bson-binary-vector"))
def test_specification(bx, path):
    from bsonx.binary import Binary, BinaryVectorDtype

    spec = load(path)
    for case in spec["tests"]:
        dtype = BinaryVectorDtype(bytes.fromhex(case["dtype_hex"][2:]))
        padding = case.get("padding", 0)
        vector = [_number(item) for item in case.get("vector") or []]
        if case["valid"]:
            binary = Binary.from_vector(vector, dtype, padding)
            stored = bytes.fromhex(case["canonical_bson"])
            assert bx.encode({spec["test_key"]: binary}) == stored, case["description"]
            found = bx.decode(stored)[spec["test_key"]].as_vector()
            assert (found.dtype, found.padding) == (dtype, padding)
            if dtype.name == "FLOAT32":  # compared with the precision they are stored in
                form = f"<{len(vector)}f"
                vector = list(struct.unpack(form, struct.pack(form, *vector)))
            assert found.data == vector
            continue
        if case.get("vector") is not None:
            with pytest.raises((struct.error, ValueError, TypeError, OverflowError)):
                Binary.from_vector(vector, dtype, padding)
        if case.get("canonical_bson"):
            data = bx.decode(bytes.fromhex(case["canonical_bson"]))[spec["test_key"]]
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                with pytest.raises((ValueError, DeprecationWarning)):
                    data.as_vector()


@pytest.mark.parametrize(
    ("dtype", "name", "values"),
    [
        ("INT8", "int8", [-128, 0, 127]),
        ("FLOAT32", "float32", [1.5, -2.0]),
        ("PACKED_BIT", "uint8", [0, 255]),
    ],
)
def test_numpy(bx, dtype, name, values):
    from bsonx.binary import Binary, BinaryVectorDtype

    np = pytest.importorskip("numpy")
    kind = BinaryVectorDtype[dtype]
    array = np.array(values, dtype=name)
    binary = Binary.from_vector(array, kind)
    assert binary == Binary.from_vector(values, kind)
    assert Binary.from_vector(np.array(values), kind) == binary  # converted from wider types
    found = binary.as_vector(return_numpy=True)
    assert found.data.dtype == np.dtype(name)
    assert found.data.tolist() == values
    assert found == binary.as_vector(return_numpy=True)
    assert Binary.from_vector(found) == binary
    assert Binary.from_vector(np.array([], dtype=name), kind) == Binary.from_vector([], kind)


def test_numpy_refusals(bx):
    from bsonx.binary import Binary, BinaryVectorDtype

    np = pytest.importorskip("numpy")
    for values, dtype, text in [
        ([200], "INT8", "outside INT8 range"),
        ([-1], "PACKED_BIT", "outside UINT8 range"),
        ([[1, 2]], "INT8", "only supports 1D arrays"),
    ]:
        with pytest.raises(ValueError, match=text):
            Binary.from_vector(np.array(values), BinaryVectorDtype[dtype])


def test_without_numpy(bx, monkeypatch):
    from bson.binary import Binary as TheirBinary
    from bson.binary import BinaryVectorDtype as TheirDtype

    from bsonx.binary import Binary, BinaryVectorDtype

    monkeypatch.setitem(sys.modules, "numpy", None)  # not to be imported
    for value in (b"ab", (1, 2), 5, None):
        with pytest.raises(ImportError) as theirs:
            TheirBinary.from_vector(value, TheirDtype.INT8)
        with pytest.raises(ImportError) as ours:
            Binary.from_vector(value, BinaryVectorDtype.INT8)
        assert str(ours.value) == str(theirs.value)
    vector = Binary.from_vector([1, 2], BinaryVectorDtype.INT8)
    assert Binary.from_vector(vector.as_vector()) == vector
