"""Instructions per encode and decode, counted by callgrind: a figure that noise cannot move.

    python bench/instructions.py [--documents tweet small]

    python bench/instructions.py --gate encode=3.0 decode=2.5

Each count is the difference between two runs that do the work N and 2N times, so start-up drops
out. With --gate the exit status is 1 where PyMongo takes not that many times our instructions, in
the geometric mean of all documents. Needs valgrind.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
from pathlib import Path

import documents
from report import geometric_mean

REPEATS = {"large": 1}
LIBRARIES = ("pymongo", "ours")


def work(library: str, operation: str, name: str, count: int) -> None:
    """What callgrind watches: one document encoded or decoded `count` times.

    The library "bare" makes the objects of the decoded document and nothing else (bare_loop.py).
    """
    import bson

    import bsonx

    data = documents.load()[name]
    if library == "bare":
        from bare_module import load

        value, make = bsonx.decode(data), load().make
        for _ in range(count):
            make(value)
        return
    module = {"pymongo": bson, "ours": bsonx}[library]
    value = module.decode(data)
    if operation == "encode":
        for _ in range(count):
            module.encode(value)
    else:
        for _ in range(count):
            module.decode(data)


def collected(library: str, operation: str, name: str, count: int) -> int:
    """Instructions of one whole run."""
    command = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", sys.executable]
    command += [__file__, "--work", library, operation, name, str(count)]
    environment = {**os.environ, "PYTHONHASHSEED": "0"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    found = re.search(r"Collected : (\d+)", done.stderr)
    if not found:
        raise RuntimeError(f"callgrind said nothing of instructions: {done.stderr[-500:]}")
    return int(found[1])


def per_operation(library: str, operation: str, name: str) -> float:
    """Instructions of one operation."""
    count = REPEATS.get(name, 200)
    once = collected(library, operation, name, count)
    return (collected(library, operation, name, 2 * count) - once) / count


def main() -> None:
    """Print one row a document and operation."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--documents", nargs="+", default=list(documents.NAMES))
    parser.add_argument("--work", nargs=4, metavar=("LIBRARY", "OPERATION", "NAME", "COUNT"))
    parser.add_argument("--gate", nargs="+", default=[], metavar="OPERATION=TIMES")
    options = parser.parse_args()
    gates = {name: float(times) for name, times in (gate.split("=") for gate in options.gate)}
    if options.work:
        library, operation, name, count = options.work
        work(library, operation, name, int(count))
        return
    failed: list[str] = []
    for operation in ("encode", "decode"):
        ratios = []
        for name in options.documents:
            theirs, ours = (per_operation(library, operation, name) for library in LIBRARIES)
            ratios.append(theirs / ours)
            print(f"{operation} {name:6} {theirs:14,.0f} {ours:14,.0f} {theirs / ours:6.2f}")
        mean = geometric_mean(ratios)
        print(f"{operation} geometric mean {mean:.2f}")
        if mean < gates.get(operation, 0):
            failed.append(f"{operation}: {mean:.2f} times, {gates[operation]} are asked for")
    if failed:
        sys.exit("\n".join(failed))


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parent))
    main()
