"""Memory held by 10,000 decoded tweets, each library in a process of its own.

    python bench/memory.py

tracemalloc counts what the decoded documents hold; the growth of the resident set is shown too.
"""

from __future__ import annotations

import subprocess
import sys
import tracemalloc
from pathlib import Path

import documents

COUNT = 10_000


def resident() -> int:
    """Bytes of this process in memory."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096


def held(library: str) -> tuple[int, int]:
    """Traced bytes and resident growth of the decoded documents."""
    import bson

    import bsonx

    module = {"pymongo": bson, "ours": bsonx}[library]
    tweet = documents.load()["tweet"]
    batch = tweet * COUNT
    module.decode_all(tweet)
    before = resident()
    values = module.decode_all(batch)
    grown = resident() - before
    values.clear()
    tracemalloc.start()
    values += module.decode_all(batch)
    traced, _ = tracemalloc.get_traced_memory()
    return traced, grown


def main() -> None:
    """Print both libraries' figures and their ratio."""
    if len(sys.argv) > 1:
        print(*held(sys.argv[1]))
        return
    figures = {}
    for library in ("pymongo", "ours"):
        done = subprocess.run(
            [sys.executable, __file__, library], capture_output=True, text=True, check=True
        )
        figures[library] = [int(word) for word in done.stdout.split()]
    for what, theirs, ours in zip(("traced", "resident"), *figures.values(), strict=True):
        sizes = f"PyMongo {theirs / 1e6:.1f} MB, ours {ours / 1e6:.1f} MB"
        print(f"{what}: {sizes}, {ours / theirs:.2f} times")


if __name__ == "__main__":
    main()
