"""PyMongo's modules that nobody documents: what is in them does what it does there."""

from __future__ import annotations

import asyncio
import importlib
import queue
import socket
import ssl
import threading
import weakref
from types import SimpleNamespace

import pytest

from mongodriver.errors import ConfigurationError

MODULES = (
    *("common", "compression_support", "helpers_shared", "logger", "message", "network_layer"),
    *("pool_options", "pool_shared", "response", "socket_checker", "ssl_context", "ssl_support"),
    *("topology_shared", "uri_parser_shared", "asynchronous.srv_resolver"),
    *("synchronous.srv_resolver", "synchronous.settings", "asynchronous.settings"),
)


def names(package):
    found = SimpleNamespace()
    for module in MODULES:
        try:
            setattr(found, module.split(".")[-1], importlib.import_module(f"{package}.{module}"))
        except ModuleNotFoundError as error:
            if error.name != f"{package}.{module}":
                raise
    found.sync_settings = importlib.import_module(f"{package}.synchronous.settings")
    found.socketpair, found.queue, found.weakref = socket.socketpair, queue, weakref
    return vars(found)


OURS, THEIRS = names("mongodriver"), names("pymongo")


def outcome(expression, known):
    try:
        return repr(eval(expression, {**known}))
    except Exception as exc:
        return f"{type(exc).__name__}: {exc}"


@pytest.mark.parametrize(
    "expression",
    [
        "helpers_shared.format_timeout_details({'connectTimeoutMS': 2.0, 'socketTimeoutMS': 5.0})",
        "helpers_shared.format_timeout_details({'timeoutMS': 200.0, 'x': 1})",
        "helpers_shared.format_timeout_details({})",
        "helpers_shared.format_timeout_details(None)",
        "(message.MAX_INT32, message.MIN_INT32)",
        "str(logger.LogMessage(message='m', clientId=3, command={'a': 1}, port=None))",
        "str(logger.LogMessage(a=1, reply={'x': 'y' * 2000}))",
        "compression_support.decompress(compression_support.ZlibContext(9).compress(b'a'), 2, 1)",
        "compression_support.decompress(compression_support.ZlibContext(9).compress(b'abc'), 2, 2)",
        "compression_support.decompress(compression_support.SnappyContext.compress(b'a'), 1, 9)",
        "compression_support.decompress(compression_support.ZstdContext.compress(b'ab'), 3, 9)",
        "compression_support.decompress(b'abc', 0, 10)",
        "compression_support.decompress(b'abc', 9, 10)",
        "compression_support.decompress(b'zzz', 2, 10)",
        "compression_support.validate_zlib_compression_level('o', 10)",
        "compression_support.validate_compressors('o', 'zlib,snappy')",
        *(
            f"getattr(compression_support.CompressionSettings(['zlib'], 5)"
            f".get_compression_context({wanted}), 'compressor_id', None)"
            for wanted in ("['zlib']", "['snappy', 'zlib']", "['zstd']", "['x']", "[]", "None")
        ),
        "compression_support.CompressionSettings([], 5).get_compression_context(['zlib']).level",
        "pool_options.get_container_env_info()",
        "pool_options.DOCKER_ENV_PATH, pool_options.ENV_VAR_K8S",
        "pool_shared.SSLErrors, pool_shared.PoolState.PAUSED, pool_shared.PoolState().CLOSED",
        "ssl_context.BLOCKING_IO_ERRORS, ssl_context.HAS_SNI, ssl_context.PROTOCOL_SSLv23",
        "ssl_support.BLOCKING_IO_LOOKUP_ERROR, ssl_support.SSL_EOF_ERRORS, ssl_support.HAVE_PYSSL",
        "ssl_support.get_ssl_context(None, None, None, None, True, True, True, True).verify_mode",
        "ssl_support.get_ssl_context(*[None] * 4, False, True, True, True).check_hostname",
        "ssl_support.get_ssl_context(*[None] * 4, False, False, True, True).check_hostname",
        "srv_resolver.maybe_decode(b'a'), srv_resolver.maybe_decode('a')",
        "common.check_for_min_version('python-snappy')[2]",
        "common.check_for_min_version('dnspython')[0::2]",
        "common.check_for_min_version('no-such-package')",
        "topology_shared.process_events_queue(lambda: None)",
        "[getattr(response.Response(1, 2, 3, 4, 5), n) for n in "
        "('data', 'address', 'request_id', 'duration', 'docs')]",
        "response.PinnedResponse(1, 2, 3, 4, 5, 6, 7).more_to_come",
        "response.PinnedResponse(1, 2, 3, 4, 5, 6, 7).conn",
        "sync_settings.TopologySettings().get_server_descriptions()",
        "sync_settings.TopologySettings([('a', 1)]).seeds",
        "sync_settings.TopologySettings([('a', 1)], direct_connection=True).get_topology_type()",
        "sync_settings.TopologySettings([('a', 1)], load_balanced=True).get_topology_type()",
        "sync_settings.TopologySettings([('a', 1)], 'rs').get_topology_type()",
        "sync_settings.TopologySettings([('a', 1)]).get_topology_type()",
        "sync_settings.TopologySettings(heartbeat_frequency=0.1)",
        *(
            f"sync_settings.TopologySettings(srv_max_hosts=2).{name}"
            for name in (
                *("direct", "fqdn", "heartbeat_frequency", "load_balanced", "local_threshold_ms"),
                *("replica_set_name", "server_monitoring_mode", "server_selection_timeout"),
                *("server_selector", "srv_allowed_hosts_suffix", "srv_host_validator"),
                *("srv_max_hosts", "srv_service_name"),
            )
        ),
    ],
)
def test_same_as_pymongo(expression):
    assert outcome(expression, OURS) == outcome(expression, THEIRS).replace("pymongo.", "")


