"""Compile and link the extension for machines that are not here, by `zig cc`: `make cross`.

    python .ci/cross.py [TARGET ...]

Warnings in ``csrc/`` are errors. What is linked for this machine, for an old glibc, is loaded and
used. The headers are those of the Python that runs, with a ``pyconfig.h`` for the target; in place
of the DLL of Windows there is an import library with the names that are used.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import sysconfig
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
BUILD = ROOT / "build" / "cross"
STRICT = ["-Wall", "-Wextra", "-Werror"]
#: As setup.py has them. Cython's own code knows these warnings.
PLAIN = ["-std=c11", "-fvisibility=hidden", "-O3", "-g0", "-DNDEBUG"]
GENERATED = ["-w"]


@dataclass(frozen=True)
class Target:
    """A machine: its name for zig, and the sizes that tell it from others."""

    zig: str
    pointer: int = 8
    long: int = 8
    big_endian: bool = False
    windows: bool = False
    macos: bool = False


TARGETS = {
    "manylinux_2_17-x86_64": Target("x86_64-linux-gnu.2.17"),
    "manylinux_2_17-aarch64": Target("aarch64-linux-gnu.2.17"),
    "manylinux_2_17-i686": Target("x86-linux-gnu.2.17", pointer=4, long=4),
    "manylinux_2_28-s390x": Target("s390x-linux-gnu.2.28", big_endian=True),
    "manylinux_2_28-ppc64le": Target("powerpc64le-linux-gnu.2.28"),
    "musllinux-x86_64": Target("x86_64-linux-musl"),
    "musllinux-aarch64": Target("aarch64-linux-musl"),
    "macosx-x86_64": Target("x86_64-macos.10.13", macos=True),
    "macosx-arm64": Target("aarch64-macos.11.0", macos=True),
    "windows-amd64": Target("x86_64-windows-gnu", long=4, windows=True),
    "windows-arm64": Target("aarch64-windows-gnu", long=4, windows=True),
}
LOADED_HERE = "manylinux_2_17-x86_64"

# What the headers of CPython ask of a pyconfig.h on Windows.
_WINDOWS = """\
#ifndef Py_CONFIG_H
#define Py_CONFIG_H
#define MS_WIN64
#define MS_WIN32
#define MS_WINDOWS
#define NT_THREADS
#define WITH_THREAD
#define SIZEOF_VOID_P 8
#define SIZEOF_SIZE_T 8
#define SIZEOF_LONG 4
#define SIZEOF_LONG_LONG 8
#define SIZEOF_INT 4
#define SIZEOF_SHORT 2
#define SIZEOF_WCHAR_T 2
#define SIZEOF_TIME_T 8
#define SIZEOF_DOUBLE 8
#define SIZEOF_FLOAT 4
#define SIZEOF_FPOS_T 8
#define SIZEOF_PID_T 4
#define ALIGNOF_SIZE_T 8
#define HAVE_STDARG_PROTOTYPES
#define HAVE_LONG_LONG 1
#define HAVE_STDDEF_H 1
#define HAVE_STDINT_H 1
#define HAVE_INTTYPES_H 1
#define HAVE_SYS_TYPES_H 1
#define HAVE_SYS_STAT_H 1
#define HAVE_ERRNO_H 1
#define HAVE_STRDUP 1
#define HAVE_DECLSPEC_DLL
#define Py_ENABLE_SHARED
#define PLATLIBDIR "lib"
#endif
"""


_WIDE = ("#define HAVE_GCC_UINT128_T", "#define VA_LIST_IS_ARRAY")

# In the symbol table of an object file; those of Windows import what is in a DLL by a pointer.
_NAMES = re.compile(rb"(?<![A-Za-z0-9])(?:__imp_)?(_?Py[A-Z_][A-Za-z0-9_]+)")


def zig(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "ziglang", *map(str, arguments)]


def pyconfig() -> str:
    """The pyconfig.h of this Python; Debian's says where that of each machine is."""
    path = Path(sysconfig.get_config_h_filename())
    text = path.read_text()
    own = re.search(rf"<({sysconfig.get_config_var('MULTIARCH')}/.+)>", text)
    return (path.parents[1] / own[1]).read_text() if own else text


