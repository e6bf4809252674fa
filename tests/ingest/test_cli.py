"""The command line against a real server."""

import csv
import gzip
import io
import json
import os
import signal
import subprocess
import sys
from datetime import datetime

import pytest

import mongodriver
from mongodriver.__main__ import main
from mongodriver.local import LocalServer

pytestmark = pytest.mark.server
MODULE = [sys.executable, "-m", "mongodriver"]


@pytest.fixture(scope="module")
def uri():
    with LocalServer(replica_set=True) as server:
        yield server.uri


@pytest.fixture(autouse=True)
def field_limit():
    """The limit is the csv module's, for the whole process."""
    limit = csv.field_size_limit()
    yield
    csv.field_size_limit(limit)


@pytest.fixture
def database(uri):
    with mongodriver.MongoClient(uri) as client:
        yield client["cli"]
        client.drop_database("cli")


@pytest.fixture
def run(uri, capsys):
    """Run `mongodriver ingest` in this process; return (exit status, output, errors)."""

    def run(*arguments, db="cli"):
        status = main(["ingest", "--uri", uri, "--db", db, "--quiet", *map(str, arguments)])
        captured = capsys.readouterr()
        return status, captured.out, captured.err

    return run


def test_ndjson_with_extended_json(tmp_path, run, database):
    path = tmp_path / "things.ndjson"
    path.write_text('{"_id": 1, "t": {"$date": "2013-01-01T00:00:00Z"}}\n{"_id": 2}\n')
    status, output, errors = run(path)
    assert (status, errors) == (0, "")
    assert output.startswith("2 documents from 1 file (0.0 MB) in ")
    assert list(database.things.find()) == [{"_id": 1, "t": datetime(2013, 1, 1)}, {"_id": 2}]


def test_json_array_packed(tmp_path, run, database):
    path = tmp_path / "data.json.gz"
    path.write_bytes(gzip.compress(json.dumps([{"n": n} for n in range(5000)]).encode()))
    assert run(path, "--collection", "numbers", "--batch-size", 100, "--workers", 3)[0] == 0
    assert database.numbers.count_documents({}) == 5000
    assert len(database.numbers.distinct("n")) == 5000


def test_a_key_without_a_unique_index(tmp_path, run, database):
    path = tmp_path / "prices.ndjson"
    path.write_text('{"sku": 1, "at": 5}\n')
    upsert = (path, "--mode", "upsert", "--key")
    partial = {"partialFilterExpression": {"at": 1}}
    assert "cli.prices has no unique index on sku: each" in run(*upsert, "sku")[2]
    database.prices.create_index("sku", name="plain")
    database.prices.create_index("sku", name="partial", unique=True, **partial)
    assert "no unique index on sku, at" in run(*upsert, "sku,at")[2]
    assert run(path, "--mode", "replace", "--key", "sku")[2] == ""
    database.prices.drop_indexes()
    database.prices.create_index("sku", unique=True)
    for key in ("sku", "sku,at"):
        assert run(*upsert, key)[::2] == (0, "")
    path.write_text('{"_id": 1}\n')
    for name in ("prices", "new"):
        assert run(path, "--mode", "merge", "--collection", name)[::2] == (0, "")


def test_csv_options(tmp_path, run, database):
    path = tmp_path / "flights.csv"
    path.write_text("1;x;31.12.2013;-\n2;NA;01.01.2014;5\n")
    status, _, _ = run(
        path,
        *("--columns", "n,s,day,delay", "--delimiter", ";", "--null", "-", "--omit-nulls"),
        *("--types", "day:date(%d.%m.%Y),n:float", "--id-field", "n"),
    )
    assert status == 0
    assert list(database.flights.find()) == [
        {"_id": 1.0, "s": "x", "day": datetime(2013, 12, 31)},
        {"_id": 2.0, "s": "NA", "day": datetime(2014, 1, 1), "delay": 5},
    ]


def test_text_only(tmp_path, run, database):
    (tmp_path / "a.tsv").write_text("a\tb\n1\t2013-01-01\n")
    assert run(tmp_path / "a.tsv", "--no-infer")[0] == 0
    assert database.a.find_one({}, {"_id": 0}) == {"a": "1", "b": "2013-01-01"}


def test_drop(tmp_path, run, database):
    path = tmp_path / "a.ndjson"
    path.write_text("{}\n")
    for count in (1, 2):
        assert run(path)[0] == 0
        assert database.a.count_documents({}) == count
    assert run(path, "--drop")[0] == 0
    assert database.a.count_documents({}) == 1


BAD_SOURCES = [
    (["missing.csv"], "No such file"),
    (["--format", "csv", "."], "is a folder: name the files"),
    (["twice.csv"], "two columns are named 'a'"),
    (["ok.csv", "missing.csv"], "No such file"),
    (["ok.csv", "--types", "zipp:str"], "there is no column 'zipp'"),
    (["ok.csv", "--id-field", "zipp"], "has no 'zipp'"),
    (["ok.csv", "--format", "ndjson"], "not JSON"),
    (["ok.csv", "--reject", "ok.csv"], "which is to be read"),
    (["ok.csv", "--reject", "twice.csv"], "exists and is not empty"),
    (["ok.csv", "--reject", "no/such/folder"], "No such file"),
]


