"""Collections into files, and back."""

from __future__ import annotations

import csv
import datetime
import gzip
import io
import json
import os
import re
import signal
import subprocess
import sys
import uuid
from itertools import pairwise

import pytest

from bsonx import decode_all, decode_file_iter, encode, ndjson
from bsonx.binary import Binary
from bsonx.code import Code
from bsonx.codec_options import CodecOptions, DatetimeConversion
from bsonx.datetime_ms import DatetimeMS
from bsonx.decimal128 import Decimal128
from bsonx.int64 import Int64
from bsonx.max_key import MaxKey
from bsonx.min_key import MinKey
from bsonx.objectid import ObjectId
from bsonx.regex import Regex
from bsonx.timestamp import Timestamp
from mongodriver import AsyncMongoClient, MongoClient
from mongodriver.__main__ import main
from mongodriver.export import ExportError, export
from mongodriver.export import cli as export_cli
from mongodriver.export import progress as telling
from mongodriver.export.output import open_output
from mongodriver.ingest.display import Untroubled
from mongodriver.local import LocalServer

pytestmark = pytest.mark.server

DAY = datetime.datetime(2000, 1, 1, 12, 30, 0, 250_000)
#: A document for each thing that files might make something else of.
VALUES = [
    *(None, True, False, 0, -1, 2**31 - 1, Int64(5), Int64(2**53 + 1), 1.0, -0.0, 1.5e300, 5e-324),
    *(float("inf"), float("-inf"), Decimal128("1.10"), Decimal128("NaN"), Decimal128("1E+3")),
    *(
        "",
        "é\n\"'\\ \u2028 \x00 \U0001f600",
        '{"$oid": "x"}',
        [],
        {},
        [[{}], [None]],
        {"a": {"b": 1}},
    ),
    *(ObjectId("0123456789abcdef01234567"), Binary(b"\x00\xff"), Binary(b"x", 128)),
    *(Binary(uuid.UUID(int=5).bytes, 4), Binary(uuid.UUID(int=5).bytes, 3), DAY),
    *(DatetimeMS(-1), DatetimeMS(2**62), DatetimeMS(-(2**62)), Timestamp(5, 6), Regex("a/b", "im")),
    *(Code("x"), Code("x", {"a": 1}), MinKey(), MaxKey()),
]
EXACT = CodecOptions(datetime_conversion=DatetimeConversion.DATETIME_MS)


@pytest.fixture(scope="module")
def client(server):
    with MongoClient(server.uri) as made:
        yield made


@pytest.fixture
def db(client):
    """A database of the test's own."""
    name = f"export_{uuid.uuid4().hex[:12]}"
    yield client[name]
    client.drop_database(name)


@pytest.fixture
def things(db):
    """A collection with all that can be in one."""
    documents = [{"_id": n, "v": value, "n": n % 7} for n, value in enumerate(VALUES)]
    documents += [{"_id": 1000 + n, "v": f"line {n}", "n": n % 7} for n in range(1200)]
    db.things.insert_many(documents)
    return db.things


@pytest.fixture
def run(server, db, tmp_path, monkeypatch, capsys):
    """Runs commands of `mongodriver` in a folder of the test's own."""
    monkeypatch.chdir(tmp_path)

    def command(name, *arguments, status=0, db=db.name):
        capsys.readouterr()
        found = main([name, *arguments, "--uri", server.uri, "--db", db])
        said = capsys.readouterr()
        assert found == status, said.err
        assert "Traceback" not in said.err
        return said

    return command


def hash_of(collection):
    """The server's own digest of a collection."""
    database, name = collection.database, collection.name
    return database.command("dbHash", collections=[name])["collections"][name]


# -- round trips --


