"""What an editor shows where the pointer rests on a method: pyright's language server is asked."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from checkers import ROOT, has_pyright

if not has_pyright():
    pytest.skip("pyright is not installed: make types", allow_module_level=True)

PROGRAM = """\
from typing import Any
from mongodriver import AsyncMongoClient, MongoClient
def sync(client: MongoClient[dict[str, Any]]) -> None:
    client.db.c.insert_one({})
    client.db.c.find({})
    client.db.command("ping")
    client.start_session()
    client.get_database()
async def other(client: AsyncMongoClient[dict[str, Any]]) -> None:
    await client.db.c.insert_one({})
    client.get_database()
MongoClient()
"""


class Editor:
    """An editor that has one program open."""

    def __init__(self, folder, program):
        (folder / "pyrightconfig.json").write_text(
            json.dumps({"extraPaths": [str(ROOT / "src")], "pythonVersion": "3.11"})
        )
        (folder / "program.py").write_text(program)
        self._lines = program.splitlines()
        self._uri = (folder / "program.py").as_uri()
        self._server = subprocess.Popen(
            [sys.executable, "-m", "pyright.langserver", "--stdio"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=folder,
        )
        root = {"uri": folder.as_uri(), "name": "programs"}
        self._ask("initialize", processId=None, capabilities={}, workspaceFolders=[root])
        self._tell("initialized")
        document = {"uri": self._uri, "languageId": "python", "version": 1, "text": program}
        self._tell("textDocument/didOpen", textDocument=document)

    def shown_for(self, line, word):
        """What is shown for a word in a line."""
        position = {"line": line, "character": self._lines[line].index(word) + 1}
        shown = self._ask("textDocument/hover", textDocument={"uri": self._uri}, position=position)
        return shown["contents"]["value"]

    def close(self):
        self._server.kill()
        self._server.communicate()

    def _tell(self, method, **parameters):
        self._send({"method": method, "params": parameters})

    def _ask(self, method, **parameters):
        self._send({"id": method, "method": method, "params": parameters})
        while True:
            message = self._read()
            if message.get("id") == method and "method" not in message:
                return message["result"]
            if "id" in message and "method" in message:  # the server asks for settings
                items = message["params"].get("items", [])
                self._send({"id": message["id"], "result": [None] * len(items)})

    def _send(self, message):
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        self._server.stdin.write(b"Content-Length: %d\r\n\r\n%b" % (len(body), body))
        self._server.stdin.flush()

    def _read(self):
        length = 0
        while (line := self._server.stdout.readline()) != b"\r\n":
            assert line, "the language server has ended"
            name, _, value = line.partition(b":")
            if name.lower() == b"content-length":
                length = int(value)
        return json.loads(self._server.stdout.read(length))


@pytest.fixture(scope="module")
def editor(tmp_path_factory):
    editor = Editor(tmp_path_factory.mktemp("editor"), PROGRAM)
    yield editor
    editor.close()


@pytest.mark.parametrize(
    ("line", "word", "parts"),
    [
        (3, "insert_one", ["document", "ClientSession | None", "-> InsertOneResult", "Insert one"]),
        (4, "find", ["-> Cursor[dict[str, Any]]", "Return a cursor", "batch_size"]),
        (5, "command", ["-> dict[str, Any]", "Run a command"]),
        (6, "start_session", ["causal_consistency", "-> ClientSession", "Start a session"]),
        (7, "get_database", ["-> Database[dict[str, Any]]", "Return a database"]),
        (9, "insert_one", ["AsyncClientSession | None", "InsertOneResult", "Insert one"]),
        (10, "get_database", ["-> AsyncDatabase[dict[str, Any]]", "Return a database"]),
        (11, "MongoClient", ["host: str", "a connection string", "serverSelectionTimeoutMS"]),
    ],
)
def test_an_editor_shows_signature_and_text(editor, line, word, parts):
    shown = editor.shown_for(line, word).replace("&nbsp;", " ").replace("\\", "")
    assert [part for part in parts if part not in shown] == [], shown
    assert ("Async" in shown) == (line in (9, 10))
