"""Runs the benchmarks: `python bench/run.py [--only codec|raw|json|csv|driver|...] ...`."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import codec
import csv_text
import extended_json
import json_bson
import raw
import report
from interleaved import Case, measure

LOCAL = {"codec": [codec], "raw": [raw], "json": [extended_json, json_bson], "csv": [csv_text]}
#: On a server: each part's module, loaded when it is wanted.
SERVED = {"driver": "driver", "gridfs": "files", "streams": "streams", "arrow": "arrow"}
#: Needs libraries that the others do not: by its name alone.
SPECIAL = "arrow"
PARTS = (*LOCAL, *SERVED, "ingest")


def measured(part: str, options: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """The rows of a part, each printed as soon as it is there."""
    if part in LOCAL:
        for module in LOCAL[part]:
            yield from compared(module.cases(), options)
        return
    import driver

    with driver.served(options.uri) as server:
        if part != "ingest":
            yield from compared(import_module(SERVED[part]).cases(server), options)
            return
        import ingest

        for row in ingest.rows(server, min(options.rounds, 5)):
            print(ingest.show(row), flush=True)
            yield row


def compared(cases: Iterable[Case], options: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """Measure cases, and print how they went."""
    for case in cases:
        row = report.row(case, measure(case, options.rounds, options.seconds))
        above = row.get("above_floor_ratio")
        extra = f", {above:.2f}x above the floor" if above else ""
        print(f"{case.group:8} {case.name:20} {row['ratio']:.2f}x faster{extra}", flush=True)
        yield row


def main() -> None:
    """Parse the arguments, measure, and write the report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", choices=PARTS)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--seconds", type=float, default=0.05, help="of work in a round")
    parser.add_argument("--uri", help="a running server; default: an embedded mongod")
    parser.add_argument("--output", type=Path, help="folder for report.md, .json and .png")
    options = parser.parse_args()
    rows: list[dict[str, Any]] = []
    for part in [options.only] if options.only else [one for one in PARTS if one != SPECIAL]:
        rows += measured(part, options)
    if options.output:
        report.write(rows, options.output)
    print(report.markdown(rows))


if __name__ == "__main__":
    main()
