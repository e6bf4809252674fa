"""Build, repair and test wheels, each in an environment of its own: `make wheel`.

    python .ci/wheels.py [--build-only] [--tests TEST ...] [--] [PYTHON ...]

Without arguments: for every Python from 3.11 on that is found. Of the sources and of the first
wheel a second one is built, which must have the same bytes. A wheel is built from the sdist, made a
manylinux one by auditwheel, and installed with nothing else around it; then the tests run from the
sdist, whose sources are taken away, against what is installed. A pure wheel as well, which is the
only one for interpreters that have no extension (PyPy).
"""

from __future__ import annotations

import argparse
import os
import platform
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]
BUILD = ROOT / "build" / "wheels"
NAMES = ("python3.11", "python3.12", "python3.13", "python3.13t", "python3.14", "python3.14t")
NAMES += ("python3.15", "pypy3")
#: Without them there are no tests; the rest of the group is left out where it has no wheel.
NEEDED = ("pytest", "pytest-timeout", "pytest-xdist", "hypothesis", "pymongo==")
#: No wheel without the extension, and none that was built with warnings.
NATIVE = {"BSONX_REQUIRE_EXT": "1", "BSONX_WERROR": "1"}
#: They look at the checkout, not at what is installed, or install something else.
OF_THE_CHECKOUT = (
    "tests/docs/test_figures.py",
    "tests/docs/test_options_page.py",
    "tests/engines",
    "tests/examples",
    "tests/libraries",
    "tests/typing",
    "tests/unit/test_architecture.py",
    "tests/unit/test_docs.py",
    "tests/unit/test_packaging.py",
    "tests/unit/test_suite.py",
)
TESTING = ("-q", "-n", str(os.cpu_count()), "--dist", "loadfile", "-m", "not slow")
TESTING += ("-p", "no:cacheprovider", "-p", "no:randomly")


def run(*command: object, **variables: str) -> None:
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    subprocess.run(
        [str(c) for c in command], check=True, env={**environment, **variables}, cwd=BUILD
    )


def interpreters() -> list[str]:
    """What is on the path, and what pyenv keeps beside it, once each."""
    found: dict[str, str] = {}
    kept = sorted(Path("~/.pyenv/versions").expanduser().glob("3.*/bin/python3"))
    for name in [sys.executable, *NAMES, *kept]:
        path = shutil.which(str(name))
        kind = path and said(path, "import sysconfig; print(sysconfig.get_config_var('SOABI'))")
        if kind and path and said(path, "import sys; print(sys.version_info >= (3, 11))") == "True":
            found.setdefault(kind, path)
    return list(found.values())


def said(python: str, code: str) -> str:
    """What an interpreter prints, nothing where it fails."""
    asked = subprocess.run([python, "-c", code], capture_output=True, text=True, check=False)
    return "" if asked.returncode else asked.stdout.strip()


def has_extensions(python: str) -> bool:
    """Whether the extension is for this interpreter: it is for CPython alone."""
    return said(python, "import sys; print(sys.implementation.name)") == "cpython"


def gil(python: str) -> dict[str, str]:
    """No lock, also where a library that the tests use would bring it back."""
    free = said(python, "import sysconfig; print(sysconfig.get_config_var('Py_GIL_DISABLED'))")
    return {"PYTHON_GIL": "0"} if free == "1" else {}


