"""Celery with kombu's broker and Celery's results, which are made for PyMongo."""

from __future__ import annotations

import re
from collections import Counter

import pytest
from services import COMPLAINTS, ROOT

pytest.importorskip("celery", reason="`make examples` installs the frameworks")

pytestmark = [pytest.mark.slow, pytest.mark.server]
WORKER = ["-m", "celery", "--workdir", "examples/celery", "-A", "words", "worker"]
READY = r"celery@\S+ ready"
#: Celery and kombu leave clients of their own open, whatever the driver; and these their sockets.
THEIRS = re.compile(
    r"\S+ ResourceWarning: Unclosed MongoClient opened at:\n(?: .*\n)*?"
    r'  File "\S+/(?:celery|kombu)/\S+", line \d+, in \w+\n(?:    .*\n)?Call MongoClient.close.*\n'
    r"|\S+ ResourceWarning: unclosed <socket.*\n"
)


@pytest.fixture
def worker(start):
    """Starts a worker, and waits until it takes tasks."""

    def begin(*options):
        service = start(*WORKER, "--loglevel", "INFO", *options)
        service.hear(READY)
        return service

    return begin


POOLS = [
    ["--pool", "prefork"],
    ["--pool", "prefork", "--max-tasks-per-child", "1"],  # each task in a process of its own
    ["--pool", "threads"],
    ["--pool", "solo"],
]


@pytest.mark.parametrize("options", POOLS, ids=" ".join)
def test_words(start, worker, client, options):
    service = worker("--concurrency", "2", *options)
    expected = Counter((ROOT / "LICENSE").read_text().lower().split())
    for _ in range(2):
        count_words(start)
    stored = client.words.texts.find_one({"_id": "LICENSE"})["words"]
    assert {entry["word"]: entry["count"] for entry in stored} == expected
    assert client.results["celery_taskmeta"].count_documents({"status": "SUCCESS"}) > 4
    assert service.end(complaints=True) == 0
    assert_content(service)


def count_words(start):
    """Have a worker do the whole example."""
    caller = start("examples/celery/words.py", "LICENSE")
    assert caller.wait() == 0, caller.said
    words = len((ROOT / "LICENSE").read_text().split())
    assert caller.said.splitlines()[0] == f"{words} words"
    assert_content(caller)


def assert_content(service):
    """It has said nothing that programs should not say, but for what Celery has always said."""
    said = THEIRS.sub("", service.said)
    assert not COMPLAINTS.search(said), said
