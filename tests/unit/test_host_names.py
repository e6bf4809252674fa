"""The names of hosts for Kerberos: what is looked up, and what counts where nothing is found."""

from __future__ import annotations

import socket

import pytest

from mongodriver.identity import host_names

ADDRESS = ("192.0.2.1", 0)


@pytest.fixture
def dns(monkeypatch):
    """A resolver that knows one host by an alias, and its address by another name still."""

    def forward(host, *args):
        assert args == (None, 0, 0, socket.IPPROTO_TCP, socket.AI_CANONNAME)
        if host != "alias.test":
            raise socket.gaierror("unknown")
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "Real.Test", ADDRESS)]

    def reverse(address, flags):
        assert (address, flags) == (ADDRESS, socket.NI_NAMEREQD)
        return "Reverse.Test", "0"

    monkeypatch.setattr(socket, "getaddrinfo", forward)
    monkeypatch.setattr(socket, "getnameinfo", reverse)
    return monkeypatch


@pytest.mark.parametrize(
    ("mode", "name"),
    [
        (False, "alias.test"),
        ("none", "alias.test"),
        ("forward", "real.test"),
        ("forwardAndReverse", "reverse.test"),
        (True, "reverse.test"),
    ],
)
def test_modes(dns, mode, name):
    assert host_names.canonical_name("alias.test", mode) == name


@pytest.mark.parametrize("mode", ["forward", True])
def test_a_host_that_is_not_found_keeps_its_name(dns, mode):
    assert host_names.canonical_name("Other.test", mode) == "Other.test"
    dns.setattr(socket, "getaddrinfo", lambda *args: [])
    assert host_names.canonical_name("alias.test", mode) == "alias.test"


def test_an_address_without_a_name(dns):
    def unknown(*args):
        raise socket.gaierror("no name")

    dns.setattr(socket, "getnameinfo", unknown)
    assert host_names.canonical_name("alias.test", True) == "real.test"
