"""The C loop of ``bare/bare_loop.c`` as a module, compiled when it is needed."""

from __future__ import annotations

import importlib.util
import shlex
import subprocess
import sysconfig
from pathlib import Path
from types import ModuleType

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
