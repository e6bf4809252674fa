"""`MongoClient.bulk_write` does as PyMongo's on a server of our own: the result, or the error with
its details, and the commands."""

from __future__ import annotations

import ast
import re

import pytest
from comparison.lines import scenario_of
from comparison.sides import Side
from comparison.wanted import Verdict

import bulk_server as acts
from bulk_server import bulk_server

pytestmark = pytest.mark.server

INSERT = "pymongo.InsertOne({{'_id': {}, 'x': 'x' * {}}}, namespace='d.a')"
MIXED = """[
    pymongo.InsertOne({'_id': 1}, namespace='d.a'),
    pymongo.InsertOne({'_id': 1}, namespace='d.b'),
    pymongo.UpdateOne({}, {'$set': {'a': 1}}, namespace='d.a'),
    pymongo.UpdateOne({}, [{'$set': {'a': 1}}], True, {'locale': 'en'}, [{'x': 1}], 'i',
                      'd.c', {'a': 1}),
    pymongo.UpdateMany({}, {'$set': {'a': 1}}, False, hint=[('a', 1)], namespace='d.a'),
    pymongo.ReplaceOne({}, {}, True, {'locale': 'en'}, 'i', 'd.a', {'a': 1}),
    pymongo.DeleteOne({}, namespace='d.b'),
    pymongo.DeleteMany({}, pymongo.Collation('en'), {'a': 1}, 'd.b'),
]"""
BY_SIZE = {"maxWriteBatchSize": 1000}
UNHEARD = "ordered=False, write_concern=pymongo.WriteConcern(0)"


def bulk(count, *options, size=0):
    """The bulk write of some documents."""
    models = ", ".join(INSERT.format(index, size) for index in range(count))
    return ", ".join([f"client.bulk_write([{models}]", *options]) + ")"


VERBOSE = "verbose_results=True"
UNORDERED = "ordered=False"
UPSERTED = "update_results[0].upserted_id"
UNKNOWN = "client.bulk_write([pymongo.InsertOne({'a': object()}, namespace='d.a')])"

#: What is done, what the server does, and what its hello says.
CASES = [
    (bulk(7), acts.all_done, {}),
    (bulk(7, size=900), acts.all_done, BY_SIZE),
    (bulk(1, size=1500), acts.all_done, {}),
    (bulk(1, size=5500), acts.all_done, {}),
    (bulk(2, size=5500), acts.all_done, {}),
    (bulk(7, UNHEARD), acts.all_done, {}),
    (bulk(1, UNHEARD, size=1500), acts.all_done, {}),
    (bulk(4, "comment={'a': 1}", "let=bson.SON(a=1)"), acts.all_done, {}),
    (bulk(4, "bypass_document_validation=False"), acts.all_done, {}),
    (bulk(4, "write_concern=pymongo.WriteConcern('majority', 500)"), acts.all_done, {}),
    (bulk(4, "ordered=1", "verbose_results=1"), acts.each_done, {}),
    (f"client.bulk_write({MIXED}, {VERBOSE})", acts.each_done, {}),
    (f"client.bulk_write({MIXED})", acts.all_done, {}),
    (f"client.bulk_write({MIXED})", acts.all_done, {"setName": None}),
    (f"client.bulk_write({MIXED}[3:4] * 4, {VERBOSE})", acts.each_upserted, {}),
    (f"(await client.bulk_write({MIXED}[3:4], {VERBOSE})).{UPSERTED}", acts.each_upserted, {}),
    (f"(await client.bulk_write({MIXED})).insert_results", acts.all_done, {}),
    (f"(await client.bulk_write({MIXED})).deleted_count", acts.all_done, {}),
    (bulk(2, VERBOSE, "comment='c'"), acts.second_by_get_more, {}),
    (bulk(2, VERBOSE), acts.get_more_fails, {}),
    (bulk(4, UNORDERED), acts.get_more_fails, {}),
    (bulk(2), acts.cursor_is_gone, {}),
    (bulk(2, UNORDERED), acts.both_fail_one_by_get_more, {}),
    (bulk(5), acts.second_fails, {}),
    (bulk(5, UNORDERED), acts.second_fails, {}),
    (bulk(5, VERBOSE), acts.first_fails, {}),
    (bulk(1), acts.first_fails, {}),
    (bulk(4), acts.concern_unmet_once, {}),
    (bulk(4), acts.concern_late, {}),
    (bulk(4), acts.breaks, {}),
    (bulk(4), acts.second_breaks, {}),
    (bulk(4), acts.breaks_from_second, {}),
    (f"client.bulk_write({MIXED}[4:5])", acts.breaks, {}),
    (bulk(4), acts.no_primary, {}),
    (bulk(4), acts.second_refused, {}),
    (bulk(1), acts.too_long, {}),
    (bulk(1), acts.without_counts, {}),
    (bulk(1), acts.all_done, {"maxWireVersion": 24}),
    (bulk(1), acts.all_done, {"logicalSessionTimeoutMinutes": None}),
    (UNKNOWN, acts.all_done, {}),
]


def same(record):
    """A record without what differs from one server to the next."""
    return ast.literal_eval(re.sub(r"127\.0\.0\.1:\d+", "HERE", repr(record)))


@pytest.mark.parametrize(("expression", "act", "hello"), CASES)
def test_same_as_pymongo(flavour, expression, act, hello, record_property):
    records = []
    for driver in ("pymongo", "mongodriver"):
        with bulk_server(act, **hello) as server:
            side = Side(driver, flavour, server.uri)
            records.append(same(side.record(scenario_of(expression), "d")))
            side.close()
    verdict = Verdict("client_bulk on scripted servers", flavour.kind)
    verdict.judge(f"{act.__name__}: {expression}", *records)
    verdict.finish(record_property)