@pytest.mark.parametrize("name", ["a.ndjson", "a.jsonl.gz", "a.json", "a.json.gz"])
@pytest.mark.parametrize("partitions", [1, 4])
def test_what_is_read_back_is_the_same(things, run, name, partitions):
    parts = ("--partitions", str(partitions), "--batch-size", "50")
    things.delete_many({"v": {"$in": [DatetimeMS(2**62), DatetimeMS(-(2**62))]}})
    said = run("export", name, "--collection", "things", "--canonical", *parts)
    assert f"{len(VALUES) + 1198:,} documents" in said.out
    run("ingest", name, "--collection", "back", "--quiet")
    assert hash_of(things.database.back) == hash_of(things)


def test_lines_are_documents_exactly(things, run, tmp_path):
    run("export", "things.ndjson", "--canonical")
    raw = b"".join(things.find_raw_batches(sort=["_id"]))
    assert ndjson.read_lines((tmp_path / "things.ndjson").read_bytes()).data == raw


def test_bson(things, run, tmp_path):
    run("export", "things.bson")
    run("export", "things.bson.gz")
    data = (tmp_path / "things.bson").read_bytes()
    assert gzip.decompress((tmp_path / "things.bson.gz").read_bytes()) == data
    exact = things.with_options(EXACT)
    assert decode_all(data, EXACT) == list(exact.find(sort=["_id"]))
    with open("things.bson", "rb") as file:
        things.database.back.insert_many(decode_file_iter(file, EXACT))
    assert hash_of(things.database.back) == hash_of(things)


def test_plain_json_is_read_back_the_same_where_it_says_all(db, run):
    document = {"s": "x", "n": 5, "f": 0.5, "w": 1.0, "at": DAY, "id": ObjectId(), "a": [1, {}]}
    db.plain.insert_many([{"_id": n, **document} for n in range(300)])
    run("export", "plain.ndjson")
    run("ingest", "plain.ndjson", "--collection", "back", "--quiet")
    assert hash_of(db.back) == hash_of(db.plain)


def test_csv(db, run, tmp_path):
    at = datetime.datetime(2013, 1, 1, 5, 15)
    document = {"s": 'a, "b"\nc', "n": 5, "f": 0.25, "b": True, "at": at, "in": {"a": [7]}}
    db.rows.insert_many([{"_id": n, **document} for n in range(300)])
    run("export", "rows.csv", "--fields", "_id,s,n,f,b,at,in.a.0,nothing")
    with open("rows.csv", newline="", encoding="utf-8") as file:
        rows = list(csv.reader(file))
    assert rows[0] == ["_id", "s", "n", "f", "b", "at", "in.a.0", "nothing"]
    cells = ['a, "b"\nc', "5", "0.25", "true", "2013-01-01T05:15:00Z", "7", ""]
    assert rows[1:] == [[str(n), *cells] for n in range(300)]
    run("export", "flat.csv", "--collection", "rows", "--fields", "_id,s,n,f,b,at")
    run("ingest", "flat.csv", "--collection", "back", "--quiet")
    del document["in"]
    assert list(db.back.find(sort=["_id"])) == [{"_id": n, **document} for n in range(300)]


def test_cells_of_all_types(things, run):
    run("export", "things.tsv", "--fields", "v,_id", "--query", '{"_id": {"$lt": 1000}}')
    with open("things.tsv", newline="", encoding="utf-8") as file:
        cells = {int(id): text for text, id in list(csv.reader(file, delimiter="\t"))[1:]}
    plain = ["", "true", "false", "0", "-1", "2147483647", "5", "9007199254740993", "1.0", "-0.0"]
    plain += ["1.5e+300", "5e-324", "Infinity", "-Infinity", "1.10", "NaN", "1E+3"]
    assert [cells[n] for n in range(len(plain))] == plain
    of = {type(value).__name__: cells[n] for n, value in enumerate(VALUES)}
    assert of["ObjectId"] == "0123456789abcdef01234567"
    assert of["datetime"] == "2000-01-01T12:30:00.250Z"
    assert of["Decimal128"] == "1E+3"
    assert json.loads(of["Regex"]) == {"$regularExpression": {"pattern": "a/b", "options": "im"}}
    assert cells[VALUES.index(Binary(uuid.UUID(int=5).bytes, 4))] == str(uuid.UUID(int=5))
    assert cells[VALUES.index(DatetimeMS(2**62))] == json.dumps({"$date": 2**62}).replace(
        str(2**62), json.dumps({"$numberLong": str(2**62)})
    )


