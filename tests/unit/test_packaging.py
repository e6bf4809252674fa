"""What is built where there is no compiler, what goes into archives, and where they are built."""

from __future__ import annotations

import gzip
import importlib.util
import os
import re
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

pytest.importorskip("setuptools")
pytest.importorskip("Cython")
if not (ROOT / "setup.py").exists():
    pytest.skip("needs the sources of the distribution", allow_module_level=True)


def build(tmp_path: Path, command: str, *options: str, **environment: str):
    """Run a command of setup.py; what is built goes to `tmp_path`."""
    variables = {k: v for k, v in os.environ.items() if not k.startswith("BSONX_")}
    return subprocess.run(
        [sys.executable, "setup.py", "-q", command, *options],
        cwd=ROOT,
        env={**variables, **environment},
        capture_output=True,
        text=True,
        timeout=250,
        check=False,
    )


def extensions(folder: Path):
    return [path.name for path in folder.rglob("_native.*") if path.suffix in (".so", ".pyd")]


@pytest.mark.skipif(sys.platform == "win32", reason="its compiler is found in other ways")
def test_without_a_compiler_it_is_built_in_pure_python(tmp_path):
    options = ("--build-base", str(tmp_path), "--build-lib", str(tmp_path / "lib"))
    done = build(tmp_path, "build", *options, CC="no-such-compiler")
    assert done.returncode == 0, done.stderr
    assert "bsonx is built WITHOUT its C extension" in done.stderr
    assert "no-such-compiler" in done.stderr
    assert extensions(tmp_path) == []
    code = "import bsonx; print(bsonx.has_c(), bsonx.decode(bsonx.encode({'a': 1})))"
    said = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": str(tmp_path / "lib")},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert said.stdout == "False {'a': 1}\n"


@pytest.mark.skipif(sys.platform == "win32", reason="its compiler is found in other ways")
def test_without_a_compiler_nothing_is_built_where_the_extension_is_required(tmp_path):
    options = ("--build-base", str(tmp_path), "--build-lib", str(tmp_path / "lib"))
    done = build(tmp_path, "build", *options, CC="no-such-compiler", BSONX_REQUIRE_EXT="1")
    assert done.returncode != 0
    assert "WITHOUT" not in done.stderr
    assert "no-such-compiler" in done.stderr


def test_a_wheel_holds_what_runs_and_nothing_else(tmp_path):
    options = ("--bdist-dir", str(tmp_path / "wheel"), "--dist-dir", str(tmp_path))
    pytest.importorskip("wheel")
    base = ("egg_info", "--egg-base", str(tmp_path), "build", "--build-base", str(tmp_path / "b"))
    done = build(tmp_path, *base, "bdist_wheel", *options, BSONX_NO_EXT="1")
    assert done.returncode == 0, done.stderr
    (wheel,) = tmp_path.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    kinds = {Path(name).suffix for name in names if ".dist-info/" not in name}
    assert kinds == {".py", ".pyi", ".typed", ".txt"}
    tops = {name.partition("/")[0] for name in names if ".dist-info/" not in name}
    assert tops == {"bsonx", "mongodriver"}
    sources = {str(p.relative_to(ROOT / "src")) for p in (ROOT / "src").rglob("*.py")}
    assert sources - set(names) == set()


def test_an_sdist_holds_what_distributions_want(tmp_path):
    """Documents, tests and benchmarks; and nothing that is made of the others."""
    done = build(tmp_path, "egg_info", "--egg-base", str(tmp_path))
    assert done.returncode == 0, done.stderr
    (listing,) = tmp_path.glob("*.egg-info/SOURCES.txt")
    names = {Path(line).as_posix() for line in listing.read_text("utf-8").splitlines()}
    wanted = {path.relative_to(ROOT).as_posix() for path in (ROOT / "docs").rglob("*.md")}
    wanted |= {path.name for path in ROOT.glob("[A-Z]*.md")} | {"LICENSE", "Makefile"}
    assert {"README.md", "SECURITY.md", "CODE_OF_CONDUCT.md", "docs/support.md"} <= wanted
    assert wanted <= names
    assert {"tests/conftest.py", "bench/README.md", "examples/README.md", ".ci/venv"} <= names
    assert [name for name in names if name.endswith((".so", ".pyc")) or "_native.c" in name] == []


def test_an_sdist_has_the_same_bytes_whenever_and_by_whomever_it_is_built(tmp_path):
    base = ("egg_info", "--egg-base", str(tmp_path), "sdist", "--dist-dir", str(tmp_path))
    done = build(tmp_path, *base, BSONX_NO_EXT="1", SOURCE_DATE_EPOCH="1500000000")
    assert done.returncode == 0, done.stderr
    (archive,) = tmp_path.glob("*.tar.gz")
    with gzip.open(archive) as packed:
        packed.read(1)
        assert packed.mtime == 1_500_000_000
    with tarfile.open(archive) as entries:
        found = entries.getmembers()
    assert {(e.mtime, e.uid, e.gid, e.uname, e.gname) for e in found} == {
        (1_500_000_000, 0, 0, "", "")
    }
    assert {e.mode for e in found} <= {0o644, 0o755}
    names = [e.name for e in found]
    assert names == sorted(names, key=lambda name: name.split("/"))
    tops = {name.split("/")[1] for name in names if "/" in name}
    assert {"tests", "docs", "csrc", "src", "setup.py", "README.md"} <= tops
    assert not [name for name in names if name.endswith(("/_native.c", ".so", ".pyc"))]


