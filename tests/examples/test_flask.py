"""Flask under gunicorn, whose workers are forked from a process that has loaded the application."""

from __future__ import annotations

import os
import random
import signal
from concurrent.futures import ThreadPoolExecutor

import pytest

pytest.importorskip("flask", reason="`make examples` installs the frameworks")
pytest.importorskip("gunicorn", reason="`make examples` installs the frameworks")
httpx = pytest.importorskip("httpx", reason="`make examples` installs the frameworks")

pytestmark = [pytest.mark.slow, pytest.mark.server]
GUNICORN = ["-m", "gunicorn", "--bind", "127.0.0.1:0"]
CONF = ["-c", "examples/flask/gunicorn.conf.py"]
NONE_LEFT = {"name": "eve", "cents": -1}
TOO_MUCH = {"name": "eve", "cents": 2**63}
BOOTED = r"Booting worker with pid: (\d+)"


@pytest.fixture
def serve(start, tmp_path):
    """Starts gunicorn with two workers; returns it, and an HTTP client of it."""
    browsers = []

    def begin(*options):
        service = start(*GUNICORN, *options, HOME=str(tmp_path))  # it keeps a socket there
        service.hear(BOOTED, 2)
        browsers.append(httpx.Client(base_url=service.hear(r"Listening at: (http://[\d.:]+)")[1]))
        return service, browsers[-1]

    yield begin
    for browser in browsers:
        browser.close()


def test_transfers(serve):
    service, browser = serve(*CONF)
    for name in ("ada", "bob"):
        made = browser.post("/accounts", json={"name": name, "cents": 100})
        assert (made.status_code, made.json()) == (201, {"id": name, "cents": 100})
    assert browser.post("/accounts", json={"name": "ada", "cents": 5}).status_code == 409
    for wrong in ({"name": 7, "cents": 5}, {"name": "eve"}, ["eve"], 7, NONE_LEFT, TOO_MUCH):
        assert browser.post("/accounts", json=wrong).status_code == 400, wrong
    paid = browser.post("/transfers", json={"source": "ada", "target": "bob", "cents": 30})
    assert paid.status_code == 201
    assert browser.get("/accounts/ada").json()["cents"] == 70
    assert browser.get("/accounts/bob").json()["cents"] == 130
    statement = browser.get("/accounts/bob/transfers").json()
    assert [one["id"] for one in statement] == [paid.json()["id"]]
    for refused, code in (
        ({"source": "ada", "target": "bob", "cents": 71}, 409),
        ({"source": "ada", "target": "eve", "cents": 70}, 404),
        ({"source": "ada", "target": "bob", "cents": 0}, 400),
        ({"source": "ada", "target": "bob", "cents": True}, 400),
        ({"source": "ada", "target": "bob", "cents": 2**63}, 400),
    ):
        assert browser.post("/transfers", json=refused).status_code == code
    assert browser.get("/accounts/ada").json()["cents"] == 70
    assert len(browser.get("/accounts/ada/transfers").json()) == 1
    assert browser.get("/accounts/eve").status_code == 404
    assert service.end() == 0
    service.assert_content()


def trade(base_url, seed):
    """Transfers between accounts that others use as well; how many there were."""
    chance = random.Random(seed)
    done = 0
    for _ in range(10):
        source, target = chance.sample("abcd", 2)
        payment = {"source": source, "target": target, "cents": chance.randint(1, 40)}
        with httpx.Client(base_url=base_url) as browser:
            code = browser.post("/transfers", json=payment, timeout=60).status_code
        assert code in (201, 409)
        done += code == 201
    return done


@pytest.mark.parametrize("worker_class", ["sync", "gthread", "gevent"])
def test_no_money_is_lost(serve, client, worker_class):
    if worker_class == "gevent":
        pytest.importorskip("gevent", reason="gevent is not made for every interpreter")
    service, browser = serve(*CONF, "--worker-class", worker_class)
    for name in "abcd":
        browser.post("/accounts", json={"name": name, "cents": 100})
    with ThreadPoolExecutor(8) as threads:
        done = sum(threads.map(trade, [browser.base_url] * 8, range(8)))
    accounts = client.bank.accounts
    assert sum(account["cents"] for account in accounts.find()) == 400
    assert client.bank.transfers.count_documents({}) == done > 0
    assert service.end() == 0
    service.assert_content()


def test_the_database_is_away(serve, client, cut):
    service, browser = serve(*CONF)
    for name in ("ada", "bob"):
        browser.post("/accounts", json={"name": name, "cents": 100})
    payment = {"source": "ada", "target": "bob", "cents": 30}
    with cut("bank", "find", "update"):
        for away in (
            browser.get("/accounts/ada", timeout=60),
            browser.post("/transfers", json=payment, timeout=60),
        ):
            assert (away.status_code, away.json()) == (503, {"error": "no database"})
    assert browser.get("/accounts/ada").json()["cents"] == 100
    assert browser.post("/transfers", json=payment, timeout=60).status_code == 201
    assert browser.get("/accounts/bob").json()["cents"] == 130
    assert service.end() == 0
    service.assert_content()


def test_workers_come_and_go(serve):
    service, browser = serve(*CONF)
    browser.post("/accounts", json={"name": "ada", "cents": 100})
    os.kill(int(service.hear(BOOTED)[1]), signal.SIGKILL)
    service.hear(BOOTED, 3)
    assert look_often(browser.base_url) == {100}
    os.kill(service.pid, signal.SIGHUP)  # all workers anew, from the same preloaded application
    service.hear(BOOTED, 5)
    service.hear("Worker exiting", 2)
    assert look_often(browser.base_url) == {100}
    os.kill(service.pid, signal.SIGTTIN)  # one more
    service.hear(BOOTED, 6)
    assert look_often(browser.base_url) == {100}
    assert service.end() == 0
    service.assert_content()


def look_often(base_url):
    """What the workers say, asked over many connections, so that each of them is asked."""

    def look(number):
        with httpx.Client(base_url=base_url) as browser:
            return browser.get("/accounts/ada", timeout=60).json()["cents"]

    with ThreadPoolExecutor(8) as threads:
        return {*threads.map(look, range(40))}


WRONG = """
import os
from mongodriver import MongoClient

client = MongoClient(os.environ["MONGODB_URI"])
client.bank.visits.insert_one({"_id": "count", "visits": 0})

def app(environment, start_response):
    client.bank.visits.update_one({}, {"$inc": {"visits": 1}})
    start_response("204 No Content", [])
    return []
"""


def test_a_client_that_was_used_before_the_fork(serve, client, tmp_path):
    """Not as it should be done: each worker is warned. It works nevertheless."""
    (tmp_path / "early.py").write_text(WRONG)
    options = ["--workers", "2", "--preload", "--pythonpath", str(tmp_path), "early:app"]
    service, browser = serve(*options)
    with ThreadPoolExecutor(8) as threads:
        codes = {*threads.map(lambda _: httpx.get(browser.base_url).status_code, range(40))}
    assert codes == {204}
    assert client.bank.visits.find_one()["visits"] == 40
    service.hear("MongoClient opened before fork")
    assert service.end() == 0
    assert "Traceback" not in service.said
    assert 1 <= service.said.count("MongoClient opened before fork") <= 2