def test_parquet(db, run, tmp_path):
    pytest.importorskip("pyarrow.parquet", reason="pyarrow is not installed")
    pytest.importorskip("mongodriver.arrow", reason="there are no columns of Arrow here")
    from pyarrow import parquet

    db.columns.insert_many([{"_id": n, "s": f"s{n}", "f": n / 2} for n in range(500)])
    run("export", "columns.parquet", "--partitions", "2")
    rows = parquet.read_table("columns.parquet").sort_by("_id").to_pylist()
    assert rows == [{"_id": n, "s": f"s{n}", "f": n / 2} for n in range(500)]
    db.columns.insert_one({"_id": 1000, "s": 5})
    said = run(
        "export", "mixed.parquet", "--collection", "columns", "--batch-size", "100", status=2
    )
    assert re.fullmatch(r"mongodriver export: Parquet has one type .*s.*\n", said.err)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["columns.parquet"]


# -- what is asked for --


def test_queries_sorts_limits_and_projections(things, run, tmp_path):
    more = ("--collection", "things", "--quiet")
    run(
        "export",
        "a.ndjson",
        *more,
        "--query",
        '{"_id": {"$gte": 2190}}',
        "--projection",
        '{"n": 1}',
    )
    lines = [json.loads(line) for line in (tmp_path / "a.ndjson").read_text().splitlines()]
    assert lines == [{"_id": n, "n": (n - 1000) % 7} for n in range(2190, 2200)]
    order = ("--sort", '{"n": -1, "_id": 1}', "--limit", "3")
    run("export", "b.json", *more, *order, "--projection", '{"v": 0}')
    assert json.loads((tmp_path / "b.json").read_text()) == [
        {"_id": 6, "n": 6},
        {"_id": 13, "n": 6},
        {"_id": 20, "n": 6},
    ]
    run("export", "c.json", *more, "--query", '{"_id": -5}')
    assert json.loads((tmp_path / "c.json").read_text()) == []
    run("export", "d.ndjson", *more, "--limit", "1")
    assert len((tmp_path / "d.ndjson").read_text().splitlines()) == 1


def test_standard_output(things, server):
    command = [sys.executable, "-m", "mongodriver", "export", "-", "--uri", server.uri]
    command += ["--db", things.database.name, "--collection", "things", "--format", "ndjson"]
    done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8")
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) >= len(VALUES) + 1200
    assert done.stderr.startswith("-: 1,2")
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        process.stdout.close()
        assert (process.stderr.read(), process.wait()) == (b"", 141)


# -- progress --


def test_progress(things, tmp_path, monkeypatch):
    """Of a whole collection how much there is to read is known from the beginning."""
    monkeypatch.setattr(telling, "_INTERVAL", 0)
    told = []
    report = export(things, str(tmp_path / "a.ndjson"), batch_size=200, progress=told.append)
    assert len(told) > 5
    assert all(earlier.documents <= later.documents for earlier, later in pairwise(told))
    whole = sum(len(encode(document)) for document in things.with_options(EXACT).find())
    assert {snapshot.size for snapshot in told} == {whole}
    last = told[-1]
    assert (last.documents, last.bytes, last.consumed) == (report.documents, whole, whole)
    assert last.eta == 0


