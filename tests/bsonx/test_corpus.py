"""The BSON corpus: every valid document round-trips, every invalid one is refused."""

from __future__ import annotations

import decimal
import json

import pytest

from specs import load, spec_files

# The corpus asks for dates that ``datetime`` cannot hold: decode those to DatetimeMS.
AUTO = 4


def _options(bx):
    return bx.CodecOptions(datetime_conversion=bx.DatetimeConversion(AUTO))


@pytest.mark.parametrize("path", spec_files("bson-corpus"))
def test_valid(bx, path):
    spec = load(path)
    for case in spec.get("valid", []):
        canonical = bytes.fromhex(case["canonical_bson"])
        value = bx.decode(canonical, _options(bx))
        stored = bx.encode(value)
        if spec.get("deprecated"):
            # Types that are only read: what they become is stable.
            assert bx.encode(bx.decode(stored)) == stored, case["description"]
        else:
            assert stored == canonical, case["description"]
        if "degenerate_bson" in case:
            degenerate = bytes.fromhex(case["degenerate_bson"])
            assert bx.encode(bx.decode(degenerate)) == canonical, case["description"]


@pytest.mark.parametrize("path", spec_files("bson-corpus"))
def test_deprecated_types_become_current_ones(bx, path):
    for case in load(path).get("valid", []):
        if "converted_bson" not in case:
            continue
        value = bx.decode(bytes.fromhex(case["canonical_bson"]))
        assert value == bx.decode(bytes.fromhex(case["converted_bson"])), case["description"]


@pytest.mark.parametrize("path", spec_files("bson-corpus"))
def test_decode_errors(bx, path):
    for case in load(path).get("decodeErrors", []):
        data = bytes.fromhex(case["bson"])
        with pytest.raises(bx.InvalidBSON) as caught:
            bx.decode(data)
        assert 0 <= caught.value.offset <= len(data), case["description"]
        assert not bx.is_valid(data)


@pytest.mark.parametrize("path", spec_files("bson-corpus"))
def test_raw_documents_read_the_same(bx, path):
    from bsonx.raw_bson import RawBSONDocument

    spec = load(path)
    for case in spec.get("valid", []):
        data = bytes.fromhex(case["canonical_bson"])
        raw = RawBSONDocument(data)
        assert raw.raw == data
        assert bx.encode(raw) == data


@pytest.mark.parametrize(
    "path", [p for p in spec_files("bson-corpus") if "decimal128" in p.id or p.id == "absent"]
)
def test_decimal128_strings(bx, path):
    spec = load(path)
    for case in spec.get("valid", []):
        data = bytes.fromhex(case["canonical_bson"])
        value = bx.decode(data)["d"]
        text = json.loads(case["canonical_extjson"])["d"]["$numberDecimal"]
        assert str(value) == text, case["description"]
        if "NaN" not in text and not case.get("lossy"):
            assert bx.Decimal128(text) == value
            assert bx.Decimal128(value.to_decimal()) == value
    for case in spec.get("parseErrors", []):
        with pytest.raises((decimal.DecimalException, ValueError)):
            bx.Decimal128(case["string"])
