"""The command line itself: values of options, signals, servers that do not answer."""

import argparse
import os
import signal
import socket
import subprocess
import sys
from contextlib import ExitStack, closing

import pytest

import mongodriver
from mongodriver.__main__ import main
from mongodriver.errors import ServerSelectionTimeoutError
from mongodriver.ingest.cli import connect as connecting
from mongodriver.ingest.cli import values
from mongodriver.ingest.cli.connect import open_database
from mongodriver.ingest.cli.options import make_parser, parse
from mongodriver.ingest.cli.output import plain
from mongodriver.ingest.errors import IngestError
from mongodriver.local import LocalServer

MODULE = [sys.executable, "-m", "mongodriver", "ingest"]
NOBODY = "mongodb://127.0.0.1:1/"


@pytest.fixture
def fails(capsys):
    """Run a command line that is wrong; return its line of complaint."""

    def fails(*arguments):
        assert main(["ingest", *arguments]) == 2
        output, errors = capsys.readouterr()
        assert output == ""
        assert errors.startswith("mongodriver ingest: ")
        assert errors.count("\n") == 1
        return errors

    return fails


# F10: a value that is wrong is a line and status 2, and found before anything is done.
WRONG = [
    ("--max-field", "99999999999999999999", "from 1 to 67108864"),
    ("--max-field", "-1", "from 1 to 67108864"),
    ("--max-field", "0", "from 1 to"),
    ("--max-field", "1e3", "whole number"),
    ("--max-field", "1_000", "whole number"),
    ("--retry-seconds", "-1", "seconds from 0 on"),
    ("--retry-seconds", "nan", "seconds from 0 on"),
    ("--retry-seconds", "inf", "seconds from 0 on"),
    ("--retry-seconds", "soon", "seconds from 0 on"),
    ("--delimiter", '"', "no quote"),
    ("--delimiter", "", "one ASCII character"),
    ("--delimiter", ";;", "one ASCII character"),
    ("--delimiter", "\n", "no end of a line"),
    ("--delimiter", "é", "one ASCII character"),
    ("--batch-size", "-1", "from 1 to 100000"),
    ("--lanes", "0", "from 1 to 64"),
    ("--workers", "9999999999", "from 1 to 64"),
    ("--format", "xml", "invalid choice"),
    ("--columns", "a,,b", "empty name"),
    ("--columns", "a,b,a", "names 'a' twice"),
    ("--types", "a:thing", "unknown type"),
    ("--types", "a:date(%Q)", "no format of dates"),
    ("--types", "a:date(%Y%Y)", "no format of dates"),
    ("--no-such-option", "", "unrecognized arguments"),
    ("--batch", "5", "unrecognized arguments"),  # no abbreviations
]


@pytest.mark.parametrize(("option", "value", "problem"), WRONG)
def test_values_of_options(fails, option, value, problem):
    complaint = fails("--uri", NOBODY, "a.csv", f"{option}={value}" if value else option, value)
    assert problem in complaint
    assert option in complaint or problem == "unrecognized arguments"


# F19: what an unset variable of a shell leaves is an empty value, and no default.
@pytest.mark.parametrize(
    "option",
    ["--uri", "--db", "--collection", "--id-field", "--reject", "--types", "--local-path"],
)
def test_empty_values(fails, option):
    assert f"{option}" in (complaint := fails("a.csv", option, ""))
    assert "is empty" in complaint


def test_an_empty_environment_variable(fails, tmp_path, monkeypatch):
    monkeypatch.setenv("MONGODB_URI", "")
    (tmp_path / "a.csv").write_text("a\n1\n")
    assert "MONGODB_URI is empty" in fails(str(tmp_path / "a.csv"), "--db", "x")


@pytest.mark.parametrize("uri", ["mongodb://me:secret@h:x/", "mongodb://me:secret@h:99999/"])
def test_secrets_are_not_told(fails, tmp_path, monkeypatch, uri):
    """Wherever the URI comes from."""
    (tmp_path / "a.csv").write_text("a\n1\n")
    monkeypatch.setenv("MONGODB_URI", uri)
    assert "secret" not in fails(str(tmp_path / "a.csv"), "--db", "x")
    assert "secret" not in fails(str(tmp_path / "a.csv"), "--db", "x", "--uri", uri)


def test_a_warning_is_a_line_as_well(impatient, capsys):
    uri = f"{NOBODY}?tls=5"
    assert main(["ingest", "a.csv", "--uri", uri, *ARGUMENTS]) == 2
    first = capsys.readouterr().err.splitlines()[0]
    assert first == "mongodriver ingest: The value of tls must be 'true' or 'false'"


