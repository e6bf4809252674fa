"""Figures of a job for OpenTelemetry: needs the package `opentelemetry-api`."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any

from mongodriver.ingest.seams import Snapshot

_NAME = "mongodriver.ingest"

# Of each: the name behind "mongodriver.ingest.", the unit, the field of Snapshot, what it is.
_COUNTERS = [
    ("documents", "{document}", "documents", "Documents that the server has confirmed"),
    ("bytes", "By", "bytes", "Their size as BSON"),
    ("records", "{record}", "records", "Records read, bad ones included"),
    ("retries", "{retry}", "retries", "How often something was sent again"),
    ("duplicates", "{document}", "duplicates", "Documents whose key was there already"),
    ("dead_letters", "{record}", "rejected", "Records that could not be stored"),
]
_GAUGES = [
    ("rate", "{document}/s", "documents_per_second", "Confirmed documents per second"),
    ("acknowledgement.p50", "s", "p50", "Median time until a batch is confirmed"),
    ("acknowledgement.p99", "s", "p99", "The same, which one batch in a hundred exceeds"),
    ("in_flight", "By", "in_flight", "BSON that is read and not confirmed"),
    ("eta", "s", "eta", "Seconds that are left"),
]


class Metrics:
    """A progress callback that gives a job's figures to OpenTelemetry.

    :param attributes: what all measurements carry, such as the collection's name.
    :param provider: a MeterProvider; None: the global one.
    :raises ImportError: without `opentelemetry-api`.
    """

    def __init__(
        self, attributes: Mapping[str, str] | None = None, *, provider: Any = None
    ) -> None:
        metrics = import_module("opentelemetry.metrics")
        meter = metrics.get_meter(_NAME, meter_provider=provider)
        self._attributes = dict(attributes or {})
        self._counters = [
            (meter.create_counter(f"{_NAME}.{name}", unit, description), field)
            for name, unit, field, description in _COUNTERS
        ]
        self._gauges = [
            (meter.create_gauge(f"{_NAME}.{name}", unit, description), field)
            for name, unit, field, description in _GAUGES
        ]
        self._told = dict.fromkeys((field for _, field in self._counters), 0)

    def __call__(self, snapshot: Snapshot) -> None:
        """Count what is new since the last call."""
        for counter, field in self._counters:
            value = getattr(snapshot, field)
            if value > self._told[field]:
                counter.add(value - self._told[field], self._attributes)
                self._told[field] = value
        for gauge, field in self._gauges:
            value = getattr(snapshot, field)
            if value is not None:
                gauge.set(value, self._attributes)
