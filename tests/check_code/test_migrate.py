"""docs/migrate.md is true: its programs run, and what it says of differences and of check-code."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import uuid
from pathlib import Path

import pytest

import bsonx
import mongodriver
from mongodriver.check_code.cli import main
from mongodriver.errors import ConfigurationError, InvalidOperation, PyMongoError

DOCUMENT = Path(__file__).parents[2] / "docs" / "migrate.md"
TEXT = DOCUMENT.read_text(encoding="utf-8") if DOCUMENT.exists() else ""
PROGRAMS = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)
OUTPUTS = re.findall(r"```text\n(.*?)```", TEXT, re.DOTALL)

pytestmark = pytest.mark.skipif(not TEXT, reason="the documents are not beside the tests")


def client(*args, **kwargs):
    return mongodriver.MongoClient(*args, connect=False, **kwargs)


def test_the_example_of_check_code(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "orders.py").write_text(PROGRAMS[0])
    assert main(["shop"]) == 1
    assert capsys.readouterr().out == OUTPUTS[0]


@pytest.mark.parametrize("program", PROGRAMS[1:], ids=range(1, len(PROGRAMS)))
def test_the_programs_run(program):
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_program_that_is_not_touched(tmp_path):
    path = tmp_path / "program.py"
    path.write_text(
        "import subprocess, sys, pymongo\n"
        "print(pymongo.MongoClient.__module__, pymongo.__version__, sys.argv[1:], flush=True)\n"
        "command = 'import bson; print(bson.ObjectId.__module__)'\n"
        "subprocess.run([sys.executable, '-c', command], check=True)\n"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    command = [sys.executable, "-m", "mongodriver", "run", str(path), "a"]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert lines == [f"mongodriver.synchronous.mongo_client {mongodriver.version} ['a']", lines[-1]]
    assert lines[-1] == "bsonx.objectid"


def test_every_code_is_explained():
    source = Path(mongodriver.__file__).parent / "check_code" / "rules.py"
    codes = set(re.findall(r'Severity\.\w+, "(\w+)"', source.read_text(encoding="utf-8")))
    assert codes == set(re.findall(r"^\| `(\w+)` \|", TEXT, re.MULTILINE)[:6])


@pytest.mark.parametrize(
    ("uri", "options"),
    [
        ("mongodb://a", {"waitQueueMultiple": 5}),
        ("mongodb://a", {"authOIDCAllowedHosts": ["a"]}),
        ("mongodb://a", {"srvServiceName": "a"}),
        ("mongodb://a", {"srvAllowedHostsSuffix": "a.b"}),
        ("mongodb+srv://a.b.c", {"directConnection": True}),
    ],
)
def test_options_that_are_refused(uri, options):
    with pytest.raises(ConfigurationError):
        client(uri, **options)
    pymongo = pytest.importorskip("pymongo")
    pymongo.MongoClient(uri, connect=False, **options)


def test_options_of_ours():
    options = {"proxyHost": "b", "proxyPort": 1080, "proxyUsername": "u", "proxyPassword": "p"}
    client("mongodb://a", serverSelectionFailFast=False, tracing={}, **options)
    pymongo = pytest.importorskip("pymongo")
    for name, value in [*options.items(), ("serverSelectionFailFast", False), ("tracing", {})]:
        with pytest.raises(pymongo.errors.ConfigurationError):
            pymongo.MongoClient("mongodb://a", connect=False, **{name: value})


def test_passwords_and_versions():
    shown = repr(client(tlsCertificateKeyFilePassword="secret"))
    assert "<redacted>" in shown
    assert "secret" not in shown
    assert mongodriver.version == "4.20.0"
    assert mongodriver.__version__.startswith("4.20.0+mongodriver.")


def test_both_drivers_in_one_program():
    pymongo = pytest.importorskip("pymongo")
    import bson

    theirs = bson.ObjectId()
    stored = bsonx.decode(bsonx.encode({"a": theirs}))["a"]
    assert str(stored) == str(theirs)
    assert stored != theirs
    assert not issubclass(PyMongoError, pymongo.errors.PyMongoError)
    with pytest.raises(TypeError):
        client().a.with_options(write_concern=pymongo.WriteConcern(1))


def test_pickles_name_our_modules():
    import pickle

    assert b"bsonx.objectid" in pickle.dumps(bsonx.ObjectId())
    assert b"mongodriver.errors" in pickle.dumps(PyMongoError("a"))


def test_what_means_something_else_since_pymongo_4():
    with pytest.raises(ValueError, match=r"UuidRepresentation\.UNSPECIFIED"):
        bsonx.encode({"a": uuid.UUID(int=1)})
    with pytest.raises(NotImplementedError):
        bool(client().a.b)
    with pytest.raises(NotImplementedError):
        bool(client().a)
    closed = client()
    closed.close()
    with pytest.raises(InvalidOperation, match="Cannot use MongoClient after close"):
        closed.admin.command("ping")
    assert client().options.direct_connection is None


@pytest.mark.server
def test_an_empty_projection(mongo_uri):
    with mongodriver.MongoClient(mongo_uri) as connected:
        orders = connected[f"d{uuid.uuid4().hex}"].orders
        orders.insert_one({"_id": 1, "item": "tea"})
        assert list(orders.find({}, [])) == [{"_id": 1, "item": "tea"}]
        connected.drop_database(orders.database)