def test_nobody_reads_standard_error(tmp_path):
    """The report is printed all the same, and the status tells."""
    (tmp_path / "a.csv").write_text("a\n1\n")
    command = [*MODULE, str(tmp_path / "a.csv"), "--db", "x", "--uri", NOBODY]
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing) as broken:
        done = subprocess.run([*command, "--retry-seconds", "0"], stderr=broken, check=False)
    assert done.returncode == 2


def test_an_empty_file_name(fails):
    assert "FILE: is empty" in fails("")


def test_no_files(fails):
    assert "give the files to read, or --replay" in fails()


def test_what_does_not_go_together(fails):
    assert "--uri cannot be given" in fails("a.csv", "--local", "--uri", NOBODY)
    assert "--stay needs --local" in fails("a.csv", "--stay")
    assert "--local-path needs --local" in fails("a.csv", "--local-path", "x")
    assert "--resume needs --checkpoint" in fails("a.csv", "--resume")
    assert "--key is for the other modes" in fails("a.csv", "--key", "k")
    assert "--drop leaves nothing" in fails("a.csv", "--drop", "--mode", "delete")
    assert "--replay reads that file alone" in fails("a.csv", "--replay", "b")
    assert "--drop would drop" in fails("--replay", "b", "--drop")
    assert "may be done again" in fails("--replay", "b", "--checkpoint", "c")
    assert "--dry-run starts no server" in fails("a.csv", "--dry-run", "--local")
    assert "--dry-run looks at files" in fails("--replay", "b", "--dry-run")
    assert "give --collection for --replay" in fails(
        *("--replay", "b", "--uri", NOBODY, "--db", "x")
    )


def test_standard_input_twice(fails):
    assert "can be read only once" in fails("-", "-", "--collection", "c")


@pytest.mark.parametrize(
    ("files", "option", "problem"),
    [
        (["a.ndjson", "b.bson"], "--types=a:int", "--types is for CSV"),
        (["a.ndjson"], "--no-infer", "--no-infer is for CSV"),
        (["a.json"], "--delimiter=;", "--delimiter is for CSV"),
        (["a.json"], "--max-field=9", "--max-field is for CSV"),
        (["-"], "--omit-nulls", "--omit-nulls is for CSV"),
        (["a.bson", "b.parquet"], "--encoding=latin-1", "--encoding is for text"),
    ],
)
def test_options_that_no_file_is_asked_for(fails, files, option, problem):
    assert problem in fails(*files, option, "--collection", "c")


def test_a_module_that_cannot_be_imported(fails, tmp_path, monkeypatch):
    (tmp_path / "broken_models.py").write_text("1 / 0\n")
    monkeypatch.syspath_prepend(tmp_path)
    complaint = fails("a.csv", "--schema", "broken_models:Flight")
    assert "broken_models cannot be imported: ZeroDivisionError" in complaint


@pytest.mark.parametrize("value", ["\\t", "\t", "tab"])
def test_a_tab(value):
    assert parse(["a.csv", "--delimiter", value]).delimiter == "\t"


@pytest.mark.parametrize(
    ("value", "size"),
    [("1", 1), ("64MB", 64 << 20), ("1.5 GiB", 3 << 29), ("500k", 500 << 10), ("3 B", 3)],
)
def test_sizes(value, size):
    assert values.size(1, 1 << 40)(value) == size


@pytest.mark.parametrize("value", ["", "x", "-1", "1e3", "1TB", "0", "65MB", "nan"])
def test_no_sizes(value):
    with pytest.raises(argparse.ArgumentTypeError, match="from 1 to 64MB"):
        values.size(1, 64 << 20)(value)


def test_encodings():
    assert values.encoding("latin1") == "iso8859-1"
    for wrong in ("", "no-such", "base64", "a\0b"):
        with pytest.raises(argparse.ArgumentTypeError, match="no encoding"):
            values.encoding(wrong)


def test_every_option_checks_its_value():
    """So that a new option is not forgotten: what takes a value has a type or choices."""
    takes_text = {"--null"}
    for action in make_parser()._actions:
        if action.nargs == 0:
            continue
        names = set(action.option_strings) or {action.metavar}
        assert action.type is not None or action.choices is not None or names <= takes_text, names
        assert action.help, names


def test_the_help(capsys):
    with pytest.raises(SystemExit) as ended:
        main(["ingest", "--help"])
    assert ended.value.code == 0
    output = capsys.readouterr().out
    assert "what to read; - is standard input" in output
    assert "examples:\n  mongodriver ingest " in output
    assert "143 after SIGTERM" in output


def test_the_version(capsys):
    with pytest.raises(SystemExit) as ended:
        main(["ingest", "--version"])
    assert ended.value.code == 0
    assert capsys.readouterr().out == f"mongodriver {mongodriver._version.__version__}\n"


