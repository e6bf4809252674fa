"""Packed files: whatever can be unpacked is delivered before the error (F17)."""

import bz2
import gzip
import io
import lzma
import sys
import zipfile
from random import Random

import pytest

from mongodriver.ingest import CSVOptions, IngestError
from mongodriver.ingest.sources import make_source, open_source

from .reading import csv_records, ndjson_records

zstd = pytest.importorskip("compression.zstd" if sys.version_info >= (3, 14) else "backports.zstd")
LINES = [b'{"n": %d}\n' % n for n in range(20_000)]
TEXT = b"".join(LINES)
PACKINGS = {
    "gz": gzip.compress,
    "bz2": bz2.compress,
    "xz": lzma.compress,
    "zst": zstd.compress,
}


def read_all(path):
    """What the file gives by `read`, and the error behind it."""
    out = bytearray()
    with open_source(make_source(path)) as opened:
        try:
            while chunk := opened.stream.read(10_000):
                out += chunk
        except IngestError as error:
            return bytes(out), str(error)
    return bytes(out), ""


@pytest.mark.parametrize("suffix", PACKINGS)
@pytest.mark.parametrize("parts", [1, 2, 7])
def test_members_one_after_the_other(tmp_path, suffix, parts):
    path = tmp_path / f"a.ndjson.{suffix}"
    size = len(TEXT) // parts + 1
    pieces = [TEXT[at : at + size] for at in range(0, len(TEXT), size)]
    path.write_bytes(b"".join(map(PACKINGS[suffix], pieces)))
    assert read_all(path) == (TEXT, "")


@pytest.mark.parametrize("suffix", PACKINGS)
def test_f17_bytes_behind_the_end(tmp_path, suffix):
    path = tmp_path / f"a.ndjson.{suffix}"
    path.write_bytes(PACKINGS[suffix](TEXT) + b"some more")
    data, problem = read_all(path)
    assert data == TEXT
    assert "behind the end of the" in problem


@pytest.mark.parametrize("suffix", PACKINGS)
def test_f17_damage_in_the_middle(tmp_path, suffix):
    """Each library has an error of its own."""
    path = tmp_path / f"a.ndjson.{suffix}"
    packed = bytearray(PACKINGS[suffix](TEXT))
    middle = len(packed) // 2
    packed[middle : middle + 500] = Random(1).randbytes(500)
    path.write_bytes(packed)
    _, problem = read_all(path)
    assert "data are damaged" in problem


def test_f17_zeros_behind_the_end_are_no_fault(tmp_path):
    path = tmp_path / "a.ndjson.gz"
    path.write_bytes(gzip.compress(TEXT) + bytes(1000) + gzip.compress(TEXT) + bytes(100_000))
    assert read_all(path) == (TEXT * 2, "")


@pytest.mark.parametrize("suffix", PACKINGS)
@pytest.mark.parametrize("share", [0.2, 0.9, 1])
def test_f17_cut_off(tmp_path, suffix, share):
    path = tmp_path / f"a.ndjson.{suffix}"
    packed = PACKINGS[suffix](TEXT)
    path.write_bytes(packed[: int(len(packed) * share) - 1])
    data, problem = read_all(path)
    assert TEXT.startswith(data)
    assert "cut off" in problem
    if suffix == "gz":
        assert len(data) > len(TEXT) * (share - 0.1)


def test_f17_damaged_in_the_middle(tmp_path):
    """As much as zlib gives when it gets one byte at a time."""
    path = tmp_path / "a.ndjson.gz"
    packed = bytearray(gzip.compress(TEXT))
    packed[len(packed) // 2 :] = Random(1).randbytes(len(packed) // 2)
    path.write_bytes(packed)
    data, problem = read_all(path)
    assert len(data) > len(TEXT) * 0.4
    assert "the gzip data are damaged" in problem
    assert data[: len(TEXT) * 2 // 5] == TEXT[: len(TEXT) * 2 // 5]


def test_f17_a_wrong_checksum(tmp_path):
    path = tmp_path / "a.ndjson.gz"
    packed = bytearray(gzip.compress(TEXT))
    packed[-8] ^= 1
    path.write_bytes(packed)
    data, problem = read_all(path)
    assert data == TEXT
    assert "damaged" in problem


def test_f17_a_damaged_zip(tmp_path):
    path = tmp_path / "a.ndjson.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("a.ndjson", TEXT)
    packed = bytearray(path.read_bytes())
    packed[len(TEXT) // 2] ^= 1
    path.write_bytes(packed)
    data, problem = read_all(path)
    assert len(data) > len(TEXT) * 0.4
    assert "the archive is damaged" in problem


def records_of(path, make_reader):
    """The records of a damaged file, its bad ones, and the error."""
    records, bad = [], []
    with open_source(make_source(path)) as opened:
        try:
            records.extend(make_reader(opened.stream, lambda *one: bad.append(one)))
        except IngestError as error:
            return records, bad, str(error)
    return records, bad, ""


def test_f17_every_line_in_front_of_the_damage_is_a_record(tmp_path):
    path = tmp_path / "a.ndjson.gz"
    path.write_bytes(gzip.compress(TEXT) + b"some more")
    records, bad, problem = records_of(path, ndjson_records)
    assert (len(records), bad) == (20_000, [])
    assert "behind the end" in problem


def test_f17_a_row_that_is_cut_off_is_none(tmp_path):
    """Its last value may have been longer."""
    path = tmp_path / "a.csv.gz"
    text = b"a,b\n" + b"1,22222\n" * 50_000
    packed = gzip.compress(text)
    path.write_bytes(packed[: len(packed) // 2])
    records, bad, problem = records_of(
        path, lambda stream, reject: csv_records(stream, reject, CSVOptions())
    )
    assert {tuple(document.values()) for _, _, document in records} == {(1, 22222)}
    assert len(records) > 10_000
    assert [why for _, _, why in bad] in ([], ["the row is cut off"])
    assert problem == "the gzip data are cut off"


def test_zstandard_without_its_library(tmp_path, monkeypatch):
    path = tmp_path / "a.ndjson.zst"
    path.write_bytes(zstd.compress(TEXT))
    monkeypatch.setitem(sys.modules, "compression.zstd", None)
    monkeypatch.setitem(sys.modules, "backports.zstd", None)
    with pytest.raises(IngestError, match=r"pip install 'mongodriverx\[zstd\]'"):
        read_all(path)


def test_wide_windows_of_zstandard(tmp_path):
    """As `zstd --long=31` makes them, which are refused unless they are asked for."""
    path = tmp_path / "a.ndjson.zst"
    options = {zstd.CompressionParameter.window_log: 28}
    file = io.BytesIO()
    with zstd.ZstdFile(file, "w", options=options) as packed:
        packed.write(TEXT)
    path.write_bytes(file.getvalue())
    assert read_all(path) == (TEXT, "")
