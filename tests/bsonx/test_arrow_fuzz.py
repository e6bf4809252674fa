"""Random documents through columns, damaged ones, and random tables: both implementations agree."""

from __future__ import annotations

import datetime
import importlib
import random
from functools import partial

import pytest

from implementations import CPYTHON, tree

pytestmark = [
    pytest.mark.thorough,
    pytest.mark.skipif(not CPYTHON, reason="the pure twin calls CPython's functions"),
]

ROUNDS = 60


def both_of(name):
    """A module of both implementations: (tree, module) each."""
    found = []
    for implementation in ("c", "py"):
        one = tree(implementation)
        with one.active():
            found.append((one, importlib.import_module(name)))
    return found


def outcome(one, function, *args, **options):
    """What a function gives, or its error, in its own tree."""
    with one.active() as package:
        base = importlib.import_module("bsonx.errors").BSONError
        try:
            return function(package, *args, **options)
        except (base, OverflowError) as exc:
            return type(exc).__name__, str(exc)


def through_columns(bx, documents, schema, **options):
    """Documents as columns, and as documents again; the schema with them."""
    arrow = importlib.import_module("bsonx.arrow")
    from bsonx._impl import arrow_fields

    table = arrow.from_bson(documents, schema, **options)
    fields = arrow_fields(table.__arrow_c_schema__())
    found = [(r.documents, r.ends, r.start, r.stop) for r in arrow.to_bson(table)]
    return fields, found


KINDS = [
    *("int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64", "float32"),
    *("float64", "bool", "string", "large_string", "binary", "large_binary", "null", "objectid"),
    *("uuid", "date32", "date64", "timestamp[s]", "timestamp[ms]", "timestamp[us]"),
    *("timestamp[ns, UTC]", "time32[s]", "duration[ns]", "decimal128(10, 2)", "decimal128(38, 0)"),
    *("decimal128(5, -2)", "fixed_size_binary[12]", "fixed_size_binary[16]"),
]


class Values:
    """Makes random values of BSON, of one implementation's classes."""

    def __init__(self, bx, seed):
        self.bx = bx
        self.random = random.Random(seed)

    def scalar(self):
        bx, rnd = self.bx, self.random
        makers = [
            lambda: None,
            lambda: rnd.choice([0, 1, -1, 127, 128, 255, 2**31 - 1, -(2**31)]),
            lambda: bx.Int64(rnd.choice([0, 2**31, 2**63 - 1, -(2**63), 5])),
            lambda: rnd.choice(
                [0.0, -0.0, 1.5, 2.0, 1e300, float("nan"), float("inf"), -(2.0**63)]
            ),
            lambda: rnd.choice([True, False]),
            lambda: rnd.choice(["", "text", "é€𝄞", "a" * 50]),
            lambda: rnd.choice([b"", b"abc", bytes(12), bytes(16)]),
            lambda: bx.Binary(bytes(rnd.choice([16, 5])), rnd.choice([0, 2, 3, 4, 128])),
            lambda: bx.ObjectId(bytes(range(12))),
            lambda: bx.DatetimeMS(rnd.choice([0, -1, 1_600_000_000_123, 2**62, -(2**63)])),
            lambda: datetime.datetime(2020, 2, 29, 1, 2, 3),
            lambda: bx.Regex("a", "im"),
            lambda: bx.Code("f()"),
            lambda: bx.Timestamp(7, 8),
            lambda: bx.MinKey(),
            lambda: bx.Decimal128(
                rnd.choice(["1.50", "0", "-0", "1E+3", "12345678.91", "NaN", "9" * 34, "1E-6176"])
            ),
        ]
        return rnd.choice(makers)()

    def value(self, depth=0):
        kind = self.random.random()
        if depth < 3 and kind < 0.15:
            return [self.value(depth + 1) for _ in range(self.random.randrange(4))]
        if depth < 3 and kind < 0.3:
            return self.document(depth + 1)
        return self.scalar()

    def document(self, depth=0):
        names = self.random.sample("abcdef", self.random.randrange(6))
        return {name: self.value(depth) for name in names}

    def kind(self, depth=0):
        choice = self.random.random()
        if depth < 3 and choice < 0.15:
            return [self.kind(depth + 1)]
        if depth < 3 and choice < 0.3:
            return self.schema(depth + 1)
        return self.random.choice(KINDS)

    def schema(self, depth=0):
        return {name: self.kind(depth) for name in self.random.sample("abcdef", 3)}


def encoded(values, count):
    return [values.bx.encode(values.document()) for _ in range(count)]


@pytest.mark.parametrize("seed", range(ROUNDS))
def test_random_documents(bx, seed):
    if not bx.has_c():
        pytest.skip("both are compared at once")
    (c, _), (py, _) = both_of("bsonx.arrow")
    values = Values(bx, seed)
    documents = encoded(values, values.random.randrange(1, 12))
    schema = values.schema() if seed % 2 else None
    for options in (
        {},
        {"on_mismatch": "null"},
        {"on_mismatch": "null", "on_unknown": "ignore", "objectid": "text"},
        {"on_mismatch": "null", "on_unknown": "error"},
    ):
        native = outcome(c, through_columns, documents, schema, **options)
        assert native == outcome(py, through_columns, documents, schema, **options)


