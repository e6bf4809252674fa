"""A DNS server of the tests' own, over UDP and TCP, and a resolver that asks it and nobody else."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from typing import Any

import dns.asyncresolver
import dns.exception
import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.resolver
import dns.rrset
import pytest

#: Instead of records: no answer ever comes, or the server says that it has failed.
SILENCE, FAILURE = "silence", "failure"


class DnsServer:
    """Answers with `records`: by name (in lower case, without the final dot) and type, a list of
    texts as in a zone file, or `SILENCE` or `FAILURE`. They may be changed at any time.

    :ivar ttl: of all records, in seconds.
    :ivar truncate: have clients ask again over TCP.
    """

    def __init__(self, records: dict[tuple[str, str], Any] | None = None, ttl: int = 60) -> None:
        self.records = dict(records or {})
        self.ttl = ttl
        self.truncate = False
        #: The questions so far, in order: name, type, "udp" or "tcp".
        self.asked: list[tuple[str, str, str]] = []
        self._arrived = threading.Condition()
        self._udp, self._tcp = _both_sockets()
        self.port: int = self._udp.getsockname()[1]
        self._threads = [
            threading.Thread(target=main, daemon=True) for main in (self._serve_udp, self._accept)
        ]
        for thread in self._threads:
            thread.start()

    def wait_for_questions(self, name: str, count: int, timeout: float = 30) -> None:
        """Wait until a name has been asked for so many times in all."""

        def reached() -> bool:
            return len([asked for asked in self.asked if asked[0] == name]) >= count

        with self._arrived:
            assert self._arrived.wait_for(reached, timeout), self.asked

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._tcp.shutdown(socket.SHUT_RDWR)
        self._tcp.close()
        with contextlib.suppress(OSError):  # a datagram that is no question wakes the thread
            self._udp.sendto(b"", self._udp.getsockname())
        for thread in self._threads:
            thread.join()
        self._udp.close()

    def _serve_udp(self) -> None:
        while True:
            data, client = self._udp.recvfrom(4096)
            if not data:
                return
            reply = self._reply(data, "udp")
            if reply is not None:
                self._udp.sendto(reply, client)

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._tcp.accept()
                with connection, contextlib.suppress(OSError):
                    size = int.from_bytes(connection.recv(2, socket.MSG_WAITALL), "big")
                    reply = self._reply(connection.recv(size, socket.MSG_WAITALL), "tcp")
                    if reply is not None:
                        connection.sendall(len(reply).to_bytes(2, "big") + reply)

    def _reply(self, data: bytes, way: str) -> bytes | None:
        query = dns.message.from_wire(data)
        question = query.question[0]
        name = question.name.to_text(omit_final_dot=True).lower()
        kind = dns.rdatatype.to_text(question.rdtype)
        with self._arrived:
            found = self.records.get((name, kind))
            self.asked.append((name, kind, way))
            self._arrived.notify_all()
        if found == SILENCE:
            return None
        reply = dns.message.make_response(query)
        reply.flags |= dns.flags.RA
        if found == FAILURE:
            reply.set_rcode(dns.rcode.SERVFAIL)
        elif found:
            reply.answer.append(dns.rrset.from_text(question.name, self.ttl, "IN", kind, *found))
        elif not any(other == name for other, _ in self.records):
            reply.set_rcode(dns.rcode.NXDOMAIN)
        if way == "udp" and self.truncate:
            reply.flags |= dns.flags.TC
            reply.answer.clear()
        return reply.to_wire()


def _both_sockets() -> tuple[socket.socket, socket.socket]:
    """A UDP and a TCP socket with the same number."""
    while True:
        tcp = socket.create_server(("127.0.0.1", 0))
        udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            udp.bind(tcp.getsockname())
        except OSError:
            tcp.close()
            udp.close()
        else:
            return udp, tcp


@contextlib.contextmanager
def only_dns(
    server: DnsServer, ports: dict[int, int] | None = None, timeout: float = 1.0
) -> Iterator[None]:
    """Have everything in this process ask a server for SRV, TXT and, if it knows them, A records.

    :param ports: of the hosts that the server knows: the port that is really meant by one.
    :param timeout: until a question is asked again, in seconds.
    """
    system = socket.getaddrinfo
    with pytest.MonkeyPatch.context() as patch:
        for module, kind in (
            (dns.resolver, dns.resolver.Resolver),
            (dns.asyncresolver, dns.asyncresolver.Resolver),
        ):
            resolver = kind(configure=False)
            resolver.nameservers = ["127.0.0.1"]
            resolver.port = server.port
            resolver.timeout = timeout
            patch.setattr(module, "default_resolver", resolver)

        def getaddrinfo(host: Any, port: Any, *args: Any, **kwargs: Any) -> Any:
            addresses = server.records.get((host, "A"))
            if not addresses:
                return system(host, port, *args, **kwargs)
            kwargs.pop("flags", None)
            return system(addresses[0], (ports or {}).get(port, port), *args, **kwargs)

        def hidden(host: Any, port: Any, *args: Any, **kwargs: Any) -> Any:
            if kwargs.get("flags") == socket.AI_NUMERICHOST and (host, "A") in server.records:
                raise socket.gaierror(socket.EAI_NONAME, "a name")
            return getaddrinfo(host, port, *args, **kwargs)

        patch.setattr(socket, "getaddrinfo", hidden)
        yield
