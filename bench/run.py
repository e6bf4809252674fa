"""Runs the benchmarks: `python bench/run.py [--only codec|raw|json|csv|driver|...] ...`."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import codec
import csv_text
import extended_json
import json_bson
import raw
import report
from interleaved import Case, measure

PARTS = ("codec", "raw", "json", "csv", "driver", "gridfs", "streams", "arrow", "ingest")


def measured(cases: Iterable[Case], rounds: int, seconds: float) -> Iterator[dict[str, Any]]:
    """Measure case after case, printing each as it is done."""
    for case in cases:
        row = report.row(case, measure(case, rounds, seconds))
        above = row.get("above_floor_ratio")
        extra = f", {above:.2f}x above the floor" if above else ""
        print(f"{case.group:8} {case.name:20} {row['ratio']:.2f}x faster{extra}", flush=True)
        yield row


@contextmanager
def server(uri: str | None) -> Iterator[Any]:
    """The clients' side of the given server, or of an embedded one."""
    import pymongo

    import driver
    from mongodriver.local import LocalServer

    if uri:
        host, port = pymongo.MongoClient(uri).address or ("localhost", 27017)
        clients = driver.Server(uri, host, port)
        yield clients
        clients.close()
        return
    with LocalServer(replica_set=True) as local:
        host, _, port = local.uri.partition("//")[2].partition("/")[0].rpartition(":")
        clients = driver.Server(local.uri, host, int(port))
        yield clients
        clients.close()


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
    if options.only in (None, "codec"):
        rows += measured(codec.cases(), options.rounds, options.seconds)
    if options.only in (None, "raw"):
        rows += measured(raw.cases(), options.rounds, options.seconds)
    if options.only in (None, "json"):
        rows += measured(extended_json.cases(), options.rounds, options.seconds)
        rows += measured(json_bson.cases(), options.rounds, options.seconds)
    if options.only in (None, "csv"):
        rows += measured(csv_text.cases(), options.rounds, options.seconds)
    if options.only in (None, "driver"):
        import driver

        with server(options.uri) as clients:
            rows += measured(driver.cases(clients), options.rounds, options.seconds)
    if options.only in (None, "gridfs"):
        import files

        with server(options.uri) as clients:
            rows += measured(files.cases(clients), options.rounds, options.seconds)
    if options.only in (None, "streams"):
        import streams

        with server(options.uri) as clients:
            rows += measured(streams.cases(clients), options.rounds, options.seconds)
    if options.only == "arrow":  # needs libraries that the others do not
        import arrow

        with server(options.uri) as clients:
            rows += measured(arrow.cases(clients), options.rounds, options.seconds)
    if options.only in (None, "ingest"):
        import ingest

        with server(options.uri) as clients:
            for row in ingest.rows(clients, min(options.rounds, 5)):
                print(ingest.show(row), flush=True)
                rows.append(row)
    if options.output:
        report.write(rows, options.output)
    print(report.markdown(rows))


if __name__ == "__main__":
    main()