def test_progress_of_a_part(things, tmp_path):
    told = []
    report = export(things, str(tmp_path / "a.bson"), {"n": 1}, progress=told.append)
    assert told[-1].documents == report.documents > 0
    assert told[-1].size == report.bytes
    assert telling.size_of(things) > 0
    things.database.command("create", "view", viewOn="things", pipeline=[])
    assert telling.size_of(things.database.view) is None
    told.clear()
    export(things.database.view, str(tmp_path / "view.bson"), progress=told.append)
    assert told[-1].documents == things.count_documents({})


class Shown:
    """What is shown in place of a bar."""

    def __init__(self, error=None):
        self.documents, self.closed, self._error = 0, False, error

    def __call__(self, snapshot):
        if self._error is not None:
            raise self._error
        self.documents = snapshot.documents

    def close(self):
        self.closed = True


def test_progress_on_the_command_line(things, run, monkeypatch):
    shown = Shown()
    monkeypatch.setattr(export_cli, "make_display", lambda: shown)
    run("export", "things.ndjson")
    assert (shown.documents, shown.closed) == (things.count_documents({}), True)
    shown = Shown()
    run("export", "quiet.ndjson", "--quiet", "--collection", "things")
    assert (shown.documents, shown.closed) == (0, False)


def test_who_looks_at_it_may_go(things, run, monkeypatch):
    """A pipe of standard error that is closed ends no export."""
    shown = Shown(BrokenPipeError())
    monkeypatch.setattr(export_cli, "make_display", lambda: shown)
    assert "documents" in run("export", "things.ndjson").out


def test_no_bar_among_documents_on_a_terminal(monkeypatch):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    monkeypatch.setattr(sys, "stdout", Terminal())
    monkeypatch.setattr(export_cli, "make_display", Shown)
    parse = export_cli.make_parser().parse_args
    assert not isinstance(export_cli._display(parse(["-"])), Untroubled)
    assert isinstance(export_cli._display(parse(["a.json"])), Untroubled)


# -- files --


def test_a_file_that_is_there_is_kept(things, run, tmp_path):
    place = tmp_path / "things.ndjson"
    place.write_text("mine")
    said = run("export", "things.ndjson", status=2)
    assert said.err == (
        "mongodriver export: things.ndjson is there already (--overwrite replaces it)\n"
    )
    assert place.read_text() == "mine"
    run("export", "things.ndjson", "--overwrite")
    assert len(place.read_bytes().split(b"\n")) == len(VALUES) + 1201
    (tmp_path / "things.json").mkdir()
    assert "is a folder" in run("export", "things.json", status=2).err


def test_what_is_no_file_is_kept(tmp_path):
    """A device would be a file from then on."""
    pipe = tmp_path / "a.ndjson"
    os.mkfifo(pipe)
    for overwrite in (False, True):
        refused = pytest.raises(ExportError, match="is no file, and cannot be replaced")
        with refused, open_output(str(pipe), overwrite=overwrite):
            pass
    assert pipe.is_fifo()


def test_a_folder_that_is_not_there(tmp_path):
    name = str(tmp_path / "none" / "a.ndjson")
    with pytest.raises(FileNotFoundError) as caught, open_output(name):
        pass
    assert caught.value.filename == name


def test_a_file_that_comes_meanwhile_is_kept(tmp_path):
    place = tmp_path / "a.ndjson"
    with pytest.raises(ExportError, match="is there already"), open_output(str(place)) as out:
        out.write(b"ours")
        place.write_text("theirs")
    assert place.read_text() == "theirs"
    assert list(tmp_path.iterdir()) == [place]


def test_files_have_the_rights_of_others(tmp_path):
    before = os.umask(0o027)
    try:
        with open_output(str(tmp_path / "a")) as out:
            out.write(b"x")
    finally:
        os.umask(before)
    assert (tmp_path / "a").stat().st_mode & 0o777 == 0o640


def test_nothing_is_left_of_what_failed(things, run, tmp_path):
    said = run("export", "things.ndjson", "--query", '{"$bad": 1}', status=2)
    assert re.fullmatch("mongodriver export: unknown top level operator.*\n", said.err)
    assert list(tmp_path.iterdir()) == []


