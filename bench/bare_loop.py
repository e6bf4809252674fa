"""The floor under decoding: a bare C loop that makes the same objects (``bare/bare_loop.c``).

    python bench/bare_loop.py [--documents flat tweet]

prints instructions an operation of the loop, of our `decode`, and their ratio. Needs valgrind and
a C compiler.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import instructions
from bare_module import build

HERE = Path(__file__).resolve().parent


def main() -> None:
    """Print one row a document."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--documents", nargs="+", default=["flat", "tweet"])
    build()
    for name in parser.parse_args().documents:
        floor, ours = (
            instructions.per_operation(library, "decode", name) for library in ("bare", "ours")
        )
        print(f"decode {name:6} floor {floor:12,.0f} ours {ours:12,.0f} {ours / floor:6.2f}")


if __name__ == "__main__":
    sys.path.insert(0, str(HERE))
    main()