def headers(target: Target, folder: Path) -> Path:
    """The headers of this Python, as they were for the target."""
    include = Path(sysconfig.get_path("include"))
    copy = folder / "include"
    shutil.copytree(include, copy)
    if target.windows:
        (copy / "pyconfig.h").write_text(_WINDOWS)
        return copy
    sizes = {"VOID_P": target.pointer, "SIZE_T": target.pointer, "LONG": target.long}
    sizes |= {"TIME_T": target.pointer, "UINTPTR_T": target.pointer, "PTHREAD_T": target.pointer}
    lines = []
    for line in pyconfig().splitlines():
        for name, size in sizes.items():
            if line.startswith((f"#define SIZEOF_{name} ", f"#define ALIGNOF_{name} ")):
                line = f"{line.rpartition(' ')[0]} {size}"
        # Of this machine alone: 128-bit integers, and how it stores doubles.
        if target.pointer == 4 and line.startswith(_WIDE):
            continue
        if target.big_endian and "DOUBLE_IS_LITTLE_ENDIAN" in line:
            line = "#define DOUBLE_IS_BIG_ENDIAN_IEEE754 1"
        lines.append(line)
    text = "\n".join(lines) + "\n"
    if target.big_endian:
        text = text.replace("# undef WORDS_BIGENDIAN", "# define WORDS_BIGENDIAN 1").replace(
            "/* #  undef WORDS_BIGENDIAN */", "#  define WORDS_BIGENDIAN 1"
        )
    (copy / "pyconfig.h").write_text(text)
    return copy


def import_library(target: Target, objects: list[Path], folder: Path) -> Path:
    """A library of the names that the objects want of Python's DLL."""
    names = sorted({name.decode() for one in objects for name in _NAMES.findall(one.read_bytes())})
    dll = f"python{sys.version_info.major}{sys.version_info.minor}"
    definition = folder / f"{dll}.def"
    data = {name for name in names if name.endswith(("_Type", "Struct")) or "PyExc_" in name}
    exports = [f"    {name}{' DATA' if name in data else ''}" for name in names]
    definition.write_text(f"LIBRARY {dll}.dll\nEXPORTS\n" + "\n".join(exports) + "\n")
    library = folder / f"lib{dll}.a"
    machine = "arm64" if target.zig.startswith("aarch64") else "i386:x86-64"
    subprocess.run(zig("dlltool", "-m", machine, "-d", definition, "-l", library), check=True)
    return library


def compile_one(target: Target, include: Path, source: Path, folder: Path) -> Path:
    output = folder / (str(source.relative_to(ROOT)).replace(os.sep, "_") + ".o")
    own = source.is_relative_to(ROOT / "csrc")
    pic = [] if target.windows else ["-fPIC"]
    command = zig("cc", "-target", target.zig, *PLAIN, *pic, *(STRICT if own else GENERATED))
    command += ["-DCYTHON_USE_MODULE_STATE=1", f"-I{ROOT / 'csrc'}", f"-I{include}"]
    subprocess.run([*command, "-c", str(source), "-o", str(output)], check=True)
    return output


def build(name: str) -> Path:
    """The extension for one target."""
    target = TARGETS[name]
    folder = BUILD / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    include = headers(target, folder)
    sources = [ROOT / "src/bsonx/_native.c", *sorted((ROOT / "csrc").rglob("*.c"))]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        objects = list(pool.map(lambda one: compile_one(target, include, one, folder), sources))
    output = folder / ("_native.pyd" if target.windows else "_native.so")
    command = zig("cc", "-target", target.zig, "-shared", "-s", "-o", output, *objects)
    if target.windows:
        command.append(str(import_library(target, objects, folder)))
    if target.macos:
        command += ["-undefined", "dynamic_lookup"]
    subprocess.run(command, check=True)
    return output


def use(library: Path) -> None:
    """Load what was linked for an old glibc with this Python, and let it work."""
    package = library.parent / "loaded" / "bsonx"
    shutil.copytree(ROOT / "src" / "bsonx", package, ignore=shutil.ignore_patterns("_native*"))
    suffix = sysconfig.get_config_var("EXT_SUFFIX")
    shutil.copy(library, package / f"_native{suffix}")
    code = "import bsonx; assert bsonx.has_c(); assert bsonx.decode(bsonx.encode({'a': 1}))"
    environment = {**os.environ, "PYTHONPATH": str(package.parent), "BSONX_IMPL": "c"}
    subprocess.run([sys.executable, "-c", code], env=environment, check=True)


def main(names: list[str]) -> int:
    subprocess.run(
        [sys.executable, "-m", "cython", "-3", "src/bsonx/_native.pyx"], cwd=ROOT, check=True
    )
    failed = []
    for name in names or TARGETS:
        try:
            library = build(name)
            if name == LOADED_HERE and sys.platform == "linux":
                use(library)
        except subprocess.CalledProcessError as error:
            failed.append(name)
            print(f"{name}: {error}", file=sys.stderr)
        else:
            print(f"{name}: {library.stat().st_size:,} bytes", flush=True)
    if failed:
        print(f"failed: {', '.join(failed)}", file=sys.stderr)
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
