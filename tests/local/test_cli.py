"""`python -m mongodriver local`."""

import signal
import subprocess
import sys

import pytest

from mongodriver.__main__ import main
from mongodriver.local import process

from .processes import TIMEOUT

pytestmark = pytest.mark.server
MODULE = [sys.executable, "-m", "mongodriver"]


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
def test_runs_until_it_is_ended(name):
    port = process.free_port()
    command = [*MODULE, "local", "--replica-set", "rs0", "--port", str(port)]
    running = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert running.stdout.readline() == f"mongodb://127.0.0.1:{port}/?replicaSet=rs0\n"
    assert running.stderr.readline() == "Ctrl-C ends it.\n"
    running.send_signal(getattr(signal, name))
    output, errors = running.communicate(timeout=TIMEOUT)
    assert (running.returncode, output, errors) == (0, "", "")


def test_runs_a_command():
    code = "import os; print(os.environ['MONGODB_URI']); raise SystemExit(7)"
    result = subprocess.run(
        [*MODULE, "local", "--", sys.executable, "-c", code],
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
        check=False,
    )
    assert result.returncode == 7
    assert result.stdout.startswith("mongodb://127.0.0.1:")
    assert result.stderr == ""


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--mongod", "/missing/mongod"], "does not exist"),
        (["--members", "9"], "members must be from 1 to 7"),
        (["--arg=--noSuchOption"], "noSuchOption"),
        (["--", "/missing/program"], "/missing/program"),
    ],
)
def test_errors(capsys, arguments, message):
    assert main(["local", *arguments]) == 2
    assert message in capsys.readouterr().err


def test_usage(capsys):
    assert main(["--help"]) == 0
    assert "ingest" in capsys.readouterr().out
    assert main([]) == 2
    assert main(["nonsense"]) == 2
    assert "local" in capsys.readouterr().err
