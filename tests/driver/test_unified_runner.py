"""The runner of the unified tests itself: what the specifications' self tests leave out."""

from __future__ import annotations

import logging
from importlib.util import find_spec
from types import SimpleNamespace

import deployments
import pytest
from flavour import step
from unified import inside, survey
from unified.clients import placed, uri_options, without
from unified.failures import Mismatch, Unsupported
from unified.format import check_version
from unified.logs import Logs, check_logs, is_redacted
from unified.requirements import Deployment, why_not
from unified.spans import Span, check_spans, tree
from unified.survey import skip_reason
from unified.values import Matcher

import spec_skips

ENTITIES = [
    {"client": {"id": "client"}},
    {"database": {"id": "database", "client": "client", "databaseName": "d"}},
    {"collection": {"id": "collection", "database": "database", "collectionName": "c"}},
]


def reason(name, target="collection", entities=(), **arguments):
    """Why a test of one operation is skipped."""
    operation = {"name": name, "object": target, "arguments": arguments}
    return skip_reason({"createEntities": [*ENTITIES, *entities]}, {"operations": [operation]})


def test_what_is_known_is_not_skipped():
    assert reason("find", filter={}) is None


@pytest.mark.parametrize(
    ("operation", "text"),
    [
        (lambda: reason("findTwo", filter={}), "no operation collection.findTwo"),
        (lambda: reason("find", fliter={}), "collection.find has no argument fliter"),
        (lambda: reason("insertOne"), "collection.insertOne needs the argument document"),
        (lambda: reason("find", "elsewhere", filter={}), "no entity elsewhere"),
        (lambda: reason("waitForever", "testRunner"), "no operation testRunner.waitForever"),
    ],
)
def test_what_is_unknown_fails_by_name(operation, text):
    with pytest.raises(Unsupported, match=text):
        operation()


def test_what_is_unknown_inside_a_callback_fails_by_name():
    session = {"session": {"id": "session", "client": "client"}}
    inner = [{"name": "findTwo", "object": "collection"}]
    with pytest.raises(Unsupported, match=r"collection\.findTwo"):
        reason("withTransaction", "session", [session], callback=inner)


def test_a_method_that_is_missing_fails_by_name_unless_it_is_on_the_list(monkeypatch):
    monkeypatch.setattr(survey, "exists", lambda method: method != "Collection.find")
    with pytest.raises(Unsupported, match=r"the API lacks Collection\.find"):
        reason("find", filter={})
    monkeypatch.setitem(spec_skips.LIST["not-yet"], "Collection.find", "queries")
    assert reason("find", filter={}) == "not part of the API yet: Collection.find (queries)"


@pytest.mark.parametrize("version", ["0.1", "1.99", "2.0"])
def test_versions_that_are_not_known(version):
    with pytest.raises(Unsupported, match=version):
        check_version(version)


def deployment(name="ours", **more):
    usual = {"version": (6, 0, 5), "topology": "replicaset", "parameters": {}, "auth": False}
    usual |= {"entrances": "mongodb://", "store": "mongodb://"}
    return Deployment(name, "mongodb://", None, **{**usual, **more})


@pytest.mark.parametrize(
    ("requirement", "missing"),
    [
        ({"minServerVersion": "6.0"}, None),
        ({"minServerVersion": "6.0.6"}, "minServerVersion 6.0.6"),
        ({"maxServerVersion": "6.0.5"}, None),
        ({"maxServerVersion": "6.0"}, "maxServerVersion 6.0"),
        ({"topologies": ["single", "replicaset"]}, None),
        ({"topologies": ["sharded"]}, "topologies sharded"),
        ({"serverless": "forbid"}, None),
        ({"serverless": "require"}, "serverless require"),
        ({"auth": True}, "auth True"),
        ({"auth": False}, None),
        ({"authMechanism": "plain"}, "authMechanism plain"),
        ({"serverParameters": {"x": 1.0}}, "serverParameters {'x': 1.0}"),
        ({"csfle": {"minLibmongocryptVersion": "999.0.0"}}, "csfle {'minLib"),
        ({"csfle": find_spec("pymongocrypt") is not None}, None),
        ({"csfle": find_spec("pymongocrypt") is None}, "csfle "),
    ],
)
def test_requirements(requirement, missing):
    actual = why_not(deployment(), [requirement])
    assert actual == missing or (missing is not None and actual.startswith(missing))


def test_one_of_several_requirements_is_enough():
    assert why_not(deployment(), [{"auth": True}, {"auth": False}]) is None
    assert why_not(deployment(auth=True), [{"auth": False}, {"serverless": "require"}])


