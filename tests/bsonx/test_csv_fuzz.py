"""Random rows: C and pure Python give the same bytes, the same rejects, the same places.

``BSONX_FUZZ_ROUNDS`` multiplies the work.
"""

import os
import random

import csv_texts
import pytest

pytestmark = pytest.mark.thorough
ROUNDS = int(os.environ.get("BSONX_FUZZ_ROUNDS", "1"))


def outcome(function, *args, **options):
    try:
        return repr(function(*args, **options))
    except Exception as exc:
        return repr((type(exc).__name__, str(exc)))


@pytest.mark.parametrize("seed", range(20))
def test_random_rows(both, seed):
    native, pure = (package.csv for package in both)
    rng = random.Random(seed)
    for _ in range(400 * ROUNDS):
        arguments = csv_texts.plan_arguments(rng)
        data = csv_texts.text(rng, arguments)
        one, other = (csv.Converter(csv_texts.make_plan(csv, arguments)) for csv in (native, pure))
        assert one._compiled is not None
        assert other._compiled is None
        options = {
            "at_end": rng.random() < 0.7,
            "first_id": rng.choice((None, rng.randbytes(12), b"\xff" * 12)),
            "most": rng.choice((1, 3, 1 << 30)),
            "most_bytes": rng.choice((1, 100, 1 << 30)),
        }
        start = rng.choice((0, 0, 0, len(data)))
        expected = outcome(other.read, data, start, 7, **options)
        assert outcome(one.read, data, start, 7, **options) == expected, (arguments, data, options)


@pytest.mark.parametrize("kind", [*csv_texts.GIVEN, *csv_texts.GUESSED])
@pytest.mark.parametrize("point", ".,")
def test_every_value_in_every_kind(both, kind, point):
    rng = random.Random(kind)
    values = [*csv_texts.ALL, *(csv_texts.value(rng) for _ in range(2000 * ROUNDS))]
    rows = "".join(f'" {text}"\n"{text}"\n{text.replace(".", point)}\n' for text in values)
    found = []
    for package in both:
        csv = package.csv
        dialect = csv.Dialect(ord("|"), point=ord(point))
        plan = csv.Plan((csv.Column("v", kind, ("NA",)),), dialect)
        found.append(csv.Converter(plan).read(rows.encode()))
    assert repr(found[0]) == repr(found[1])
    if not kind.startswith("skip"):
        assert len(found[0].ends) > 4 * len(csv_texts.ALL) // 10


@pytest.mark.parametrize("seed", range(8))
def test_rows_in_pieces(both, seed):
    """However the text is cut, the documents and the rejects are those of the whole."""
    rng = random.Random(seed)
    for _ in range(100 * ROUNDS):
        arguments = csv_texts.plan_arguments(rng)
        data = csv_texts.text(rng, arguments)
        for csv in (package.csv for package in both):
            converter = csv.Converter(csv_texts.make_plan(csv, arguments))
            whole = converter.read(data, first_id=bytes(12))
            assert whole.end == len(data)
            assert in_pieces(converter, data, rng) == (whole.data, whole.rejects, whole.line)


def in_pieces(converter, data, rng):
    documents, rejects, line = b"", [], 1
    seen = start = count = 0
    while True:
        seen = min(len(data), seen + rng.randrange(1, 30))
        rows = converter.read(
            data[:seen],
            start,
            line,
            at_end=seen == len(data),
            first_id=count.to_bytes(12, "big"),
            most=rng.choice((1, 2, 100)),
        )
        documents += rows.data
        rejects += rows.rejects
        count += len(rows.ends) // 4
        start, line = rows.end, rows.line
        if start == len(data):
            return documents, rejects, line


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(100, 120))
def test_many_random_rows(both, seed):
    test_random_rows(both, seed)
