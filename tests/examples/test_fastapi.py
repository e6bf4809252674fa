"""FastAPI under uvicorn with uvloop."""

from __future__ import annotations

import ast
import json
import os
import shlex
import signal

import pytest
from services import EXAMPLES

pytest.importorskip("fastapi", reason="`make examples` installs the frameworks")
pytest.importorskip("uvicorn", reason="`make examples` installs the frameworks")
httpx = pytest.importorskip("httpx", reason="`make examples` installs the frameworks")

pytestmark = [pytest.mark.slow, pytest.mark.server]
UVICORN = ["-m", "uvicorn", "--app-dir", "examples/fastapi", "notes:app", "--port", "0"]


@pytest.fixture
def serve(start):
    """Starts uvicorn; returns it, and an HTTP client of it."""
    browsers = []

    def begin(*options, workers=1):
        service = start(*UVICORN, *options)
        service.hear("Application startup complete", workers)
        address = service.hear(r"running on (http://[\d.:]+)")[1]
        browsers.append(httpx.Client(base_url=address))
        return service, browsers[-1]

    yield begin
    for browser in browsers:
        browser.close()


@pytest.mark.parametrize("loop", ["uvloop", "asyncio"])
def test_notes(serve, client, loop):
    if loop == "uvloop":
        pytest.importorskip("uvloop", reason="uvloop is not made for every interpreter")
    service, browser = serve("--loop", loop)
    made = browser.post("/notes", json={"title": "Milk", "tags": ["shop", "food"]})
    assert made.status_code == 201
    note = made.json()
    stored = client.board.notes.find_one()
    assert str(stored["_id"]) == note["id"]
    assert stored["written"].isoformat(timespec="milliseconds")[:23] == note["written"][:23]
    assert "id" not in stored

    assert browser.post("/notes", json={"title": "Milk"}).status_code == 409
    assert browser.post("/notes", json={"title": ""}).status_code == 422
    browser.post("/notes", json={"title": "Bread", "tags": ["shop"]})
    assert [found["title"] for found in browser.get("/notes").json()] == ["Bread", "Milk"]
    page = browser.get("/notes", params={"before": browser.get("/notes").json()[0]["written"]})
    assert page.json() == [note]
    assert browser.get("/notes", params={"tag": "food"}).json() == [note]
    assert browser.get("/tags").json() == [
        {"name": "shop", "count": 2},
        {"name": "food", "count": 1},
    ]

    path = f"/notes/{note['id']}"
    changed = browser.put(path, json={"title": "Milk", "text": "two bottles"}).json()
    assert changed == {**note, "text": "two bottles", "tags": []}
    assert browser.get(path).json() == changed
    assert browser.get("/notes/nonsense").status_code == 422
    assert browser.delete(path).status_code == 204
    assert browser.get(path).status_code == 404
    assert browser.get("/openapi.json").status_code == 200
    assert service.end(signal.SIGINT) == 0
    service.assert_content()
    assert "Finished server process" in service.said


def test_changes_are_told_until_the_reader_goes_away(serve, client):
    service, browser = serve()
    with browser.stream("GET", "/changes") as response:
        lines = response.iter_lines()
        assert next(lines) == ": watching"
        browser.post("/notes", json={"title": "Milk"})
        assert next(lines) == ""
        assert next(lines) == "event: insert"
        note = json.loads(next(lines).removeprefix("data: "))
        assert note["title"] == "Milk"
        assert browser.delete(f"/notes/{note['id']}").status_code == 204
        assert next(lines) == ""
        assert next(lines) == "event: delete"
        assert json.loads(next(lines).removeprefix("data: ")) == {"id": note["id"]}
    wait_until_nobody_watches(client)
    assert browser.get("/notes").status_code == 200
    service.end()
    service.assert_content()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_shutdown_does_not_wait_for_readers(serve, client, number):
    service, browser = serve()
    with browser.stream("GET", "/changes", timeout=60) as response:
        lines = response.iter_lines()  # which hangs up when it is forgotten
        assert next(lines) == ": watching"
        service.end(number)
        assert [*lines] == [""]
        service.assert_content()
    assert "Finished server process" in service.said
    wait_until_nobody_watches(client)


def test_the_database_is_away(serve, client, cut):
    service, browser = serve()
    with cut("notes", "find"):
        away = browser.get("/notes")
        assert (away.status_code, away.json()) == (503, {"detail": "no database"})
    assert browser.get("/notes").json() == []
    with browser.stream("GET", "/changes", timeout=60) as response:
        lines = response.iter_lines()
        assert next(lines) == ": watching"
        with cut("notes", "getMore", "aggregate"):
            assert [*lines] == [""]
    client.admin.command("killAllSessions", [])  # the stream's cursor, which nobody could close
    assert browser.get("/notes").json() == []
    service.end()
    service.assert_content()


def test_changes_end_with_the_collection(serve, client):
    service, browser = serve()
    with browser.stream("GET", "/changes", timeout=60) as response:
        lines = response.iter_lines()
        assert next(lines) == ": watching"
        client.board.notes.drop()
        assert [*lines] == [""]
    service.end()
    service.assert_content()


def told(text):
    """The options of uvicorn in a text that says how the example is started."""
    whole = text.replace("\\\n", "")
    return shlex.split(next(line for line in whole.splitlines() if " uvicorn " in line))[8:]


def test_as_its_documentation_starts_it(start, client):
    options = told((EXAMPLES / "README.md").read_text())
    module = ast.parse((EXAMPLES / "fastapi" / "notes.py").read_text())
    assert options == told(ast.get_docstring(module)) != []
    service = start("-m", "uvicorn", *options, "--port", "0")
    address = service.hear(r"running on (http://[\d.:]+)")[1]
    with httpx.stream("GET", f"{address}/changes", timeout=60) as response:
        lines = response.iter_lines()
        assert next(lines) == ": watching"
        service.end()
        assert [*lines] == [""]
        service.assert_content()
    wait_until_nobody_watches(client)


def test_workers(serve):
    service, browser = serve("--workers", "2", workers=2)
    for number in range(20):  # of new connections, so that both have some
        with httpx.Client(base_url=browser.base_url) as other:
            assert other.post("/notes", json={"title": f"note {number}"}).status_code == 201
    assert len(browser.get("/notes").json()) == 20
    assert service.end() == 0
    service.assert_content()
    assert service.said.count("Application shutdown complete") == 2


def test_a_worker_that_dies_is_replaced(serve):
    service, browser = serve("--workers", "2", workers=2)
    browser.post("/notes", json={"title": "Milk"})
    browser.close()
    os.kill(int(service.hear(r"Started server process \[(\d+)\]")[1]), signal.SIGKILL)
    service.hear("Application startup complete", 3)
    with httpx.Client(base_url=browser.base_url) as other:
        assert len(other.get("/notes").json()) == 1
    assert service.end() == 0
    service.assert_content()


def wait_until_nobody_watches(client):
    """The server has no change stream of the application any more, which it ends a moment later."""
    cursors = [{"$currentOp": {"idleCursors": True}}, {"$match": {"cursor.tailable": True}}]
    while [*client.admin.aggregate(cursors)]:
        pass
