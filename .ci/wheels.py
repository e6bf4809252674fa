"""Build, repair and test wheels, each in an environment of its own: `make wheel`.

    python .ci/wheels.py [PYTHON ...]

Without arguments: for every CPython from 3.11 on that is found. A wheel is built from the sdist,
made a manylinux one by auditwheel, and installed with nothing else around it; then the tests of the
codec and of the driver's parts run from the sdist against what is installed. A pure wheel as well.
"""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
BUILD = ROOT / "build" / "wheels"
NAMES = ("python3.11", "python3.12", "python3.13", "python3.13t", "python3.14", "python3.14t")
NAMES += ("python3.15",)
#: What the tests need; the rest of the group is optional there, and left out where it has no wheel.
NEEDED = ("pytest", "pytest-timeout", "pytest-xdist", "hypothesis<6.140", "trustme")
OPTIONAL = ("backports.zstd", "attrs", "msgspec", "pydantic", "numpy", "pymongo==4.20.0", "tqdm")
#: No wheel without the extension, and none that was built with warnings.
NATIVE = {"BSONX_REQUIRE_EXT": "1", "BSONX_WERROR": "1"}
TESTS = ("tests/bsonx", "tests/unit")
#: They look at the checkout, not at what is installed.
OF_THE_CHECKOUT = ("tests/unit/test_architecture.py", "tests/unit/test_suite.py")


def run(*command: object, **variables: str) -> None:
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    subprocess.run(
        [str(c) for c in command], check=True, env={**environment, **variables}, cwd=BUILD
    )


def interpreters() -> list[str]:
    """What is on the path, and what pyenv keeps beside it, once each."""
    found = {}
    kept = sorted(Path("~/.pyenv/versions").expanduser().glob("3.*/bin/python3"))
    for name in [sys.executable, *NAMES, *kept]:
        path = shutil.which(str(name))
        if path is None:
            continue
        code = "import sys, sysconfig; assert sys.version_info >= (3, 11); "
        code += "print(sysconfig.get_config_var('SOABI'))"
        asked = subprocess.run([path, "-c", code], capture_output=True, text=True, check=False)
        if asked.returncode == 0:
            found.setdefault(asked.stdout.strip(), path)
    return list(found.values())


def sdist() -> Path:
    run(sys.executable, "-m", "build", "--sdist", "--outdir", BUILD, ROOT)
    (archive,) = BUILD.glob("*.tar.gz")
    run("tar", "xzf", archive)
    run(sys.executable, "-m", "twine", "check", "--strict", archive)
    return archive


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


def try_out(python: str, wheel: Path, folder: Path, has_c: bool) -> None:
    own = environment(folder / "user", python)
    run(own, "-m", "pip", "install", "-q", "--no-cache-dir", wheel)
    says = f"import bsonx, mongodriver, sys; assert bsonx.has_c() is {has_c}, bsonx.has_c(); "
    says += "assert bsonx.__file__.startswith(sys.prefix)"
    run(own, "-c", says)
    run(own, "-m", "pip", "install", "-q", *NEEDED)
    for one in OPTIONAL:
        subprocess.run(
            [own, "-m", "pip", "install", "-q", "--only-binary", ":all:", one],
            stderr=subprocess.DEVNULL,
            check=False,
        )
    (source,) = BUILD.glob("*/pyproject.toml")
    workers = ("-n", str(os.cpu_count()), "--dist", "loadfile")
    tests = [source.parent / one for one in TESTS]
    tests += [f"--ignore={source.parent / one}" for one in OF_THE_CHECKOUT]
    run(own, "-m", "pytest", "-q", *workers, "-m", "not slow", "--rootdir", source.parent, *tests)


def main(pythons: list[str]) -> None:
    shutil.rmtree(BUILD, ignore_errors=True)
    BUILD.mkdir(parents=True)
    archive = sdist()
    wheelhouse = ROOT / "wheelhouse"
    wheelhouse.mkdir(exist_ok=True)
    pythons = pythons or interpreters()
    for number, python in enumerate(pythons):
        folder = BUILD / f"python{number}"
        wheel = build(python, archive, folder, **old_glibc(), **NATIVE)
        try_out(python, wheel, folder, has_c=True)
        print(f"{shutil.copy(wheel, wheelhouse)}: {wheel.stat().st_size:,} bytes", flush=True)
    folder = BUILD / "pure"
    wheel = build(pythons[0], archive, folder, BSONX_NO_EXT="1")
    try_out(pythons[0], wheel, folder, has_c=False)
    print(f"{shutil.copy(wheel, wheelhouse)}: {wheel.stat().st_size:,} bytes", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