def test_a_context_for_files_that_are_not_there():
    with pytest.raises(ConfigurationError, match="/no/such"):
        OURS["ssl_support"].get_ssl_context(None, None, "/no/such", None, False, False, True, True)
    context = OURS["ssl_support"].get_ssl_context(*[None] * 4, False, False, False, True)
    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)


@pytest.mark.parametrize("known", [OURS, THEIRS], ids=["ours", "pymongo"])
def test_sockets_are_looked_at(known):
    checker = known["socket_checker"].SocketChecker()
    a, b = socket.socketpair()
    assert checker.select(a, write=True)
    assert not checker.select(a, read=True)
    assert not checker.socket_closed(a)
    b.sendall(b"x")
    assert checker.select(a, read=True, timeout=None)
    a.recv(1)
    b.close()
    assert checker.socket_closed(a)
    a.close()
    assert checker.socket_closed(a)
    with pytest.raises(ValueError, match="negative"):
        checker.select(a, read=True)


@pytest.mark.parametrize("known", [OURS, THEIRS], ids=["ours", "pymongo"])
def test_events_are_told_from_a_queue(known):
    calls: list = []
    events: queue.Queue = queue.Queue()
    events.put((lambda *arguments: calls.append(arguments), (1, 2)))
    events.put((calls.append, (3,)))
    assert known["topology_shared"].process_events_queue(weakref.ref(events))
    assert calls == [(1, 2), 3]


@pytest.mark.parametrize("package", ["mongodriver", "pymongo"])
def test_a_periodic_executor(package):
    module = importlib.import_module(f"{package}.periodic_executor")
    calls: queue.Queue = queue.Queue()
    going_on = threading.Event()

    def target():
        calls.put(None)
        return not going_on.is_set()

    executor = module.PeriodicExecutor(3600, 0, target, "again")
    assert repr(executor).startswith("<PeriodicExecutor(name=again) object at 0x")
    executor.open()
    executor.open()
    calls.get(timeout=30)
    executor.wake()
    calls.get(timeout=30)
    executor.close()
    executor.join(30)
    assert calls.empty()
    executor.open()
    calls.get(timeout=30)
    going_on.set()
    executor.wake()
    calls.get(timeout=30)
    executor.join(30)  # the target does not want to go on
    assert calls.empty()


@pytest.mark.parametrize("package", ["mongodriver", "pymongo"])
def test_a_periodic_executor_of_a_task(package):
    module = importlib.import_module(f"{package}.periodic_executor")

    async def main():
        calls: asyncio.Queue = asyncio.Queue()

        async def target():
            calls.put_nowait(None)
            return True

        executor = module.AsyncPeriodicExecutor(3600, 0, target)
        executor.open()
        await asyncio.wait_for(calls.get(), 30)
        executor.wake()
        await asyncio.wait_for(calls.get(), 30)
        executor.update_interval(0.001)
        executor.wake()
        for _ in range(3):  # without being asked
            await asyncio.wait_for(calls.get(), 30)
        executor.close()
        await executor.join(30)

    asyncio.run(main())
