"""What listeners are told, and what exceptions and results have."""

import datetime
from collections.abc import Mapping, MutableMapping, Sequence
from typing import Any, assert_type

from bsonx.raw_bson import RawBSONDocument
from mongodriver import monitoring
from mongodriver.errors import (
    AutoReconnect,
    BulkWriteError,
    ClientBulkWriteException,
    OperationFailure,
    WriteError,
)
from mongodriver.hello import Hello
from mongodriver.results import BulkWriteResult, ClientBulkWriteResult, DeleteResult
from mongodriver.uri_parser import parse_uri


class Commands(monitoring.CommandListener):
    def started(self, event: monitoring.CommandStartedEvent) -> None:
        assert_type(event.command, MutableMapping[str, Any] | RawBSONDocument)
        assert_type(event.command_name, str)

    def succeeded(self, event: monitoring.CommandSucceededEvent) -> None:
        assert_type(event.reply, MutableMapping[str, Any] | RawBSONDocument)
        assert_type(event.duration_micros, int)

    def failed(self, event: monitoring.ServerOpeningEvent) -> None:  # error
        pass


class Heartbeats(monitoring.ServerHeartbeatListener):
    def started(self, event: monitoring.ServerHeartbeatStartedEvent) -> None:
        assert_type(event.awaited, bool)

    def succeeded(self, event: monitoring.ServerHeartbeatSucceededEvent) -> None:
        assert_type(event.reply, Hello[dict[str, Any]])
        assert_type(event.duration, float)

    def failed(self, event: monitoring.ServerHeartbeatFailedEvent) -> None:
        assert_type(event.reply, Exception)


def errors(
    bulk: BulkWriteError,
    client: ClientBulkWriteException,
    failure: OperationFailure,
    lost: AutoReconnect,
) -> None:
    assert_type(bulk.details, MutableMapping[str, Any] | RawBSONDocument)
    assert_type(client.details, MutableMapping[str, Any] | RawBSONDocument)
    assert_type(client.partial_result, ClientBulkWriteResult | None)
    assert_type(client.write_errors, list[WriteError] | None)
    assert_type(failure.details, Mapping[str, Any] | None)
    assert_type(failure.code, int | None)
    assert_type(lost.details, Mapping[str, Any] | Sequence[Any])
    failure.details["errmsg"]  # error
    raise OperationFailure(5)  # error


def results(bulk: BulkWriteResult, deleted: DeleteResult) -> None:
    assert_type(bulk.bulk_api_result, dict[str, Any])
    assert_type(bulk.upserted_ids, dict[int, Any] | None)
    assert_type(deleted.deleted_count, int)
    deleted.deleted_count = 5  # error


def others(description: monitoring.ServerDescriptionChangedEvent) -> None:
    assert_type(parse_uri("mongodb://a"), dict[str, Any])
    assert_type(description.new_description.round_trip_time, float | None)
    assert_type(datetime.timedelta(microseconds=5) > datetime.timedelta(), bool)
    parse_uri(b"mongodb://a")  # error
