"""Fixtures of every test folder."""

from __future__ import annotations

import contextlib
import gc
import os
import signal
from collections.abc import Generator, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from implementations import both, bx

with contextlib.suppress(ImportError):  # where only tests without it run
    from hypothesis import settings

    # How long an example takes is the machine's affair.
    settings.register_profile("no deadline", deadline=None)
    settings.load_profile("no deadline")

__all__ = ["both", "bx", "usual_signals"]

#: Whose tests run in trio in `make test` too: of each part one or two.
IN_TRIO = {
    *("test_trio", "test_trio_cancelling", "test_cancellations"),
    *("test_failover", "test_through_proxy"),
    *("test_streams", "test_tls_streams", "test_connecting", "test_mutex", "test_pool_accounting"),
    *("test_cursors", "test_transactions", "test_tls_servers", "test_server"),
}

TESTS = Path(__file__).parent
#: Tests of a file, and the part of a run in which they are; see `mixed`.
FEW = 24
FEW_UNTIL = 0.8

# Shells ignore SIGINT for what they start in the background, supervisors block or ignore others;
# and what a process ignores, its children ignore from their start.
_SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP", "SIGCHLD", "SIGALRM"]


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Name tests by no bytes but text: what is packed or encrypted can differ in each process."""
    if isinstance(val, bytes) and not (val.isascii() and val.decode("ascii").isprintable()):
        return argname
    return None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Of the tests in trio, leave those that are in `make test`, or all (`make test-trio`)."""
    if os.environ.get("MONGODRIVER_TRIO") == "all":
        return
    left: list[pytest.Item] = []
    without: list[pytest.Item] = []
    for item in items:
        stays = item.get_closest_marker("trio") is None or item.path.stem in IN_TRIO
        (left if stays else without).append(item)
    if without:
        config.hook.pytest_deselected(items=without)
        items[:] = left
    if not config.getoption("loadscopereorder", True):
        items[:] = mixed(items)


def mixed(items: list[pytest.Item]) -> list[pytest.Item]:
    """The tests in an order for several processes that each take a file at a time.

    Every folder is spread over the whole, and in it files of few tests and those of many: some
    compute, others wait, and do so at the same time. The last files have many tests, but few of
    the many: what starts processes takes longest, and all others would be idle at the end.
    """
    files: dict[Path, list[pytest.Item]] = {}
    for item in items:
        files.setdefault(item.path, []).append(item)
    alike: dict[tuple[str, bool], list[list[pytest.Item]]] = {}
    for path, tests in files.items():
        alike.setdefault((path.relative_to(TESTS).parts[0], len(tests) > FEW), []).append(tests)
    ranked: list[tuple[float, tuple[str, bool], list[pytest.Item]]] = []
    for (folder, many), group in alike.items():
        group.sort(key=len, reverse=True)
        part = (1 if many else FEW_UNTIL) / len(group)
        ranked += [(n * part, (folder, many), tests) for n, tests in enumerate(group)]
    ranked.sort(key=lambda entry: entry[:2])
    return [item for _, _, tests in ranked for item in tests]


@pytest.fixture(scope="session")
def server() -> Iterator[Any]:
    """A replica set of one member, or the deployment ``MONGODRIVER_TEST_URI`` names.

    It is there for all tests of a process, which use databases and fail points of their own.
    """
    uri = os.environ.get("MONGODRIVER_TEST_URI")
    if uri:
        yield SimpleNamespace(uri=uri)
        return
    from resting import resting_server

    with resting_server("rs0") as started:
        yield started


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Spare the collector the many thousand tests that there are, while they are made and after:
    some of them call it often, and each time it looked at all of them.
    """
    gc.disable()
    try:
        result = yield
    finally:
        gc.enable()
    _freeze()
    return result


@pytest.fixture(scope="module")
def spared_collector() -> None:
    """The same for what earlier modules have left, before tests that collect again and again."""
    _freeze()


@pytest.fixture(scope="module")
def no_authorities() -> Iterator[None]:
    """The system has none, for tests that make many TLS contexts and connect with none of them:
    to read a hundred certificates for each takes longer than all the rest.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SSL_CERT_FILE", os.devnull)
        patch.setenv("SSL_CERT_DIR", os.devnull)
        yield


def _freeze() -> None:
    if hasattr(gc, "freeze"):
        gc.collect()
        gc.freeze()


@pytest.fixture(scope="session", autouse=True)
def usual_signals() -> Iterator[None]:
    """Signals do what they usually do, whatever the parent of this process has chosen."""
    numbers = [getattr(signal, name) for name in _SIGNALS if hasattr(signal, name)]
    ignored = [number for number in numbers if signal.getsignal(number) == signal.SIG_IGN]
    blocked = set()
    if hasattr(signal, "pthread_sigmask"):
        blocked = signal.pthread_sigmask(signal.SIG_UNBLOCK, numbers)
    for number in ignored:
        usual = signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL
        signal.signal(number, usual)
    yield
    for number in ignored:
        signal.signal(number, signal.SIG_IGN)
    if blocked:
        signal.pthread_sigmask(signal.SIG_SETMASK, blocked)
