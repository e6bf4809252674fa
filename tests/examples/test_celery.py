"""Celery with kombu's broker and Celery's results, which are made for PyMongo."""

from __future__ import annotations

from collections import Counter

import pytest
from services import ROOT

pytest.importorskip("celery", reason="`make examples` installs the frameworks")

pytestmark = [pytest.mark.slow, pytest.mark.server]
WORKER = ["-m", "celery", "--workdir", "examples/celery", "-A", "words", "worker"]
READY = r"celery@\S+ ready"
#: They leave clients of their own open.
LIBRARIES = "celery|kombu"


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
    caller = start("examples/celery/words.py", "LICENSE")
    assert caller.wait() == 0, caller.said
    caller.assert_content(LIBRARIES)
    assert caller.said.splitlines()[0] == f"{expected.total()} words"
    stored = client.words.texts.find_one({"_id": "LICENSE"})["words"]
    assert {entry["word"]: entry["count"] for entry in stored} == expected
    assert client.results["celery_taskmeta"].count_documents({"status": "SUCCESS"}) > 4
    assert service.end() == 0
    service.assert_content(LIBRARIES)
