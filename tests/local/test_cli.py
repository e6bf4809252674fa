"""`python -m mongodriver local`."""

import os
import signal
import subprocess
import sys

import pytest

from mongodriver.__main__ import main
from mongodriver.local import cli, process

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


def test_a_command_that_may_not_be_run(capsys, tmp_path):
    script = tmp_path / "script"
    script.write_text("#!/bin/sh\n")
    script.chmod(0o600)
    assert main(["local", "--", str(script)]) == 2
    assert capsys.readouterr().err == f"mongodriver local: {script} is not executable\n"


class Interrupted:
    """A server whose start, or end, Ctrl-C interrupts."""

    uri = "mongodb://127.0.0.1:1/"
    when = "start"

    def __init__(self, *args, **options):
        pass

    def __enter__(self):
        if self.when == "start":
            raise KeyboardInterrupt
        return self

    def __exit__(self, *exc_info):
        raise KeyboardInterrupt


@pytest.mark.parametrize("when", ["start", "end"])
def test_ctrl_c_before_all_is_done_is_no_success(monkeypatch, capfd, when):
    monkeypatch.setattr(cli, "LocalServer", Interrupted)
    monkeypatch.setattr(Interrupted, "when", when)
    assert main(["local", "--", sys.executable, "-c", "print('run')"]) == 130
    assert capfd.readouterr().out.split() == ([] if when == "start" else ["run"])


def test_ctrl_c_before_there_is_a_server_is_no_success(monkeypatch):
    monkeypatch.setattr(cli, "LocalServer", Interrupted)
    assert main(["local"]) == 130


# A service: it says when it is ready, and at its end how it left the server.
SERVICE = """
import os, signal, sys
from mongodriver import MongoClient

# Blocked, for pause() would wait for ever behind a signal that comes just before it.
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.{name}])
print("ready", flush=True)
signal.sigwait([signal.{name}])
with MongoClient(os.environ["MONGODB_URI"]) as client:
    print("goodbye", client.admin.command("ping")["ok"], flush=True)
sys.exit(5)
"""


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
def test_a_command_ends_in_good_order_before_its_server(name):
    """Ctrl-C tells the command as well, and SIGTERM is handed on: both wait for what it does."""
    running = subprocess.Popen(
        [*MODULE, "local", "--", sys.executable, "-c", SERVICE.format(name=name)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert running.stdout.readline() == "ready\n"
    if name == "SIGINT":
        os.killpg(running.pid, signal.SIGINT)  # as a terminal does
    else:
        running.terminate()
    output, errors = running.communicate(timeout=TIMEOUT)
    assert (running.returncode, output, errors) == (5, "goodbye 1.0\n", "")


def test_a_command_that_a_signal_has_ended():
    """Its status is what a shell would give."""
    code = "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"
    assert main(["local", "--", sys.executable, "-c", code]) == 128 + signal.SIGKILL


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--mongod", "/missing/mongod"], "does not exist"),
        (["--members", "9"], "members must be from 1 to 7"),
        (["--port", "0"], "port must be from 1 to 65535"),
        (["--port", "65534", "--members", "3"], "port must be from 1 to 65533"),
        (["--timeout", "-1"], "timeout must be more than 0"),
        (["--timeout", "nan"], "timeout must be more than 0"),
        (["--replica-set", ""], "--replica-set is empty"),
        (["--arg=--noSuchOption"], "noSuchOption"),
        (["--", "/missing/program"], "/missing/program: there is no such program"),
        (["--mongod", "/missing/mongod", "--", "no-such-one"], "no-such-one: there is no such"),
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
