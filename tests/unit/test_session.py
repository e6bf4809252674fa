"""Server sessions: the pool of them, and the state of explicit ones."""

from __future__ import annotations

import pytest

from bsonx.int64 import Int64
from bsonx.timestamp import Timestamp
from mongodriver.errors import InvalidOperation
from mongodriver.sessions import server_session as module
from mongodriver.sessions.server_session import ServerSession, ServerSessionPool
from mongodriver.sessions.session import Session


@pytest.fixture
def clock(monkeypatch):
    """The time sessions see, in seconds; set it by `clock[0] = ...`."""
    now = [1000.0]
    monkeypatch.setattr(module, "monotonic", lambda: now[0])
    return now


@pytest.fixture
def pool(clock):
    made = ServerSessionPool()
    made.expire_after(30)
    return made


def test_ids_are_random_uuids():
    ids = {ServerSession(ServerSessionPool()).lsid["id"] for _ in range(100)}
    assert len(ids) == 100
    for id in ids:
        assert id.subtype == 4
        assert len(id) == 16
        assert id[6] >> 4 == 4
        assert id[8] >> 6 == 2


def test_the_session_used_last_is_used_next(pool):
    one, two = pool.acquire(), pool.acquire()
    pool.release(one)
    pool.release(two)
    assert pool.acquire() is two
    assert pool.acquire() is one
    assert pool.acquire() not in (one, two)


def test_a_session_about_to_expire_is_not_used_again(pool, clock):
    session = pool.acquire()
    pool.release(session)
    clock[0] += 29 * 60
    assert pool.acquire() is session
    pool.release(session)
    clock[0] += 29 * 60 + 1
    assert pool.acquire() is not session


def test_using_a_session_keeps_it_young(pool, clock):
    session = pool.acquire()
    for _ in range(3):
        clock[0] += 25 * 60
        session.last_use = clock[0]
        pool.release(session)
        assert pool.acquire() is session


def test_expired_sessions_leave_the_pool_when_others_come_back(pool, clock):
    old = pool.acquire()
    young = pool.acquire()
    pool.release(old)
    clock[0] += 30 * 60
    young.last_use = clock[0]
    pool.release(young)
    assert pool.drain() == [young.lsid]


def test_sessions_do_not_expire_where_no_timeout_is_known(pool, clock):
    pool.expire_after(None)
    session = pool.acquire()
    pool.release(session)
    clock[0] += 10**6
    assert pool.acquire() is session


def test_dirty_sessions_are_forgotten(pool):
    session = pool.acquire()
    session.dirty = True
    pool.release(session)
    assert pool.drain() == []


def test_transaction_numbers_rise_and_are_int64(pool):
    session = pool.acquire()
    first = session.next_transaction()
    assert type(first) is Int64
    assert first == 1
    pool.release(session)
    assert pool.acquire().next_transaction() == 2


def test_a_server_session_stands_for_a_session_where_none_is_given(pool):
    session = pool.acquire()
    assert session.server_session is session
    assert (session.implicit, session.in_transaction, session.cluster_time) == (True, False, None)
    session.end()
    assert pool.drain() == [session.lsid]
    session.mark_dirty()
    session.end()
    assert pool.drain() == []


def test_an_explicit_session_ends_once(pool):
    session = Session(object(), pool)
    id = session.session_id
    assert session.session_id == id
    session.end()
    session.end()
    assert pool.drain() == [id]
    with pytest.raises(InvalidOperation, match="Cannot use ended session"):
        assert session.session_id


def test_times_only_advance(pool):
    session = Session(object(), pool)
    for seconds in (5, 9, 7):
        session.advance_operation_time(Timestamp(seconds, 0))
        session.advance_cluster_time({"clusterTime": Timestamp(seconds, 1)})
    assert session.operation_time == Timestamp(9, 0)
    assert session.cluster_time == {"clusterTime": Timestamp(9, 1)}


def test_a_snapshot_takes_the_time_of_its_first_read(pool):
    session = Session(object(), pool, causal_consistency=False, snapshot=True)
    session.observe({"ok": 0, "atClusterTime": Timestamp(1, 1)})
    assert session.snapshot_time is None
    session.observe({"ok": 1, "cursor": {"atClusterTime": Timestamp(2, 2)}})
    session.observe({"ok": 1, "atClusterTime": Timestamp(3, 3)})
    assert session.snapshot_time == Timestamp(2, 2)


def test_a_child_process_does_not_use_its_parents_sessions(pool):
    session = pool.acquire()
    pool.release(session)
    pool.after_fork()
    assert pool.acquire() is not session
