"""The packages as libraries see them: lazy parts, aliases, what is imported when."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import mongodriver
from mongodriver.errors import InvalidURI
from mongodriver.typings import strip_optional


def run(code: str) -> str:
    """Output of a program run in a fresh interpreter."""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_a_synchronous_program_does_not_load_asyncio():
    code = (
        "import sys, mongodriver as m\n"
        "client = m.MongoClient('mongodb://127.0.0.1:1', connect=False)\n"
        "client.db.t.find(); client.start_session(); client.close()\n"
        "print('asyncio' in sys.modules)"
    )
    assert run(code) == "False"


def test_the_synchronous_classes_do_not_need_asyncio():
    code = (
        "import sys\n"
        "sys.modules['asyncio'] = None\n"
        "import mongodriver\n"
        "print(mongodriver.MongoClient(connect=False), mongodriver.AsyncMongoClient.__name__)"
    )
    assert "MongoClient(host=['localhost:27017']" in run(code)


def test_gridfs_of_a_synchronous_program_does_not_load_asyncio():
    code = (
        "import sys, mongodriver as m, mongodriver.gridfs\n"
        "client = m.MongoClient('mongodb://127.0.0.1:1', connect=False)\n"
        "mongodriver.gridfs.GridFSBucket(client.db).open_upload_stream('f')\n"
        "print('asyncio' in sys.modules)"
    )
    assert run(code) == "False"


def test_the_version_is_that_of_the_api():
    assert mongodriver.version == mongodriver.get_version_string()
    assert mongodriver.version_tuple == (4, 20, 0)


def test_methods_are_found_where_pymongo_has_them():
    from mongodriver.asynchronous.collection import AsyncCollection
    from mongodriver.collection import Collection

    assert Collection.__module__ == "mongodriver.synchronous.collection"
    assert AsyncCollection.__module__ == "mongodriver.asynchronous.collection"
    for cls, name in ((Collection, "Collection"), (AsyncCollection, "AsyncCollection")):
        for method in ("find_one", "insert_one", "create_index", "find"):
            function = getattr(cls, method)
            assert function.__qualname__ == f"{name}.{method}"
            assert function.__module__ == cls.__module__
            assert function.__doc__


def test_wrong_calls_name_the_class_that_was_used():
    client = mongodriver.MongoClient(connect=False)
    with pytest.raises(TypeError, match=r"^Collection\.insert_one\(\) missing 1 required"):
        client.db.t.insert_one()
    with pytest.raises(TypeError, match=r"_AgnosticCursor\.__init__\(\) got an unexpected"):
        client.db.t.find(nonsense=1)
    client.close()


def test_methods_can_be_replaced():
    from mongodriver.collection import Collection

    client = mongodriver.MongoClient(connect=False)
    original = Collection.find_one
    try:
        Collection.find_one = lambda self, *args: ("replaced", args)
        assert client.db.t.find_one(1) == ("replaced", (1,))
    finally:
        Collection.find_one = original
    client.close()


def test_connection_strings_are_parsed_alike_in_both_flavours():
    import asyncio

    from mongodriver.asynchronous import uri_parser as asynchronous
    from mongodriver.synchronous import uri_parser as synchronous

    uri = "mongodb://a:1,b/db.c?replicaSet=rs&ssl=true"
    parsed = asyncio.run(asynchronous.parse_uri(uri, default_port=5))
    assert parsed == synchronous.parse_uri(uri, default_port=5)
    assert parsed["nodelist"] == [("a", 1), ("b", 5)]
    with pytest.raises(InvalidURI):
        asyncio.run(asynchronous.parse_uri("http://a"))


def test_what_is_not_none():
    assert strip_optional(0) == 0
    with pytest.raises(AssertionError):
        strip_optional(None)


def test_both_versions(capsys):
    from mongodriver import __main__, _version

    own, api = _version.__version__, _version.version
    assert mongodriver.version == api
    assert mongodriver.__version__ == f"{api}+mongodriver.{own}"
    assert __main__.main(["--version"]) == 0
    assert capsys.readouterr().out == f"mongodriver {own}, with the API of PyMongo {api}\n"


@pytest.mark.parametrize("command", [["--version"], ["doctor", "mongodb://a/?w=x&w"]], ids=str)
def test_another_project_of_the_same_name(tmp_path, monkeypatch, capsys, command):
    from mongodriver import __main__, _version

    __main__.main(command)
    assert "another project" not in capsys.readouterr().err
    other = tmp_path / "mongodriver-1.3.4.dist-info"
    other.mkdir()
    (other / "METADATA").write_text("Metadata-Version: 2.1\nName: mongodriver\nVersion: 1.3.4\n")
    monkeypatch.syspath_prepend(tmp_path)
    assert _version.namesake().startswith("the distribution mongodriver 1.3.4 is installed as well")
    __main__.main(command)
    assert "pip uninstall mongodriver" in capsys.readouterr().err


def test_what_completion_offers():
    code = "import mongodriver; print(*[n for n in dir(mongodriver) if not n.startswith('_')])"
    assert run(code).split() == sorted(n for n in mongodriver.__all__ if not n.startswith("_"))
    assert {"errors", "timeout"} <= {*dir(mongodriver)}
    assert not {"sys", "Any", "TYPE_CHECKING", "import_module"} & {*dir(mongodriver)}


def test_what_is_to_be_installed_is_this_distribution():
    """PyPI's `mongodriver` is another project, whose files would overwrite ours."""
    sources = sorted(Path(mongodriver.__file__).parent.rglob("*.py"))
    named = {
        (path.name, name)
        for path in sources
        for name in re.findall(r"pip install [^\n]*?\b(mongodriver\w*)", path.read_text("utf-8"))
    }
    assert len(named) >= 5
    assert {name for _, name in named} == {"mongodriverx"}, named