def test_closed_standard_streams():
    """F10: `<&-`, and the same for the others."""
    command = [*MODULE, "-", "--uri", NOBODY, "--db", "x", "--collection", "c"]
    script = '"$@" <&- >&-'
    done = subprocess.run(["sh", "-c", script, "sh", *command], stderr=subprocess.PIPE, check=False)
    assert (done.returncode, done.stderr) == (
        2,
        b"mongodriver ingest: standard input is closed\n",
    )
    done = subprocess.run(["sh", "-c", '"$@" <&- >&- 2>&-', "sh", *command], check=False)
    assert done.returncode == 2


def test_a_name_that_is_no_text(capfd):
    path = os.fsdecode(b"/missing/\xff.csv")
    assert main(["ingest", path, "--uri", NOBODY, "--db", "x", "--drop"]) == 2
    assert "\\xff.csv" in capfd.readouterr().err.replace("udc", "x")


class Silent:
    """Something that takes connections and says nothing."""

    def __init__(self):
        self.listening = socket.create_server(("127.0.0.1", 0))
        self.name = f"127.0.0.1:{self.listening.getsockname()[1]}"
        self.close = self.listening.close


@pytest.fixture
def impatient(monkeypatch):
    """Tells people soon for whom it waits, and does not wait long."""
    assert connecting._PATIENCE <= 5
    monkeypatch.setattr(connecting, "_PATIENCE", 0.05)
    monkeypatch.setattr(connecting, "_LEAST", 0.2)


ARGUMENTS = ["--db", "x", "--collection", "c", "--retry-seconds", "0"]


def test_a_silent_server_is_named(impatient, capsys):
    with closing(Silent()) as server:
        assert main(["ingest", "a.csv", "--uri", f"mongodb://{server.name}", *ARGUMENTS]) == 2
    first, last = capsys.readouterr().err.splitlines()
    assert first.startswith(f"mongodriver ingest: waiting for {server.name}: no answer (for ")
    assert last == f"mongodriver ingest: {server.name}: no answer"


def test_a_server_that_is_not_there(impatient, capsys):
    assert main(["ingest", "a.csv", "--uri", NOBODY, *ARGUMENTS]) == 2
    last = capsys.readouterr().err.splitlines()[-1]
    assert last == "mongodriver ingest: 127.0.0.1:1: Connection refused"


# F12: Ctrl-C while it waits for a server; F19: SIGTERM the same.
@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_while_waiting_for_the_server(impatient, monkeypatch, capsys, number, status):
    def told(text):
        assert "waiting for 127.0.0.1:1" in text
        signal.raise_signal(number)

    before = signal.getsignal(number)
    monkeypatch.setattr(connecting, "complain", told)
    assert main(["ingest", "a.csv", "--uri", NOBODY, *ARGUMENTS]) == status
    assert capsys.readouterr().err == "mongodriver ingest: interrupted\n"
    assert signal.getsignal(number) is before


def test_a_signal_that_is_ignored(impatient, monkeypatch):
    """A shell script's background job is not for the terminal to end."""
    monkeypatch.setattr(connecting, "complain", lambda text: signal.raise_signal(signal.SIGINT))
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        assert main(["ingest", "a.csv", "--uri", NOBODY, *ARGUMENTS]) == 2
        assert signal.getsignal(signal.SIGINT) == signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)


@pytest.mark.server
def test_retry_seconds_bound_the_search_for_a_server():
    """F11: 3 s were 30."""
    with LocalServer() as server:
        for given, retry, expected in (
            ("", 3.0, 3.0),
            ("", 300.0, 30.0),
            ("", 0.0, 1.0),  # to connect takes a moment
            ("?serverSelectionTimeoutMS=2000", 3.0, 2.0),
            ("?serverSelectionTimeoutMS=60000", 40.0, 40.0),
        ):
            with ExitStack() as stack:
                database = open_database(stack, server.uri + given, "x", retry)
                assert database.client.options.server_selection_timeout == expected


# F18: what only programmers need is not shown.
@pytest.mark.parametrize(
    ("error", "text"),
    [
        (
            ServerSelectionTimeoutError(
                "h:1: [Errno 111] Connection refused (configured timeouts: socketTimeoutMS: "
                "20000.0ms, connectTimeoutMS: 20000.0ms), Timeout: 2.0s, Topology Description: <T>"
            ),
            "h:1: Connection refused",
        ),
        (FileNotFoundError(2, "No such file or directory", "a\nb"), None),
        (IngestError("one\n  two"), "one two"),
        (ValueError(), "ValueError"),
        (OSError("for mongodb://me:secret@h/"), "for mongodb://me:<redacted>@h/"),
    ],
)
def test_errors_in_plain_words(error, text):
    shown = plain(error, "mongodb://me:secret@h/")
    assert shown == text or (text is None and shown.startswith("No such file"))
