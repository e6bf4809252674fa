"""A standalone server: start, end and everything that can go wrong."""

import os
import signal
import socket
import subprocess
import sys

import pytest

from flavours import ASYNCHRONOUS, run_on
from mongodriver.local import LocalServer, LocalServerError, process
from mongodriver.local.control import Control

from .processes import TIMEOUT, Program, open_process, wait_for_end

pytestmark = pytest.mark.server


def command(server: LocalServer, body: dict) -> dict:
    return server.command(0, body, TIMEOUT)


def test_start_and_end():
    with LocalServer() as server:
        member = server.members[0]
        folder = server._folder
        assert server.uri == f"mongodb://127.0.0.1:{member.port}/"
        assert command(server, {"serverStatus": 1})["pid"] == member.pid
        assert repr(server) == f"<LocalServer {server.uri}>"
        assert repr(member) == f"<Member 127.0.0.1:{member.port} pid={member.pid}>"
        end = open_process(member.pid)
    assert wait_for_end(end)
    assert not folder.exists()
    assert not member.running
    assert member.pid is None
    assert server.members == ()


@pytest.mark.parametrize("library", ASYNCHRONOUS)
def test_async_with(library):
    async def main() -> str:
        async with LocalServer() as server:
            assert command(server, {"ping": 1})["ok"] == 1
            return str(server._folder)

    folder = run_on(library, lambda _: main())
    assert not os.path.exists(folder)


def test_the_module_does_not_import_asyncio():
    code = "import sys, mongodriver.local; print('asyncio' in sys.modules)"
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert result.stdout == "False\n"


def test_start_and_close_by_hand():
    server = LocalServer()
    with pytest.raises(LocalServerError, match="has not been started"):
        _ = server.uri
    server.start()
    try:
        with pytest.raises(LocalServerError, match="already been started"):
            server.start()
    finally:
        server.close()
    server.close()
    with server:  # may be used again
        assert command(server, {"ping": 1})["ok"] == 1


def test_a_mongod_that_ends_is_reported_with_its_log():
    with pytest.raises(LocalServerError, match=r"ended with status 2(.|\n)*noSuchOption"):
        LocalServer(args=["--noSuchOption"]).start()


def test_a_mongod_that_never_listens(tmp_path):
    program = tmp_path / "mongod"
    program.write_text("#!/bin/sh\necho '{\"half\": '; echo hanging; exec tail -f /dev/null\n")
    program.chmod(0o755)
    server = LocalServer(mongod=program, timeout=0.3)
    with pytest.raises(LocalServerError, match=r'not ready in time:\n{"half": \nhanging'):
        server.start()
    assert server.members == ()
    assert server._folder is None


def test_a_taken_port_is_avoided(monkeypatch):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        taken = other.getsockname()[1]
        choices = [taken, process.free_port()]
        monkeypatch.setattr("mongodriver.local.server.free_port", lambda: choices.pop(0))
        with LocalServer() as server:
            assert server.members[0].port != taken
            assert choices == []


def test_a_given_port():
    port = process.free_port()
    with LocalServer(port=port) as server:
        assert server.members[0].port == port
        with pytest.raises(LocalServerError, match="Address already in use"):
            LocalServer(port=port).start()
        assert command(server, {"ping": 1})["ok"] == 1


def test_a_kept_folder(tmp_path):
    folder = tmp_path / "data"
    with LocalServer(path=folder) as server:
        command(server, {"insert": "kept", "documents": [{"_id": 1}]})
    with LocalServer(path=folder) as server:
        assert command(server, {"count": "kept"})["n"] == 1
    assert folder.is_dir()


def test_pause_and_resume():
    with LocalServer() as server:
        server.pause(0)
        with pytest.raises(OSError, match="timed out"):
            server.command(0, {"ping": 1}, 0.2)
        server.resume(0)
        assert command(server, {"ping": 1})["ok"] == 1


def test_kill_and_restart():
    with LocalServer() as server:
        first = server.members[0].pid
        server.kill(0)
        assert not server.members[0].running
        assert Control().hello("127.0.0.1", server.members[0].port, TIMEOUT) == {}
        with pytest.raises(LocalServerError, match="cannot be paused"):
            server.pause(0)
        server.restart(0)
        assert server.members[0].pid != first
        assert command(server, {"ping": 1})["ok"] == 1


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"members": 0}, ValueError, "members"),
        ({"members": 8, "replica_set": "rs0"}, ValueError, "members"),
        ({"members": 2}, ValueError, "replica set"),
        ({"args": "--auth"}, TypeError, "sequence"),
    ],
)
def test_bad_arguments(arguments, error, message):
    with pytest.raises(error, match=message):
        LocalServer(**arguments)


def test_an_unknown_member():
    with LocalServer() as server, pytest.raises(LocalServerError, match="no member 1; 1 are"):
        server.kill(1)


def test_an_error_reply_is_raised():
    with LocalServer() as server, pytest.raises(LocalServerError, match="noSuchCommand"):
        command(server, {"noSuchCommand": 1})


def test_answers_of_another_protocol():
    """A stranger on the port gives an error, not a hang or a crash."""
    with socket.socket() as stranger:
        stranger.bind(("127.0.0.1", 0))
        stranger.listen()
        port = stranger.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)):
            pass
        stranger.accept()[0].close()
        reader = subprocess.Popen(
            [sys.executable, "-c", _ONE_QUESTION, str(port)], stdout=subprocess.PIPE, text=True
        )
        connection = stranger.accept()[0]
        connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        output = reader.communicate(timeout=TIMEOUT)[0]
        connection.close()
    assert "no MongoDB server" in output


_ONE_QUESTION = """
import sys
from mongodriver.local.control import Control
try:
    Control().command("127.0.0.1", int(sys.argv[1]), {"ping": 1}, 30)
except Exception as error:
    print(error)
"""


class TestNoServerIsLeft:
    """However the program ends, its server and the temporary folder are gone."""

    def test_at_exit(self):
        program = Program("")
        assert program.process.wait(TIMEOUT) == 0
        program.assert_nothing_is_left()

    def test_by_an_exception(self):
        program = Program("raise SystemExit(3)")
        assert program.process.wait(TIMEOUT) == 3
        program.assert_nothing_is_left()

    @pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGKILL"])
    def test_by_a_signal(self, name):
        # In short pieces: what comes just before a system call does not interrupt it.
        program = Program("import time\nwhile True: time.sleep(0.1)")
        assert program.send(getattr(signal, name)) != 0
        program.assert_nothing_is_left()

    def test_killed_while_a_forked_child_lives(self):
        """The child has inherited the pipe's end, but gives it back."""
        program = Program(
            "import os\n"
            "ready, tell = os.pipe()\n"
            "if os.fork() == 0:\n"
            "    os.write(tell, b'.')\n"
            "    sys.stdin.read()\n"
            "    os._exit(0)\n"
            "os.read(ready, 1)\n"
            "print('forked', flush=True)\n"
            "sys.stdin.read()\n"
        )
        assert program.process.stdout.readline() == "forked\n"
        program.send(signal.SIGKILL)
        program.assert_nothing_is_left()


def test_a_forked_child_leaves_the_server_alone():
    with LocalServer() as server:
        pid = os.fork()
        if pid == 0:
            server.close()
            os._exit(0)
        os.waitpid(pid, 0)
        assert command(server, {"ping": 1})["ok"] == 1
