"""Replica sets: form one, lose members, get them back."""

import pytest

from mongodriver.local import LocalServer, LocalServerError

from .processes import TIMEOUT

pytestmark = pytest.mark.server


def ask(server: LocalServer, member: int, body: dict) -> dict:
    return server.command(member, body, TIMEOUT)


def test_one_member():
    with LocalServer(replica_set=True) as server:
        assert server.uri == f"mongodb://{server.members[0].address}/?replicaSet=rs0"
        assert server.primary() == 0
        settings = ask(server, 0, {"replSetGetConfig": 1})["config"]["settings"]
        assert settings["electionTimeoutMillis"] == 2000
        assert settings["heartbeatIntervalMillis"] == 500
        term = ask(server, 0, {"replSetGetStatus": 1})["term"]
        server.step_down()
        assert server.primary() == 0
        assert ask(server, 0, {"replSetGetStatus": 1})["term"] > term


def test_a_name_of_ones_own():
    with LocalServer("myset") as server:
        assert server.uri.endswith("?replicaSet=myset")
        assert ask(server, 0, {"hello": 1})["setName"] == "myset"


def test_a_kept_set_is_found_again(tmp_path):
    with LocalServer("rs0", path=tmp_path) as server:
        uri = server.uri
        ask(server, 0, {"insert": "kept", "documents": [{"_id": 1}]})
    with LocalServer("rs0", path=tmp_path) as server:
        assert server.uri == uri
        assert ask(server, 0, {"count": "kept"})["n"] == 1
    with pytest.raises(LocalServerError, match="holds a replica set of 1 members"):
        LocalServer("rs0", 3, path=tmp_path).start()


def test_three_members_and_their_failures():
    with LocalServer("rs0", members=3) as server:
        assert len({member.port for member in server.members}) == 3
        first = server.primary()
        server.kill(first)
        second = server.primary()
        assert second != first
        server.restart(first)
        assert ask(server, first, {"hello": 1})["secondary"]
        server.step_down()
        third = server.primary()
        assert third != second
        server.stop(third)
        assert not server.members[third].running
        assert server.primary() != third
        assert "shutting down" in server.members[third].log_tail().lower()


def test_waiting_for_a_primary_ends_when_nobody_is_left():
    with LocalServer("rs0") as server:
        server.kill(0)
        with pytest.raises(LocalServerError, match="no member runs while waiting for a primary"):
            server.primary()


def test_waiting_for_a_primary_has_a_limit():
    with LocalServer("rs0", members=2) as server:
        survivor = 1 - server.primary()
        server.kill(1 - survivor)
        server._timeout = 0.2
        with pytest.raises(LocalServerError, match=r"waited 0\.2 s for a primary"):
            server.primary()
