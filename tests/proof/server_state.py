"""What a server still holds for its clients."""

from __future__ import annotations

import threading
import time

from mongodriver import MongoClient

WAIT = 60


def wait_until_idle(client: MongoClient) -> None:
    """Wait until the server has no open cursor and no open transaction any more."""
    deadline = time.monotonic() + WAIT
    while True:
        status = client.admin.command("serverStatus")
        cursors = status["metrics"]["cursor"]["open"]["total"]
        transactions = status["transactions"]["currentOpen"]
        if cursors == transactions == 0:
            return
        assert time.monotonic() < deadline, (cursors, transactions)
        threading.Event().wait(0.1)