def tool(name: str):
    """A program of `.ci`, as a module."""
    spec = importlib.util.spec_from_file_location(name, ROOT / ".ci" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_what_is_left_out_of_the_tests_of_wheels_is_there():
    wheels = tool("wheels")
    assert [name for name in wheels.OF_THE_CHECKOUT if not (ROOT / name).exists()] == []
    needed = [one for one in wheels.requirements() if one.startswith(wheels.NEEDED)]
    assert len(needed) >= len(wheels.NEEDED)
    # What tries the wheels of other platforms needs the same.
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    elsewhere = tomllib.loads(text)["tool"]["cibuildwheel"]
    there = elsewhere["test-requires"]
    assert [one for one in wheels.NEEDED if not any(its.startswith(one) for its in there)] == []
    # And leaves out the same: `.ci/home.py` has changed the README there.
    command = elsewhere["test-command"].split()
    run = [word.removeprefix("{project}/") for word in command if word.startswith("{project}/")]
    left_out = [one for one in wheels.OF_THE_CHECKOUT if one.startswith(tuple(run))]
    assert run and left_out
    assert [one for one in left_out if f"--ignore={{project}}/{one}" not in command] == []


#: Those that GitHub has.
RUNNERS = {"ubuntu-24.04", "ubuntu-24.04-arm", "macos-15", "macos-15-intel"}
RUNNERS |= {"windows-2025", "windows-11-arm", "${{ matrix.os }}"}
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.stem)
def test_workflows_run_where_runners_are_and_what_is_pinned(workflow):
    text = workflow.read_text(encoding="utf-8")
    runners = set(re.findall(r"(?:runs-on|\bos): ([^,}\n]+(?:\}\})?)", text))
    assert runners and runners <= RUNNERS
    for used in re.findall(r"uses: (.+)", text):
        assert re.fullmatch(r"[\w./-]+@[0-9a-f]{40} # v[\d.]+", used)
    for image in re.findall(r"(?:--privileged --rm|EMULATOR:) (\S+)", text):
        assert image == '"$EMULATOR"' or re.fullmatch(r"[\w./:-]+@sha256:[0-9a-f]{64}", image)
    assert re.search(r"^permissions:", text, re.MULTILINE)


URL = "https://github.com/some/drivers"


def test_a_released_readme_links_to_the_repository():
    """PyPI has a page for it, and none of the files that it links to."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    shown = tool("home").with_addresses(text, URL, "c0ffee")
    links = re.findall(r"\]\(([^)]+)\)", shown)
    assert len(links) == len(re.findall(r"\]\(([^)]+)\)", text)) > 20
    assert [link for link in links if not link.startswith("https://")] == []
    picture = (
        "https://raw.githubusercontent.com/some/drivers/c0ffee/docs/charts/speed.svg?sanitize=true"
    )
    assert picture in links
    assert f"{URL}/blob/c0ffee/README.md#what-is-in" in links
    for link in links:
        if link.startswith(f"{URL}/"):
            path = link.removeprefix(f"{URL}/blob/c0ffee/").partition("#")[0]
            assert (ROOT / path).exists(), path
    fences = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
    assert fences.findall(shown) == fences.findall(text)


def test_a_release_tells_where_its_sources_are():
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    changed = tool("home").with_links(text, URL, "c0ffee")
    before, after = tomllib.loads(text), tomllib.loads(changed)
    urls = after["project"].pop("urls")
    assert urls["Source"] == URL
    assert urls["Documentation"] == "https://some.github.io/drivers/"
    assert urls["Changelog"].endswith("/c0ffee/CHANGELOG.md")
    before["project"].pop("urls")
    assert after == before


def test_a_tag_suits_what_it_releases(tmp_path):
    files = {
        "pyproject.toml": '[project]\nversion = "0.3.1"\n',
        "src/mongodriver/_version.py": '__version__ = "0.3.1"\n',
        "CHANGELOG.md": "# Changelog\n\n## 0.3.1 (2026-12-31)\n\n## 0.3.0 (2026-12-01)\n",
        "README.md": "pip install mongodriverx",
        "docs/start.md": "pip install mongodriverx",
    }

    def faults(**changed):
        for name, text in {**files, **changed}.items():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text(text, "utf-8")
        return list(tool("tag").faults("v0.3.1", tmp_path))

    assert faults() == []
    wrong = {
        "pyproject.toml": '[project]\nversion = "0.3.2"\n',
        "src/mongodriver/_version.py": '__version__ = "0.3.0"\n',
        "CHANGELOG.md": "# Changelog\n\n## 0.3.1 (unreleased)\n\n## 0.3.0 (2026-12-01)\n",
        "README.md": "**Until the first release** install it from a checkout",
        "docs/start.md": "Until the first release, from a checkout",
    }
    for name, text in wrong.items():
        assert name in "\n".join(faults(**{name: text}))


def test_what_was_not_released_is_known():
    """By the words of today, as long as they are there."""
    pages = [(ROOT / name).read_text("utf-8") for name in ("README.md", "docs/start.md")]
    told = [words for words in tool("tag")._BEFORE if words in "".join(pages)]
    newest = re.search(r"^## (.*)", (ROOT / "CHANGELOG.md").read_text("utf-8"), re.MULTILINE)
    assert len(told) == (2 if newest[1] == "0.1.0 (unreleased)" else 0)


def test_both_places_have_the_same_version():
    assert [one for one in tool("tag").faults("v") if "_version.py" in one] == []


def test_all_that_is_released_is_built_so():
    path = ROOT / ".github" / "workflows" / "wheels.yml"
    if not path.exists():
        pytest.skip("needs the repository")
    text = path.read_text(encoding="utf-8")
    build = re.compile(r"-m (?:cibuildwheel|build) --(?:output-dir|sdist)")
    for job in re.split(r"^  (?=\w+:$)", text, flags=re.MULTILINE):
        if built := build.search(job):
            assert "python .ci/home.py" in job[: built.start()]
    assert len(build.findall(text)) == 2
