"""The floor under decoding: a bare C loop that makes the same objects (``bare/bare_loop.c``).

    python bench/bare_loop.py [--documents flat tweet]

prints instructions an operation of the loop, of our `decode`, and their ratio. Needs valgrind and
a C compiler.
"""

from __future__ import annotations

import argparse
import importlib.util
import shlex
import subprocess
import sys
import sysconfig
from pathlib import Path
from types import ModuleType

import instructions

HERE = Path(__file__).resolve().parent
SOURCE = HERE / "bare" / "bare_loop.c"


def build() -> Path:
    """Compile the loop unless that was done since its source changed; return where it is."""
    name = "bare_loop" + str(sysconfig.get_config_var("EXT_SUFFIX"))
    target = HERE.parent / "build" / "bench" / name
    if not target.exists() or target.stat().st_mtime < SOURCE.stat().st_mtime:
        target.parent.mkdir(parents=True, exist_ok=True)
        compiler = shlex.split(str(sysconfig.get_config_var("CC") or "cc"))
        include = [f"-I{sysconfig.get_paths()['include']}", f"-I{HERE.parent / 'csrc'}"]
        flags = ["-std=gnu11", "-O3", "-shared", "-fPIC"]
        subprocess.run([*compiler, *flags, *include, str(SOURCE), "-o", str(target)], check=True)
    return target


def load() -> ModuleType:
    """The module with the loop."""
    specification = importlib.util.spec_from_file_location("bare_loop", build())
    assert specification is not None and specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


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
