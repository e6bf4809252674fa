"""A service of aiohttp, which streams files of GridFS."""

from __future__ import annotations

import hashlib
import re
import signal
import socket

import pytest

pytest.importorskip("aiohttp", reason="`make examples` installs the frameworks")
httpx = pytest.importorskip("httpx", reason="`make examples` installs the frameworks")

pytestmark = [pytest.mark.slow, pytest.mark.server]


@pytest.fixture
def serve(start):
    """Starts the service; returns it, and an HTTP client of it."""
    browsers = []

    def begin(**environment):
        service = start("examples/aiohttp/files.py", "--port", "0", **environment)
        address = service.hear(r"Running on (http://[\d.:]+)")[1]
        browsers.append(httpx.Client(base_url=address))
        return service, browsers[-1]

    yield begin
    for browser in browsers:
        browser.close()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_files(serve, client, number):
    service, browser = serve()
    content = b"".join(bytes([n % 251]) * 1013 for n in range(1000))
    sent = browser.post("/files/a.bin", content=content, headers={"Content-Type": "image/x"})
    assert sent.status_code == 201
    digest = hashlib.sha256(content).hexdigest()
    assert sent.json() == {"bytes": len(content), "type": "image/x", "sha256": digest}
    browser.post("/files/b.txt", content=b"").raise_for_status()
    assert [(f["name"], f["bytes"]) for f in browser.get("/files").json()] == [
        ("a.bin", len(content)),
        ("b.txt", 0),
    ]

    whole = browser.get("/files/a.bin")
    assert (whole.status_code, whole.headers["Content-Type"]) == (200, "image/x")
    assert whole.content == content
    head = browser.head("/files/a.bin")
    assert (head.status_code, head.content) == (200, b"")
    assert {**head.headers, "Date": ""} == {**whole.headers, "Date": ""}
    for asked, part, told in (
        ("bytes=300000-300099", content[300000:300100], "bytes 300000-300099/1013000"),
        ("bytes=1012990-", content[-10:], "bytes 1012990-1012999/1013000"),
        ("bytes=-5", content[-5:], "bytes 1012995-1012999/1013000"),
    ):
        some = browser.get("/files/a.bin", headers={"Range": asked})
        assert (some.status_code, some.content) == (206, part)
        assert some.headers["Content-Range"] == told
    assert browser.get("/files/a.bin", headers={"Range": "bytes=1013000-"}).status_code == 416
    assert browser.get("/files/b.txt").content == b""

    browser.post("/files/a.bin", content=b"second").raise_for_status()
    assert browser.get("/files/a.bin").content == b"second"
    assert browser.delete("/files/a.bin").status_code == 204
    assert browser.get("/files/a.bin").status_code == 404
    assert browser.delete("/files/a.bin").status_code == 404
    assert client.store["fs.chunks"].count_documents({}) == 0
    assert service.end(number) == 0
    service.assert_content()


def test_an_upload_that_breaks_off_leaves_nothing(serve, client):
    service, browser = serve()
    with socket.create_connection((browser.base_url.host, browser.base_url.port)) as connection:
        head = b"POST /files/broken HTTP/1.1\r\nHost: x\r\nContent-Length: 90000000\r\n\r\n"
        connection.sendall(head + bytes(20_000_000))
        while client.store["fs.chunks"].count_documents({}) == 0:
            pass
    while client.store["fs.chunks"].count_documents({}):
        pass
    assert browser.get("/files").json() == []
    assert service.end() == 0
    service.assert_content()


def test_a_download_that_breaks_off_harms_nobody(serve):
    service, browser = serve()
    content = bytes(30_000_000)
    browser.post("/files/large", content=content, timeout=60).raise_for_status()
    for _ in range(3):
        with browser.stream("GET", "/files/large") as response:
            assert next(response.iter_raw())
    assert browser.get("/files/large", timeout=60).content == content
    assert service.end() == 0
    service.assert_content()


def test_the_database_is_away(serve, cut):
    service, browser = serve()
    content = bytes(30_000_000)
    browser.post("/files/large", content=content, timeout=60).raise_for_status()
    with cut("files", "find"):
        for path in ("/files", "/files/large"):
            away = browser.get(path)
            assert (away.status_code, away.text) == (503, "no database")
    with cut("files", "getMore"), pytest.raises(httpx.RemoteProtocolError):
        browser.get("/files/large")
    assert browser.get("/files/large", timeout=60).content == content
    assert service.end() == 0
    service.assert_content()


def test_an_end_in_the_middle_of_an_upload(serve, client):
    service, browser = serve()
    with socket.create_connection((browser.base_url.host, browser.base_url.port)) as connection:
        head = b"POST /files/slow HTTP/1.1\r\nHost: x\r\nContent-Length: 90000000\r\n\r\n"
        connection.sendall(head + bytes(20_000_000))
        while client.store["fs.chunks"].count_documents({}) == 0:
            pass
        assert service.end() == 0
    assert client.store["fs.chunks"].count_documents({}) == 0
    service.assert_content()


def test_an_end_in_the_middle_of_a_download(serve):
    service, browser = serve()
    browser.post("/files/large", content=bytes(30_000_000), timeout=60).raise_for_status()
    with browser.stream("GET", "/files/large") as response:
        pieces = response.iter_raw()  # which hangs up when it is forgotten
        assert next(pieces)
        assert service.end() == 0
    # aiohttp closes the connection without waiting for what nobody reads; asyncio warns of that.
    assert not re.search("Traceback|MongoClient|never|destroyed|ignored", service.said)