@pytest.mark.parametrize(("arguments", "problem"), BAD_SOURCES)
def test_drop_comes_after_the_checks(tmp_path, run, database, monkeypatch, arguments, problem):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "ok.csv").write_text("zip,n\n1,2\n")
    (tmp_path / "twice.csv").write_text("a,a\n1,2\n")
    database.a.insert_one({"precious": 1})
    status, output, errors = run("--drop", *arguments, "--collection", "a")
    assert (status, output) == (2, "")
    assert problem in errors
    assert database.a.count_documents({"precious": 1}) == database.a.count_documents({}) == 1


@pytest.mark.parametrize(
    ("files", "expected"),
    [(["missing.csv"], 2), (["a.csv", "none.csv"], 2), (["missing.csv", "ok.csv"], 1)],
)
def test_files_of_which_none_can_be_read(tmp_path, run, database, monkeypatch, files, expected):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "ok.csv").write_text("zip,n\n1,2\n")
    status, output, _ = run(*files, "--collection", "a")
    assert status == expected
    assert f"{files[0]}: No such file or directory\n" in output


def test_a_shell_glob_behind_reject(tmp_path, run, database):
    """--reject *.csv takes the first of the files that it expands to."""
    names = [tmp_path / "feb.csv", tmp_path / "jan.csv"]
    for name in names:
        name.write_text("a,b\n1,2\n")
    status, output, errors = run("--reject", *names)
    assert (status, output) == (2, "")
    assert "feb.csv, which exists and is not empty" in errors
    assert [name.read_text() for name in names] == ["a,b\n1,2\n"] * 2
    assert database.list_collection_names() == []


def test_a_uri_that_asks_for_no_answer(tmp_path, uri, database, capsys):
    """Two documents would be stored and three counted."""
    (tmp_path / "a.csv").write_text("_id,name\n1,a\n2,b\n1,c\n")
    database.a.insert_one({"precious": 1})
    arguments = ["ingest", "--uri", uri + "&w=0", "--db", "cli", "--drop", str(tmp_path / "a.csv")]
    assert main(arguments) == 2
    assert "cli.a: the write concern w=0 asks for no answer" in capsys.readouterr().err
    assert [document["precious"] for document in database.a.find()] == [1]


def test_rejected_records(tmp_path, run, database):
    """Bad text, refused documents and a missing file: each is named, the rest is stored."""
    database.create_collection("a", validator={"n": {"$lt": 10}})
    path = tmp_path / "a.ndjson"
    path.write_text('{"_id": 1, "n": 1}\nx\n{"_id": 1, "n": 2}\n{"n": 10}\n{"n": 3}\n')
    rejects = tmp_path / "rejects"
    status, output, errors = run(path, tmp_path / "b.ndjson", "--reject", rejects, "--json")
    report = json.loads(output)
    assert status == 1
    assert errors == ""
    assert (report["records"], report["documents"], report["rejected"]) == (5, 2, 3)
    assert {code: entry["count"] for code, entry in report["errors"].items()} == {
        "parse": 1,
        "11000": 1,
        "121": 1,
        "file": 1,
    }
    entries = sorted(map(json.loads, rejects.read_text().splitlines()), key=lambda e: e["line"])
    assert [(entry["line"], entry["code"]) for entry in entries] == [
        (2, "parse"),
        (3, 11000),
        (4, 121),
    ]
    assert [document["n"] for document in database.a.find().sort("n")] == [1, 3]


def test_documents_that_are_too_large(tmp_path, run, database):
    path = tmp_path / "a.ndjson"
    path.write_text('{"n": 1}\n{"n": "' + "x" * (17 << 20) + '"}\n{"n": 2}\n')
    status, output, _ = run(path)
    assert status == 1
    assert "error encode: 1 time" in output
    assert f"{path}:2: " in output
    assert sorted(document["n"] for document in database.a.find()) == [1, 2]


def test_standard_input(run, database, monkeypatch):
    stream = io.TextIOWrapper(io.BufferedReader(io.BytesIO(b'{"n": 1}\n')))
    monkeypatch.setattr(sys, "stdin", stream)
    assert run("-", "--collection", "piped")[0] == 0
    assert database.piped.count_documents({"n": 1}) == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["a.xml"], "cannot tell the format"),
        (["-"], "--collection"),
        (["a.csv", "--types", "a:thing"], "unknown type"),
        (["a.csv", "--batch-size", "0"], "--batch-size: must be a whole number from 1 to 100000"),
        (["a.csv", "--collection", "a$b"], "a$b"),
        (["a.csv", "--local"], "--uri cannot be given"),
        (["a.csv", "--stay"], "--stay needs --local"),
        (["a.csv", "--reject", "/missing/folder/file"], "/missing/folder/file"),
    ],
)
def test_mistakes_in_the_command(run, arguments, message):
    status, output, errors = run(*arguments)
    assert (status, output) == (2, "")
    assert errors.startswith("mongodriver ingest: ")
    assert message in errors


