"""SRV and TXT look-ups, on answers dnspython parsed from text."""

from __future__ import annotations

from unittest.mock import MagicMock

import dns.exception
import dns.resolver
import dns.rrset
import pytest

from mongodriver.errors import ConfigurationError
from mongodriver.io.dns import resolve_srv, resolve_txt
from mongodriver.uri_parser import parse_uri


class Answer:
    """What the resolver returns: records, and the set they are from."""

    def __init__(self, rrset):
        self.rrset = rrset

    def __iter__(self):
        return iter(self.rrset)

    def __len__(self):
        return len(self.rrset)

    def __getitem__(self, index):
        return self.rrset[index]


@pytest.fixture
def zone(monkeypatch):
    """Names and their records or errors; every question is kept under "asked"."""
    records = {"asked": []}

    def resolve(name, kind, lifetime=None):
        records["asked"].append((name, kind, lifetime))
        found = records.get((name, kind), dns.resolver.NXDOMAIN())
        if isinstance(found, Exception):
            raise found
        return Answer(dns.rrset.from_text(name, 60, "IN", kind, *found))

    monkeypatch.setattr(dns.resolver, "resolve", resolve)
    return records


NAME = "_mongodb._tcp.cluster.test"


def test_srv_records_are_addresses(zone):
    zone[NAME, "SRV"] = ["0 5 27317 A.Cluster.test.", "0 5 27018 b.cluster.test."]
    hosts, ttl = resolve_srv(NAME, 2.5)
    assert hosts == [("a.cluster.test", 27317), ("b.cluster.test", 27018)]
    assert ttl == 60
    assert zone["asked"] == [(NAME, "SRV", 2.5)]


def test_records_without_their_set(monkeypatch):
    records = list(dns.rrset.from_text(NAME, 60, "IN", "SRV", "0 5 27317 a.cluster.test."))
    monkeypatch.setattr(dns.resolver, "resolve", lambda *args, **kwargs: records)
    assert resolve_srv(NAME) == ([("a.cluster.test", 27317)], 0)


def test_a_resolver_that_a_mock_stands_for(monkeypatch):
    monkeypatch.setattr(dns.resolver, "resolve", MagicMock())
    assert parse_uri("mongodb+srv://cluster.example.com/db")["database"] == "db"


def test_the_root_is_a_name(zone):
    """ "No such service" (RFC 2782); errors about it show something."""
    zone[NAME, "SRV"] = ["0 0 0 ."]
    assert resolve_srv(NAME)[0] == [(".", 0)]


def test_a_name_without_srv_records(zone):
    with pytest.raises(ConfigurationError):
        resolve_srv(NAME)


def test_a_look_up_that_takes_too_long(zone):
    zone[NAME, "SRV"] = dns.exception.Timeout()
    zone["cluster.test", "TXT"] = dns.exception.Timeout()
    with pytest.raises(ConfigurationError):
        resolve_srv(NAME, 0.1)
    with pytest.raises(ConfigurationError):
        resolve_txt("cluster.test", 0.1)


def test_the_strings_of_a_txt_record_are_one(zone):
    zone["cluster.test", "TXT"] = ['"authSource=admin&" "replicaSet=rs0"']
    assert resolve_txt("cluster.test", 1.0) == "authSource=admin&replicaSet=rs0"


def test_no_txt_record(zone):
    assert resolve_txt("cluster.test") is None
    zone["cluster.test", "TXT"] = dns.resolver.NoAnswer.__new__(dns.resolver.NoAnswer)
    assert resolve_txt("cluster.test") is None


def test_several_txt_records_are_refused(zone):
    zone["cluster.test", "TXT"] = ['"a=1"', '"b=2"']
    with pytest.raises(ConfigurationError, match="Only one TXT record is supported"):
        resolve_txt("cluster.test")
