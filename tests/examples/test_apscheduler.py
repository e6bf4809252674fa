"""APScheduler with its job store, which is made for PyMongo."""

from __future__ import annotations

import signal

import pytest

pytest.importorskip("apscheduler", reason="`make examples` installs the frameworks")

pytestmark = [pytest.mark.slow, pytest.mark.server]
PROGRAM = "examples/apscheduler/reminders.py"


@pytest.fixture
def reminders(start):
    """Runs the program to its end; the lines that it has printed."""

    def run(*arguments):
        service = start(PROGRAM, *arguments)
        assert service.wait() == 0, service.said
        service.assert_content()
        return service.said.splitlines()

    return run


def test_reminders(reminders, client):
    assert reminders("list") == []
    assert reminders("add", "0", "Milk") == []
    assert reminders("add", "0", "Bread") == []
    assert reminders("add", "0.2", "Tea") == []
    assert [line.split()[-1] for line in reminders("list")] == ["Milk", "Bread", "Tea"]
    assert client.reminders.jobs.count_documents({}) == 3
    said = reminders("run", "--drain")
    assert said[0] == "running"
    assert sorted(said[1:]) == ["Bread", "Milk", "Tea"]
    assert reminders("list") == []
    assert reminders("run", "--drain") == ["running"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_what_is_left_is_there_for_the_next_one(reminders, start, client, number):
    reminders("add", "0", "Milk")
    reminders("add", "3600", "Later")
    service = start(PROGRAM, "run")
    service.hear("running")
    service.hear("Milk")
    while client.reminders.jobs.count_documents({}) > 1:
        pass  # the scheduler removes what it has begun a moment later
    assert service.end(number) == (-number if number == signal.SIGKILL else 0)
    service.assert_content()
    assert [line.split()[-1] for line in reminders("list")] == ["Later"]