@pytest.mark.parametrize(("least", "expected"), [("6.0", ["old"]), ("8.0", ["new"]), ("9.0", None)])
def test_imitations_are_the_last_resort(monkeypatch, least, expected):
    versions = {"old": (6, 0, 5), "new": (8, 2, 0)}

    async def get(self, name):
        return deployment(name=name, version=versions[name])

    monkeypatch.setattr(deployments.Deployments, "_get", get)
    monkeypatch.setattr(deployments, "_ON_ALL", True)
    servers = SimpleNamespace(names=["old"], imitations=["new"])
    suitable = deployments.Deployments(None, servers).suitable([{"minServerVersion": least}])
    if expected is None:
        with pytest.raises(pytest.skip.Exception, match="no server here suits"):
            step(suitable)
    else:
        assert [found.name for found in step(suitable)] == expected


def test_placeholders_come_from_the_environment(monkeypatch):
    monkeypatch.setenv("MONGODRIVER_TEST_ENVIRONMENT", "test")
    properties = {"ENVIRONMENT": {"$$placeholder": 1}}
    options = uri_options({"authMechanismProperties": properties})
    assert options == {"authMechanismProperties": {"ENVIRONMENT": "test"}}
    with pytest.raises(Unsupported, match="MONGODRIVER_TEST_ABSENT"):
        placed("absent", {"$$placeholder": 1})


def test_connection_strings_without_an_option():
    assert without("mongodb://h/?replicaSet=rs&w=1", "replicaset") == "mongodb://h/?w=1"
    assert without("mongodb://h/?replicaSet=rs", "replicaSet") == "mongodb://h/"
    assert without("mongodb://h", "replicaSet") == "mongodb://h"


@pytest.fixture
def logs(monkeypatch):
    monkeypatch.setattr(inside, "topology_id", lambda client: client.id)
    collected = Logs({"command": "debug", "topology": "info"})
    say("command", '{"message": "early", "clientId": "one"}')
    collected.begin(SimpleNamespace(id="one"))
    yield collected
    collected.end()


def say(component, text, level=logging.DEBUG):
    logging.getLogger(f"pymongo.{component}").log(level, text)


def wanted(message, component="command", **more):
    return {"level": "debug", "component": component, "data": {"message": message}, **more}


def test_messages_of_the_client_that_are_observed(logs):
    say("command", '{"message": "first", "clientId": "one", "command": "{}"}')
    say("command", '{"message": "of another", "clientId": "two"}')
    say("topology", '{"message": "below its level", "topologyId": "one"}')
    say("connection", '{"message": "of no interest", "clientId": "one"}')
    messages = [wanted("early"), wanted("first")]
    check_logs(Matcher(None), logs, {"messages": messages})
    check_logs(Matcher(None), logs, {"messages": messages[:1], "ignoreExtraMessages": True})
    ignored = {"messages": messages[1:], "ignoreMessages": messages[:1]}
    check_logs(Matcher(None), logs, ignored)
    for wrong in (messages[:1], messages[::-1], [messages[0], wanted("first", "topology")]):
        with pytest.raises(Mismatch):
            check_logs(Matcher(None), logs, {"messages": wrong})


def test_failures_that_are_redacted(logs):
    say("command", '{"message": "f", "clientId": "one", "failure": {"code": 1, "errmsg": "x"}}')
    messages = [wanted("early"), wanted("f", failureIsRedacted=False)]
    check_logs(Matcher(None), logs, {"messages": messages})
    messages[1]["failureIsRedacted"] = True
    with pytest.raises(Mismatch):
        check_logs(Matcher(None), logs, {"messages": messages})
    assert is_redacted({"code": 1, "codeName": "x", "errorLabels": []})
    assert is_redacted('{"code": 1}')
    assert not is_redacted('{"code": 1, "errmsg": "secret"}')


def span(name, number, parent=None, **attributes):
    return SimpleNamespace(
        name=name,
        attributes=attributes,
        context=SimpleNamespace(span_id=number),
        parent=None if parent is None else SimpleNamespace(span_id=parent),
        start_time=number,
    )


def test_spans_are_a_tree():
    roots = tree([span("inner", 2, 1, db="d"), span("outer", 1), span("next", 3)])
    expected = [
        {
            "name": "outer",
            "attributes": {},
            "nested": [{"name": "inner", "attributes": {"db": "d"}}],
        },
        {"name": "next", "attributes": {}},
    ]
    check_spans(Matcher(None), roots, expected, False, "spans")
    check_spans(Matcher(None), roots, expected[1:], True, "spans")
    with pytest.raises(Mismatch, match="as well"):
        check_spans(Matcher(None), roots, expected[:1], False, "spans")
    with pytest.raises(Mismatch, match=r"a\.x is 1, expected 2"):
        check_spans(
            Matcher(None),
            [Span("a", {"x": 1, "more": 3}, [])],
            [{"name": "a", "attributes": {"x": 2}}],
            False,
            "",
        )
