"""Files of the kinds that `make real-files` reads, made here, under the same eyes."""

import bz2
import csv
import gzip
import io
import json
import random

import pytest
from real_files import Outcome, check_csv, check_json, is_same, report


def table(rng, rows, **dialect):
    """A table of many types, as a program of somebody writes it."""
    columns = [
        lambda n: str(n),
        lambda n: repr(rng.uniform(-1, 1) * 10.0 ** rng.randrange(-20, 20)),
        lambda n: rng.choice(("NA", "", str(rng.randrange(100)))),
        lambda n: rng.choice(("1e3", "2.5", "1e+05", "NaN", ".5", "7.")),
        lambda n: f"{rng.randrange(99999):05}",
        lambda n: rng.choice(("TRUE", "FALSE")),
        lambda n: f"20{rng.randrange(10, 99)}-0{rng.randrange(1, 10)}-1{rng.randrange(10)}",
        lambda n: rng.choice(('a "quoted" one', "two\nlines", "x, y; z", " padded", "é", "")),
    ]
    out = io.StringIO(newline="")
    writer = csv.writer(out, **dialect)
    writer.writerow(["", *"bcdefgh"])
    writer.writerows([make(n) for make in columns] for n in range(rows))
    return out.getvalue()


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("dialect", ["excel", "unix", "excel-tab", ";"])
@pytest.mark.parametrize("packed", ["", ".gz", ".bz2"])
def test_tables(tmp_path, seed, dialect, packed):
    how = {"delimiter": ";"} if dialect == ";" else {"dialect": dialect}
    text = table(random.Random(seed), (0, 1, 30, 1500)[seed], **how).encode()
    path = tmp_path / f"a.{'tsv' if dialect == 'excel-tab' else 'csv'}{packed}"
    path.write_bytes({"": bytes, ".gz": gzip.compress, ".bz2": bz2.compress}[packed](text))
    outcome = check_csv(path, types=False)
    noticed = ["the delimiter ';' was noticed"] if dialect == ";" else []
    assert [reason for reason, _ in outcome.differences] == noticed
    assert (outcome.documents, outcome.rejects) == ((0, 1, 30, 1500)[seed], 0)


def test_what_is_wrong_is_found(tmp_path):
    """The eyes see: rows that miss, values that change."""
    path = tmp_path / "a.csv"
    path.write_text("a,b\n1,2\n3\n" + "x" * 10 + ",y\n")
    outcome = check_csv(path, types=False)
    assert [reason for reason, _ in outcome.differences] == ["ragged row rejected"]
    assert not is_same(1, "2")
    assert not is_same("a", "b")
    assert not is_same(None, "x")
    assert not is_same(Ellipsis, "x")
    bad = Outcome("a", "csv")
    bad.differs("ROW MISSING", "line 3")
    assert report([bad], tmp_path)[1]
    assert not report([outcome], tmp_path)[1]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("a.json", [{"a": 1, "b": [1.5, None, "x"]}, {}]),
        ("a.json", {"a": {"b": True}}),
        ("a.geojson", {"type": "FeatureCollection", "features": [{"a": 1}, {"a": 2}]}),
        ("a.jsonl", [{"a": 1}, {"b": "é"}]),
    ],
)
def test_json(tmp_path, name, value):
    path = tmp_path / name
    if name == "a.jsonl":
        path.write_text("".join(json.dumps(one) + "\n" for one in value))
    else:
        path.write_text(json.dumps(value, indent=1))
    outcome = check_json(path)
    assert outcome.differences == []
    assert outcome.documents in (1, 2)


def test_values_of_arrays_that_are_no_documents(tmp_path):
    path = tmp_path / "a.json"
    path.write_text('[{"a": 1}, [2], 3]')
    outcome = check_json(path)
    assert (outcome.documents, outcome.rejects) == (1, 2)