def epoch() -> str:
    """The time that all files of an archive have, which two builds have in common."""
    last = subprocess.run(
        ["git", "log", "-1", "--format=%ct"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    return os.environ.get("SOURCE_DATE_EPOCH") or last.stdout.strip() or "1577836800"


def sdist(folder: Path) -> Path:
    folder.mkdir()
    run(sys.executable, "-m", "build", "--sdist", "--outdir", folder, ROOT)
    (archive,) = folder.glob("*.tar.gz")
    return archive


def must_be_equal(first: Path, second: Path) -> None:
    if first.read_bytes() != second.read_bytes():
        sys.exit(f"two builds differ: {first} {second}")
    print(f"{first.name}: twice the same bytes", flush=True)


def sources(archive: Path) -> Path:
    """The unpacked sdist without what is installed, so nothing but that can be imported."""
    run("tar", "xzf", archive)
    (folder,) = (path.parent for path in BUILD.glob("*/pyproject.toml"))
    shutil.rmtree(folder / "src")
    return folder


def environment(folder: Path, python: str) -> Path:
    run(python, "-m", "venv", "--clear", folder)
    own = folder / "bin" / "python"
    run(own, "-m", "pip", "install", "-q", "--upgrade", "pip>=25.1")
    return own


def old_glibc() -> dict[str, str]:
    """What makes setuptools link for a glibc that every supported distribution has."""
    if sys.platform != "linux" or platform.libc_ver()[0] != "glibc":
        return {}
    compiler = f"{sys.executable} -m ziglang cc -target {platform.machine()}-linux-gnu.2.17"
    # Where Debian has a part of Python's headers; all others are zig's own.
    compiler += " -idirafter /usr/include"
    return {"CC": compiler, "LDSHARED": f"{compiler} -shared"}


def build(python: str, archive: Path, folder: Path, **variables: str) -> Path:
    """The wheel for one interpreter, repaired where it has machine code."""
    own = environment(folder / "builder", python)
    made = folder / "made"
    run(
        own,
        "-m",
        "pip",
        "wheel",
        "-q",
        "--no-deps",
        "--no-cache-dir",
        "-w",
        made,
        archive,
        **variables,
    )
    (wheel,) = made.glob("*.whl")
    if "none-any" in wheel.name:
        return wheel
    repaired = folder / "repaired"
    auditwheel = (sys.executable, "-m", "auditwheel")
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    run(*auditwheel, "repair", "--strip", "-w", repaired, wheel, PATH=path)
    (wheel,) = repaired.glob("*.whl")
    run(*auditwheel, "show", wheel)
    return wheel


def requirements() -> list[str]:
    """What the tests use, by pyproject.toml."""
    groups = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    return [str(one) for one in groups["dependency-groups"]["test"]]


def install_requirements(own: Path) -> None:
    """All that the tests use, if it has wheels; one that is needed must be there."""
    install = [own, "-m", "pip", "install", "-q", "--prefer-binary", "--only-binary", ":all:"]
    wanted = requirements()
    if subprocess.run([*install, *wanted], stderr=subprocess.DEVNULL, check=False).returncode == 0:
        return
    for one in wanted:
        done = subprocess.run([*install, one], stderr=subprocess.DEVNULL, check=False)
        if done.returncode and not one.startswith(NEEDED):
            print(f"without {one}", flush=True)
    needed = [one for one in wanted if one.startswith(NEEDED)]
    run(own, "-m", "pip", "install", "-q", "--prefer-binary", *needed)


def try_out(python: str, wheel: Path, folder: Path, source: Path, tests: list[str]) -> None:
    has_c = "none-any" not in wheel.name
    own = environment(folder / "user", python)
    run(own, "-m", "pip", "install", "-q", "--no-cache-dir", wheel)
    says = f"import bsonx, mongodriver, sys; assert bsonx.has_c() is {has_c}, bsonx.has_c(); "
    says += "assert bsonx.__file__.startswith(sys.prefix)"
    run(own, "-c", says)
    run(own, "-m", "pip", "install", "-q", f"{wheel}[local,ingest]")
    install_requirements(own)
    without = [f"--ignore={source / one}" for one in OF_THE_CHECKOUT]
    paths = [source / one for one in tests]
    run(own, "-m", "pytest", *TESTING, "--rootdir", source, *without, *paths, **gil(python))


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition(":")[0])
    parser.add_argument("pythons", nargs="*", metavar="PYTHON")
    parser.add_argument("--build-only", action="store_true", help="no tests")
    parser.add_argument("--tests", nargs="+", default=["tests"], help="a part of the tests")
    options = parser.parse_args()
    pythons = options.pythons or interpreters()
    os.environ["SOURCE_DATE_EPOCH"] = epoch()
    shutil.rmtree(BUILD, ignore_errors=True)
    BUILD.mkdir(parents=True)
    archive = sdist(BUILD / "sdist")
    must_be_equal(archive, sdist(BUILD / "sdist-again"))
    run(sys.executable, "-m", "twine", "check", "--strict", archive)
    source = sources(archive)
    made = build_all(pythons, archive)
    for number, (python, wheel) in enumerate(made):
        if not options.build_only:
            try_out(python, wheel, BUILD / f"python{number}", source, options.tests)


def build_all(pythons: list[str], archive: Path) -> list[tuple[str, Path]]:
    """The wheel for each interpreter, then the pure one, to try it out with one of them or more."""
    wheelhouse = ROOT / "wheelhouse"
    wheelhouse.mkdir(exist_ok=True)
    shutil.copy(archive, wheelhouse)
    made = []
    for number, python in enumerate(one for one in pythons if has_extensions(one)):
        variables = {**old_glibc(), **NATIVE}
        wheel = build(python, archive, BUILD / f"built{number}", **variables)
        if number == 0:
            must_be_equal(wheel, build(python, archive, BUILD / "built-again", **variables))
        made.append((python, wheel))
    pure = build(pythons[0], archive, BUILD / "built-pure", BSONX_NO_EXT="1")
    made += [(one, pure) for one in pythons if not has_extensions(one)] or [(pythons[0], pure)]
    for wheel in {wheel: None for _, wheel in made}:
        print(f"{shutil.copy(wheel, wheelhouse)}: {wheel.stat().st_size:,} bytes", flush=True)
    return made


if __name__ == "__main__":
    main()
