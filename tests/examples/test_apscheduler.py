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


def test_what_is_stored_while_it_runs(reminders, start):
    service = start(PROGRAM, "run")
    service.hear("running")
    reminders("add", "0", "Milk")
    service.hear("Milk")
    assert service.end() == 0
    service.assert_content()


def test_a_scheduler_that_fails_ends_the_program(reminders, start, cut):
    """It would stand still otherwise: its thread has gone."""
    reminders("add", "0", "Milk")
    with cut("reminders", "delete"):
        service = start(PROGRAM, "run")
        assert service.wait() == 1
    assert "AutoReconnect" in service.said
    assert [line.split()[-1] for line in reminders("list")] == ["Milk"]


def test_an_end_while_the_database_is_away(start, cut):
    service = start(PROGRAM, "run")
    service.hear("running")
    with cut("reminders", "find"):
        service.hear("Error getting due jobs")
        assert service.end() == 0


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
