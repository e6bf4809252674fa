"""A mongod that this machine cannot run: the error says what is missing."""

import pytest

from mongodriver.__main__ import main
from mongodriver.local import LocalServer, LocalServerError

GLIBC = (
    "/x/mongod: error while loading shared libraries: {}: cannot open shared object file: "
    "No such file or directory"
)
MUSL = "Error loading shared library {}: No such file or directory (needed by /x/mongod)"


@pytest.fixture
def program(tmp_path):
    """Makes a program that does what a shell script says."""

    def make(script):
        path = tmp_path / "mongod"
        path.write_text(script)
        path.chmod(0o755)
        return path

    return make


@pytest.mark.parametrize("loader", [GLIBC, MUSL], ids=["glibc", "musl"])
@pytest.mark.parametrize(
    ("library", "advice"),
    [
        ("libcurl.so.4", " (Debian, Ubuntu: apt-get install libcurl4)"),
        ("libssl.so.3", " (Debian, Ubuntu: apt-get install libssl3)"),
        ("libcrypto.so.3", " (Debian, Ubuntu: apt-get install libssl3)"),
        ("libnobody-knows.so.7", ""),
    ],
)
def test_a_missing_library_is_named(program, loader, library, advice):
    mongod = program(f"#!/bin/sh\necho '{loader.format(library)}' >&2\nexit 127\n")
    server = LocalServer(mongod=mongod)
    with pytest.raises(LocalServerError) as caught:
        server.start()
    problem = f"mongod ended with status 127: the shared library {library} is missing{advice}"
    assert str(caught.value) == problem
    assert server.members == ()


def test_the_shell_names_it_too(program, capsys):
    mongod = program(f"#!/bin/sh\necho '{GLIBC.format('libcurl.so.4')}' >&2\nexit 127\n")
    assert main(["local", "--mongod", str(mongod)]) == 2
    assert "apt-get install libcurl4" in capsys.readouterr().err


def test_another_end_with_that_status_shows_the_log(program):
    mongod = program("#!/bin/sh\necho not found: something else\nexit 127\n")
    with pytest.raises(LocalServerError, match=r"status 127; its log ends with:\nnot found: some"):
        LocalServer(mongod=mongod).start()


@pytest.mark.parametrize("script", ["#!/missing/loader\n", "\x7fELF of another machine"])
def test_a_program_for_another_machine(program, script):
    """A loader that is not there (a glibc program on Alpine), or another processor."""
    mongod = program(script)
    server = LocalServer("rs0", 3, mongod=mongod)
    with pytest.raises(LocalServerError, match=f"{mongod} cannot be run here: [EN]"):
        server.start()
    assert server.members == ()
    assert server._folder is None