@pytest.mark.parametrize("seed", range(ROUNDS))
def test_damaged_documents(bx, seed):
    if not bx.has_c():
        pytest.skip("both are compared at once")
    (c, _), (py, _) = both_of("bsonx.arrow")
    values = Values(bx, seed)
    good = b"".join(encoded(values, 3))
    schema = values.schema() if seed % 2 else None
    for _ in range(10):
        bad = bytearray(good)
        for _ in range(values.random.randrange(1, 3)):
            bad[values.random.randrange(len(bad))] = values.random.randrange(256)
        options = {"on_mismatch": "null", "on_unknown": "ignore"}
        native = outcome(c, through_columns, bytes(bad), schema, **options)
        assert native == outcome(py, through_columns, bytes(bad), schema, **options)


def types_of(pa):
    """Types of pyarrow, and a maker of values of each."""
    for bits in (8, 16, 32, 64):
        least, most = -(2 ** (bits - 1)), 2 ** (bits - 1)
        yield getattr(pa, f"int{bits}")(), partial(random.Random.randrange, start=least, stop=most)
        most = 2 ** min(bits, 63)
        yield getattr(pa, f"uint{bits}")(), partial(random.Random.randrange, start=0, stop=most)
    yield pa.float64(), lambda rnd: rnd.uniform(-1e6, 1e6)
    yield pa.float32(), lambda rnd: rnd.randrange(1000) / 8
    yield pa.bool_(), lambda rnd: rnd.random() < 0.5
    for kind in (pa.string(), pa.large_string(), pa.string_view()):
        yield kind, lambda rnd: rnd.choice(["", "short", "a text of more than twelve bytes", "é"])
    for kind in (pa.binary(), pa.large_binary(), pa.binary_view()):
        yield kind, lambda rnd: rnd.randbytes(rnd.randrange(20))
    yield pa.binary(3), lambda rnd: rnd.randbytes(3)
    start = datetime.datetime(2020, 1, 1, 0, 0, 0, 5000)
    yield pa.timestamp("ms"), lambda rnd: start + datetime.timedelta(seconds=rnd.randrange(10**9))
    yield pa.date32(), lambda rnd: datetime.date(1960 + rnd.randrange(90), 5, 17)


def random_type(pa, rnd, depth=0):
    """A type, and a maker of its values; None now and then."""
    choice = rnd.random()
    if depth < 3 and choice < 0.25:
        kind, make = random_type(pa, rnd, depth + 1)
        maker = rnd.choice([pa.list_, pa.large_list, pa.list_view, pa.large_list_view])
        return maker(kind), sometimes(lambda r: [make(r) for _ in range(r.randrange(4))])
    if depth < 3 and choice < 0.35:
        kind, make = random_type(pa, rnd, depth + 1)
        return pa.list_(kind, 2), sometimes(lambda r: [make(r), make(r)])
    if depth < 3 and choice < 0.55:
        inner = [random_type(pa, rnd, depth + 1) for _ in range(rnd.randrange(1, 4))]
        fields = [(f"f{i}", kind) for i, (kind, _) in enumerate(inner)]
        makers = [make for _, make in inner]
        return pa.struct(fields), sometimes(
            lambda r: {f"f{i}": make(r) for i, make in enumerate(makers)}
        )
    kind, make = rnd.choice(list(types_of(pa)))
    return kind, sometimes(make)


def sometimes(make):
    return lambda rnd: None if rnd.random() < 0.2 else make(rnd)


def slowly(value):
    """What a value of pyarrow's to_pylist becomes."""
    if isinstance(value, dict):
        return {name: slowly(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [slowly(inner) for inner in value]
    if isinstance(value, datetime.date) and not isinstance(value, datetime.datetime):
        return datetime.datetime(value.year, value.month, value.day)
    return value


@pytest.mark.parametrize("seed", range(ROUNDS))
def test_random_tables(bx, seed):
    pa = pytest.importorskip("pyarrow", reason="needs pyarrow")
    arrow = importlib.import_module("bsonx.arrow")
    rnd = random.Random(seed)
    count = rnd.randrange(1, 30)
    columns = {}
    for i in range(rnd.randrange(1, 6)):
        kind, make = random_type(pa, rnd)
        columns[f"c{i}"] = pa.array([make(rnd) for _ in range(count)], kind)
    table = pa.table(columns)
    start = rnd.randrange(count)
    for part in (
        table,
        table.slice(start),
        table.slice(start, 3),
        pa.concat_tables([table, table]),
    ):
        found = [d for rows in arrow.to_bson(part) for d in bx.decode_all(rows.documents)]
        assert found == slowly(part.to_pylist())
        # Out again, by the schema of the table: the same values.
        data = b"".join(map(bx.encode, found))
        again = pa.table(arrow.from_bson(data, part.schema))
        again.validate(full=True)
        assert slowly(again.to_pylist()) == found
