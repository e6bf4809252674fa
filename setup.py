"""Builds the one extension module, ``bsonx._native`` (Cython over the C of ``csrc/``).

Environment variables:

BSONX_NO_EXT=1     build without the extension; bsonx then runs on its pure-Python twin
BSONX_DEBUG=1      no optimisation, assertions on
BSONX_SANITIZE=1   AddressSanitizer and UndefinedBehaviorSanitizer (implies BSONX_DEBUG); any
                   other value is given to the compiler's -fsanitize as it stands
BSONX_WERROR=1     warnings in ``csrc/`` are errors (our own builds and CI)
BSONX_REQUIRE_EXT=1  fail where the extension cannot be built, rather than go on without it
SOURCE_DATE_EPOCH  the time of all files in an sdist or a wheel: so two builds have the same bytes
"""

import gzip
import os
import sys
import tarfile
from glob import glob

from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext
from setuptools.command.sdist import sdist
from setuptools.errors import CCompilerError, ExecError, PlatformError

WITHOUT_EXTENSION = """\
********************************************************************************
bsonx is built WITHOUT its C extension: it runs in pure Python, many times slower.

  {error}

With a C compiler and Python's headers (Debian, Ubuntu: gcc python3-dev) install
again, and with --no-cache-dir: pip keeps what it has built. BSONX_REQUIRE_EXT=1
makes this an error; BSONX_NO_EXT=1 asks for it, and says nothing.
********************************************************************************"""


def flag(name):
    return os.environ.get(name, "") not in ("", "0")


def sanitizers():
    """What -fsanitize gets, or an empty string."""
    wanted = os.environ.get("BSONX_SANITIZE", "")
    return {"0": "", "1": "address,undefined"}.get(wanted, wanted)


SANITIZE = sanitizers()
DEBUG = flag("BSONX_DEBUG") or bool(SANITIZE)
WINDOWS = sys.platform == "win32"


def compile_args():
    if WINDOWS:
        return ["/std:c11", "/Od" if DEBUG else "/O2"]
    args = ["-std=c11", "-fvisibility=hidden"]
    args += ["-O1", "-g", "-UNDEBUG", "-fno-omit-frame-pointer"] if DEBUG else ["-O3", "-g0"]
    if SANITIZE:
        args += [f"-fsanitize={SANITIZE}", "-fno-sanitize-recover=undefined"]
    return args


#: What building raises where there is no compiler, or one that does not do.
UNBUILDABLE = (CCompilerError, ExecError, PlatformError, OSError)


class BuildExt(build_ext):
    """Compile ``csrc/`` with its own strict warnings; generated code gets the plain flags.

    Without a compiler the package is built all the same: bsonx then runs on its pure-Python twin.
    """

    def run(self):
        try:
            super().run()
        except UNBUILDABLE as error:
            if flag("BSONX_REQUIRE_EXT"):
                raise
            self.extensions = []
            print(WITHOUT_EXTENSION.format(error=error), file=sys.stderr)

    def build_extension(self, ext):
        sources = ext.sources
        own = [s for s in sources if s.startswith("csrc")]
        ext.sources = [s for s in sources if s not in own]
        ext.depends = [*ext.depends, *own]  # else a change in them alone would not be linked
        strict = list(ext.extra_compile_args)
        if not WINDOWS:
            strict += ["-Wall", "-Wextra"] + (["-Werror"] if flag("BSONX_WERROR") else [])
        if own:
            ext.extra_objects = self.compiler.compile(
                own,
                output_dir=self.build_temp,
                macros=ext.define_macros,
                include_dirs=ext.include_dirs,
                extra_postargs=strict,
                depends=ext.depends,
            )
        super().build_extension(ext)


class Sdist(sdist):
    """The same bytes for the same sources, whoever builds them, where SOURCE_DATE_EPOCH is set."""

    def make_archive(self, base_name, format, root_dir=None, base_dir=None, owner=None, group=None):
        epoch = os.environ.get("SOURCE_DATE_EPOCH")
        if format != "gztar" or not epoch:
            return super().make_archive(base_name, format, root_dir, base_dir, owner, group)

        def plain(entry):
            entry.mtime, entry.uid, entry.gid = int(epoch), 0, 0
            entry.uname = entry.gname = ""
            entry.mode = 0o755 if entry.isdir() or entry.mode & 0o100 else 0o644
            return entry

        name = f"{base_name}.tar.gz"
        with (
            open(name, "wb") as file,
            gzip.GzipFile("", "wb", 9, file, int(epoch)) as packed,
            tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as archive,
        ):
            archive.add(base_dir, filter=plain)  # folders' entries come sorted
        return name


def extensions():
    if flag("BSONX_NO_EXT"):
        return []
    from Cython.Build import cythonize

    extension = Extension(
        "bsonx._native",
        sources=["src/bsonx/_native.pyx", *sorted(glob("csrc/**/*.c", recursive=True))],
        depends=[*sorted(glob("csrc/**/*.h", recursive=True)), *glob("src/bsonx/*.pxi")],
        include_dirs=["csrc"],
        # What Cython keeps for itself belongs to the module object, not to the process.
        define_macros=[("CYTHON_USE_MODULE_STATE", "1")],
        extra_compile_args=compile_args(),
        extra_link_args=[f"-fsanitize={SANITIZE}"] if SANITIZE else [],
    )
    return cythonize([extension], compiler_directives={"language_level": "3"})


setup(ext_modules=extensions(), cmdclass={"build_ext": BuildExt, "sdist": Sdist})