def test_no_database(uri, capsys):
    assert main(["ingest", "a.csv", "--uri", uri]) == 2
    assert "give --db" in capsys.readouterr().err


def test_database_in_the_uri(tmp_path, uri, database, capsys, monkeypatch):
    (tmp_path / "a.ndjson").write_text("{}\n")
    monkeypatch.setenv("MONGODB_URI", uri.replace("/?", "/cli?"))
    assert main(["ingest", str(tmp_path / "a.ndjson")]) == 0
    assert database.a.count_documents({}) == 1


def test_no_server(tmp_path, capsys):
    uri = "mongodb://127.0.0.1:1/?serverSelectionTimeoutMS=2000"
    assert main(["ingest", "a.csv", "--uri", uri, "--db", "x"]) == 2
    assert "mongodriver ingest: 127.0.0.1:1" in capsys.readouterr().err


def test_a_refusal_by_the_server(tmp_path, run, database):
    """Without rights nothing can succeed: the job ends and says what is missing."""
    fail_point = {"configureFailPoint": "failCommand", "mode": "alwaysOn"}
    data = {"failCommands": ["insert"], "errorCode": 13}
    database.client.admin.command({**fail_point, "data": data})
    path = tmp_path / "a.ndjson"
    path.write_text("{}\n" * 10)
    try:
        status, output, errors = run(path)
    finally:
        database.client.admin.command({**fail_point, "mode": "off"})
    assert status == 2
    assert errors.startswith("mongodriver ingest: ")
    assert output.startswith("0 documents from 1 file")
    assert "error unsent: 10 times" in output


def test_writes_that_are_refused_one_by_one(tmp_path, run, database):
    database.create_collection("a", viewOn="b", pipeline=[])
    path = tmp_path / "a.ndjson"
    path.write_text("{}\n" * 10)
    status, output, _ = run(path)
    assert status == 1
    assert "error 166: 10 times" in output


def test_large_fields(tmp_path, run, database):
    path = tmp_path / "a.csv"
    path.write_text("a,b\n1," + "x" * 300_000 + "\n")
    assert run(path)[0] == 0
    status, output, _ = run(path, "--max-field", 200_000)
    assert status == 1
    assert f"{path}:2: not CSV: a field is longer than 200000 bytes" in output


def test_an_embedded_server(tmp_path):
    """As a program of its own: --local, a kept folder, tty-free progress."""
    path = tmp_path / "a.ndjson"
    path.write_text("{}\n" * 10)
    command = [*MODULE, "ingest", str(path), "--local", "--db", "x", "--local-path", tmp_path / "d"]
    for _ in range(2):
        result = subprocess.run(command, capture_output=True, text=True, timeout=100, check=False)
        assert (result.returncode, result.stderr) == (0, "")
        assert result.stdout.startswith("10 documents from 1 file")
    with (
        LocalServer(True, path=tmp_path / "d") as server,
        mongodriver.MongoClient(server.uri) as client,
    ):
        assert client.x.a.count_documents({}) == 20


def test_stay(tmp_path):
    (tmp_path / "a.ndjson").write_text("{}\n")
    command = [*MODULE, "ingest", str(tmp_path / "a.ndjson"), "--local", "--db", "x", "--stay"]
    running = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert running.stdout.readline().startswith("1 document")
    with mongodriver.MongoClient(running.stdout.readline().strip()) as client:
        assert client.x.a.count_documents({}) == 1
    assert running.stdout.readline() == "Ctrl-C ends the server.\n"
    running.send_signal(signal.SIGINT)
    output, errors = running.communicate(timeout=60)
    assert (running.returncode, output, errors) == (0, "", "")


def test_ctrl_c(uri, database):
    """While it waits for more input: what was read is stored, and the report is printed."""
    command = [*MODULE, "ingest", "-", "--uri", uri, "--db", "cli", "--collection", "a"]
    with Changes(database) as changes:
        running = subprocess.Popen(
            [*command, "--batch-size", "1", "--quiet"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        os.write(running.stdin.fileno(), b'{"n": 1}\n')
        changes.wait()
        running.send_signal(signal.SIGINT)
    output, errors = running.communicate(timeout=60)
    assert (running.returncode, errors) == (130, b"mongodriver ingest: interrupted\n")
    assert output.startswith(b"1 document from 1 file")
    assert database.a.count_documents({"n": 1}) == 1


class Changes:
    """A change stream on a database, by plain commands."""

    def __init__(self, database):
        self._database = database
        self._session = database.client.start_session()
        stream = [{"$changeStream": {}}]
        reply = self._command("aggregate", 1, pipeline=stream, cursor={})
        self._cursor = reply["cursor"]["id"]

    def wait(self):
        """Return when something has changed."""
        batch = []
        while not batch:
            more = {"collection": "$cmd.aggregate", "maxTimeMS": 10_000}
            batch = self._command("getMore", self._cursor, **more)["cursor"]["nextBatch"]

    def _command(self, *arguments, **fields):
        return self._database.command(*arguments, session=self._session, **fields)

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self._session.end_session()