def test_the_same_documents_give_the_same_file(things, run, tmp_path):
    for name in ("a.ndjson.gz", "b.ndjson.gz"):
        run("export", name, "--collection", "things")
    assert (tmp_path / "a.ndjson.gz").read_bytes() == (tmp_path / "b.ndjson.gz").read_bytes()


# -- what goes wrong --


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["things.txt"], "tells no format"),
        (["-", "--format", "json"], "--collection"),
        (["things.csv"], "--fields"),
        (["things.json", "--fields", "a"], "only CSV"),
        (["things.json", "--delimiter", ";"], "only CSV"),
        (["things.json", "--limit", "0"], "--limit"),
        (["things.json", "--limit", "5", "--partitions", "2"], "one partition"),
        (["things.json", "--sort", "{}", "--query", "[1]"], "--query"),
        (["things.json", "--query", ""], "--query"),
        (["things.json", "--projection", '{"_id": "$n"}'], "_id"),
        ([], "FILE"),
        (["things.json", "--no-such"], "--no-such"),
    ],
)
def test_command_lines_that_are_wrong(things, run, tmp_path, arguments, said):
    err = run("export", *arguments, status=2).err
    assert said in err
    assert err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_a_server_that_is_not_there(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    arguments = ["a.json", "--uri", "mongodb://127.0.0.1:1/", "--db", "x", "--retry-seconds", "0"]
    assert main(["export", *arguments]) == 2
    said = capsys.readouterr().err
    assert said.startswith("mongodriver export: 127.0.0.1:1: ")
    assert said.count("\n") == 1


def test_async_collections_are_refused(server, tmp_path):
    with pytest.raises(TypeError, match="AsyncMongoClient, which export does not take"):
        export(AsyncMongoClient(server.uri).a.b, str(tmp_path / "a.json"))


def test_an_interrupted_export(things, server, tmp_path):
    """The signal comes while the server has the query: nothing is left."""
    slow = '{"$where": "sleep(60000); return true;"}'
    command = [sys.executable, "-m", "mongodriver", "export", str(tmp_path / "a.json")]
    command += ["--uri", server.uri, "--db", things.database.name, "--collection", "things"]
    busy = {"$match": {"ns": things.full_name, "command.find": "things"}}
    for number, status in ((signal.SIGINT, 130), (signal.SIGTERM, 143)):
        with subprocess.Popen([*command, "--query", slow], stderr=subprocess.PIPE) as process:
            admin = things.database.client.admin
            while not list(admin.aggregate([{"$currentOp": {}}, busy])):
                assert process.poll() is None
            process.send_signal(number)
            assert process.stderr.read() == b"mongodriver export: interrupted\n"
            assert process.wait() == status
        assert list(tmp_path.iterdir()) == []
        for found in admin.aggregate([{"$currentOp": {}}, busy]):
            admin.command("killOp", op=found["opid"])


def test_a_server_that_is_killed_meanwhile(tmp_path):
    with LocalServer(replica_set=True) as server, MongoClient(server.uri) as client:
        things = client.test.things
        things.insert_many({"_id": n, "fill": "x" * 1000} for n in range(3000))
        killed = []

        class Output:
            """Kills the server once, when something has been written."""

            def __init__(self, file):
                self.file = file

            def write(self, data):
                if not killed:
                    killed.append(True)
                    server.kill(0)
                    server.restart(0)
                return self.file.write(data)

        from mongodriver.export.formats import write
        from mongodriver.partitions import scan

        with open(tmp_path / "a.bson", "wb") as file:
            write("bson", Output(file), scan(things, partitions=2, batch_size=100).raw_batches())
        assert killed
        ids = [document["_id"] for document in decode_all((tmp_path / "a.bson").read_bytes())]
        assert sorted(ids) == list(range(3000))
