"""Counting words in the background: Celery, whose broker and results are in MongoDB too.

    python -m mongodriver local -- sh -c '
        celery --workdir examples/celery -A words worker --loglevel INFO &
        python examples/celery/words.py README.md; kill $!; wait'

Celery and kombu are made for PyMongo; `install_as_pymongo` gives them this driver. Both the worker
and whoever calls tasks import this module before anything of theirs imports PyMongo.
"""

from __future__ import annotations

import os
import sys
from collections import Counter
from pathlib import Path
from urllib.parse import urlsplit

import mongodriver
from mongodriver.errors import AutoReconnect

mongodriver.install_as_pymongo()

from celery import Celery, chord, signals  # noqa: E402

URI = os.environ["MONGODB_URI"]
PIECE = 50  # lines


def with_database(name: str) -> str:
    """The connection string with a database in it, which is how Celery takes one."""
    return urlsplit(URI)._replace(path=f"/{name}").geturl()


app = Celery("words", broker=with_database("broker"), backend=with_database("results"))
app.conf.update(task_acks_late=True, worker_send_task_events=False, result_expires=3600)

# Made here, before the worker forks its processes, and opened by the first task in each of them.
client = mongodriver.MongoClient(URI, connect=False, appname="words")


@signals.worker_process_shutdown.connect
def close_client(**_: object) -> None:
    """A process of the worker ends."""
    client.close()


@app.task(autoretry_for=(AutoReconnect,), retry_backoff=True)
def count(text: str) -> dict[str, int]:
    """How often each word is in a text."""
    return Counter(text.lower().split())


@app.task(autoretry_for=(AutoReconnect,), retry_backoff=True)
def store(counts: list[dict[str, int]], name: str) -> int:
    """Store the sum of some counts; return how many words there are.

    Done twice it gives the same, as every task should: it may be retried.
    """
    total = sum((Counter(some) for some in counts), Counter[str]())
    entries = [{"word": word, "count": number} for word, number in total.most_common()]
    texts = client.words.texts
    texts.replace_one({"_id": name}, {"words": entries}, upsert=True)
    return total.total()


def main() -> None:
    """Have a file's words counted piece by piece; print how many there are, and the commonest."""
    path = Path(sys.argv[1])
    lines = path.read_text().splitlines()
    pieces = ["\n".join(lines[i : i + PIECE]) for i in range(0, len(lines), PIECE)]
    with app, client:
        counted = chord([count.s(piece) for piece in pieces], store.s(path.name)).delay()
        print(counted.get(timeout=60), "words")
        for entry in client.words.texts.find_one({"_id": path.name})["words"][:5]:
            print(entry["count"], entry["word"])


if __name__ == "__main__":
    main()
