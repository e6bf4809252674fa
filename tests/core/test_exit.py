"""Programs that end with clients open, and what runs then: finalizers, atexit, child processes.

Each is a process of its own. A server is waited for without limit there: what waits at the end of
the interpreter, when nobody looks for servers any more, never ends and fails the test.
"""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap

import pytest

from implementations import CPYTHON, FREE_THREADED

#: Of what is still there at the end.
finalizes = pytest.mark.skipif(
    not CPYTHON or FREE_THREADED, reason="at the end finalizers do not run, or have no names left"
)
pytestmark = [pytest.mark.server, pytest.mark.timeout(180)]

COMMON = """
import asyncio, atexit, os, sys, threading, warnings
from mongodriver import AsyncMongoClient, MongoClient

URI = sys.argv[1]
PATIENT = {"serverSelectionTimeoutMS": 3_600_000}

def say(*words):
    # One write a line, whatever the buffering: several processes may share the pipe.
    os.write(1, (" ".join(map(str, words)) + os.linesep).encode())

def attempt(function):
    try:
        say(function())
    except Exception as exc:
        say(type(exc).__name__, exc)
"""


def run(code, uri, *flags):
    """What a program prints, and its warnings."""
    done = subprocess.run(
        [sys.executable, *flags, "-c", COMMON + textwrap.dedent(code), uri],
        capture_output=True,
        text=True,
        timeout=100,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines(), done.stderr


FINALIZER = """
class Late:
    def __init__(self, client):
        self.client = client
        {prepare}

    def __del__(self):
        attempt(lambda: {use})

late = Late(MongoClient({uri}, **PATIENT))
"""

SHUTTING_DOWN = "InvalidOperation Cannot use MongoClient while the interpreter is shutting down"


@finalizes
@pytest.mark.parametrize("uri", ["URI", "'mongodb://127.0.0.1:1/'"], ids=["up", "down"])
def test_an_operation_in_a_finalizer_does_not_wait_for_a_server(server, uri):
    code = FINALIZER.format(prepare="pass", use="self.client.admin.command('ping')", uri=uri)
    # It may have been found before the interpreter ended.
    out, _ = run(code, server.uri)
    assert out == [SHUTTING_DOWN] or (uri == "URI" and "'ok': 1.0" in out[0])


@finalizes
def test_an_operation_in_a_finalizer_may_use_a_connection_that_is_there(server):
    code = FINALIZER.format(
        prepare="client.admin.command('ping')",
        use="self.client.admin.command('ping')['ok']",
        uri="URI",
    )
    assert run(code, server.uri)[0] == ["1.0"]


@finalizes
def test_an_operation_in_a_finalizer_does_not_wait_for_a_connection(server):
    """A thread that stands still has the only one."""
    code = FINALIZER.format(
        prepare="""
        client.admin.command("ping")
        pool = client._core.topology.servers[0].pool
        self.taken = pool.take()
        """,
        use="self.client.admin.command('ping')",
        uri="URI, maxPoolSize=1",
    )
    assert run(code, server.uri)[0] == [SHUTTING_DOWN]


# Sockets warn as well, by themselves: nothing can be done about what Python imports for that.
WARNING = ["-Walways", "-Wignore:unclosed <socket"]


@finalizes
@pytest.mark.parametrize("options", [[], WARNING], ids=["quiet", "warning"])
def test_a_client_that_is_left_open_imports_nothing_at_the_end(server, options):
    """Another thread may stand still in the middle of an import, for ever."""
    code = """
    import _imp, gc
    gc.disable()
    client = MongoClient(URI, **PATIENT)
    client.admin.command("ping")
    client.itself = [client]  # left to the last collection
    held = threading.Event()

    def hold():
        _imp.acquire_lock()
        held.set()
        threading.Event().wait()

    threading.Thread(target=hold, daemon=True).start()
    held.wait()
    for name in ("linecache", "tracemalloc"):
        sys.modules.pop(name, None)
    del client
    say("the end")
    """
    out, warned = run(code, server.uri, *options)
    assert out == ["the end"]
    assert ("Unclosed MongoClient" in warned) is bool(options)


@finalizes
def test_a_client_that_is_left_open_is_warned_of_when_modules_are_gone(server):
    """What reads source code is loaded, but from CPython 3.13 on imports more for each file."""
    code = """
    import linecache
    exec(compile("client = MongoClient(URI, **PATIENT)", "a/file.py", "exec"))
    client.admin.command("ping")
    del attempt, say  # which would keep this module's names longer
    """
    _, warned = run(code, server.uri, *WARNING)
    assert "Unclosed MongoClient" in warned
    assert "Exception ignored" not in warned


@finalizes
def test_a_client_is_closed_in_a_finalizer(server):
    code = FINALIZER.format(
        prepare="client.admin.command('ping'); client.d.c.find().close()",
        use="self.client.close()",
        uri="URI",
    )
    out, warned = run(code, server.uri, "-Walways")
    assert out == ["None"]
    assert "Unclosed MongoClient" not in warned


def test_a_cursor_that_is_left_open_says_nothing(server):
    code = """
    client = MongoClient(URI, **PATIENT)
    client.d.left_open.insert_many([{}, {}, {}])
    cursor = client.d.left_open.find(batch_size=2)
    next(cursor)
    say(cursor.alive)
    """
    assert run(code, server.uri) == (["True"], "")


def test_operations_at_exit(server):
    """Functions of `atexit` run while the other threads still do."""
    code = """
    client = MongoClient(URI, **PATIENT)

    @atexit.register
    def late():
        attempt(lambda: client.admin.command("ping")["ok"])
        attempt(client.close)
    """
    assert run(code, server.uri)[0] == ["1.0", "None"]


def test_a_client_made_at_exit(server):
    """From 3.12 on no thread can be started then."""
    code = """
    @atexit.register
    def late():
        attempt(lambda: MongoClient(URI, **PATIENT).admin.command("ping")["ok"])
    """
    (line,) = run(code, server.uri)[0]
    assert line == "1.0" or line.startswith("RuntimeError can't create new thread")


def test_a_thread_may_go_on_at_exit(server):
    code = """
    client = MongoClient(URI, **PATIENT)
    client.admin.command("ping")

    def late():
        threading.main_thread().join()
        for _ in range(3):
            attempt(lambda: client.admin.command("ping")["ok"])

    threading.Thread(target=late).start()
    """
    assert run(code, server.uri)[0] == ["1.0"] * 3


@finalizes
def test_a_loop_ends_with_a_client_open(server):
    code = """
    async def main():
        global client
        client = AsyncMongoClient(URI, minPoolSize=2, **PATIENT)
        return (await client.admin.command("ping"))["ok"]

    attempt(lambda: asyncio.run(main()))
    del client
    """
    out, warned = run(code, server.uri, "-Walways")
    assert out == ["1.0"]
    assert "ResourceWarning: Unclosed AsyncMongoClient opened at:" in warned
    assert "Traceback" not in warned
    assert "never awaited" not in warned


def test_a_client_whose_loop_has_ended(server):
    code = """
    async def use(client):
        return (await client.admin.command("ping"))["ok"]

    client = AsyncMongoClient(URI, **PATIENT)
    attempt(lambda: asyncio.run(use(client)))
    attempt(lambda: asyncio.run(use(client)))
    attempt(lambda: asyncio.run(client.close()))
    attempt(lambda: asyncio.run(use(client)))
    """
    out, warned = run(code, server.uri, "-Walways")
    elsewhere = "RuntimeError Cannot use AsyncMongoClient in different event loop."
    assert out[0] == "1.0"
    assert out[1].startswith(elsewhere)
    assert out[2] == "None"
    assert len(out) == 4
    assert "Unclosed AsyncMongoClient" not in warned


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_processes_end_with_clients_open(server, method, tmp_path):
    if method != "spawn" and not hasattr(os, "fork"):
        pytest.skip("needs fork")
    script = tmp_path / "processes.py"
    script.write_text(
        COMMON
        + textwrap.dedent(
            f"""
            import multiprocessing

            def child(uri):
                client = MongoClient(uri, **PATIENT)
                attempt(lambda: client.admin.command("ping")["ok"])
                if inherited is not None:
                    attempt(lambda: inherited.admin.command("ping")["ok"])

            inherited = None
            if __name__ == "__main__":
                warnings.simplefilter("ignore")
                context = multiprocessing.get_context({method!r})
                if {method!r} == "fork":
                    inherited = MongoClient(URI, **PATIENT)
                    inherited.admin.command("ping")
                children = [context.Process(target=child, args=(URI,)) for _ in range(3)]
                for process in children:
                    process.start()
                for process in children:
                    process.join()
                say([process.exitcode for process in children])
            """
        )
    )
    done = subprocess.run(
        [sys.executable, str(script), server.uri],
        capture_output=True,
        text=True,
        timeout=100,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)},
    )
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines.pop() == "[0, 0, 0]"
    assert lines == ["1.0"] * (6 if method == "fork" else 3)