def _imported(folder: Path) -> str:
    """What a program that imports the package from there is told on standard error."""
    done = subprocess.run(
        [sys.executable, "-c", "import mongodriver; print(mongodriver.version)"],
        env={**os.environ, "PYTHONPATH": str(folder), "PYTHONWARNINGS": "default"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, f"{mongodriver.version}\n"), done.stderr
    return done.stderr


def test_an_import_tells_of_another_project_whose_files_are_among_ours(tmp_path):
    """`pip install mongodriver mongodriverx` leaves such a folder."""
    package = tmp_path / "mongodriver"
    package.mkdir()
    for name in ("__init__.py", "_version.py"):
        shutil.copy(Path(mongodriver.__file__).with_name(name), package)
    assert _imported(tmp_path) == ""
    (package / "mongodriver.py").touch()
    assert "RuntimeWarning: the distribution mongodriver is installed as well" in (
        _imported(tmp_path)
    )
    metadata = tmp_path / "mongodriver-1.3.4.dist-info" / "METADATA"
    metadata.parent.mkdir()
    metadata.write_text("Metadata-Version: 2.1\nName: mongodriver\nVersion: 1.3.4\n")
    assert "mongodriver 1.3.4 is installed as well: another project" in _imported(tmp_path)


def test_no_file_of_ours_is_taken_for_one_of_the_other_project():
    assert not Path(mongodriver.__file__).with_name("mongodriver.py").exists()


def test_a_misspelt_name_of_the_package():
    with pytest.raises(AttributeError, match=r"has no attribute 'MongoCliet'$") as info:
        mongodriver.MongoCliet  # noqa: B018
    assert (info.value.name, info.value.obj) == ("MongoCliet", mongodriver)
    done = subprocess.run(
        [sys.executable, "-c", "import mongodriver; mongodriver.MongoCliet"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert re.search(r"Did you mean:? '\.?MongoClient'", done.stderr)  # as each Python has it
