"""Tracing spans of a client (OpenTelemetry), collected and compared with a test's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from bsonx.binary import Binary

from .failures import Mismatch, Unsupported
from .values import Matcher


class Span:
    """A span as tests see it."""

    def __init__(self, name: str, attributes: Mapping[str, Any], nested: list[Span]) -> None:
        self.name = name
        self.attributes = attributes
        self.nested = nested

    def __repr__(self) -> str:
        return f"<{self.name}: {self.nested}>" if self.nested else f"<{self.name}>"


class Spans:
    """Collects the spans of one client.

    :param wanted: ``observeTracingMessages``, or None for no spans.
    """

    def __init__(self, wanted: Mapping[str, Any] | None) -> None:
        self._wanted = wanted
        self._exporter = InMemorySpanExporter()
        self._provider = TracerProvider(resource=Resource.get_empty())
        self._provider.add_span_processor(SimpleSpanProcessor(self._exporter))

    def client_options(self) -> dict[str, Any]:
        """The options of a client that has spans."""
        if self._wanted is None:
            return {}
        longest = 10_000 if self._wanted.get("enableCommandPayload") else 0
        tracing = {
            "enabled": True,
            "query_text_max_length": longest,
            "tracer_provider": self._provider,
        }
        return {"tracing": tracing}

    def roots(self) -> list[Span]:
        """The spans that are in no other one, in the order of their beginning."""
        if self._wanted is None:
            raise Unsupported("no spans were observed")
        return tree(self._exporter.get_finished_spans())

    def end(self) -> None:
        """Collect no more."""
        self._provider.shutdown()


def tree(finished: Any) -> list[Span]:
    """The spans of an exporter, each with those that are in it."""
    spans = {one.context.span_id: Span(one.name, _values(one.attributes), []) for one in finished}
    roots = []
    for one in sorted(finished, key=lambda span: span.start_time):
        parent = spans.get(one.parent.span_id) if one.parent is not None else None
        (roots if parent is None else parent.nested).append(spans[one.context.span_id])
    return roots


def _values(attributes: Any) -> dict[str, Any]:
    """Attributes as tests compare them: session ids are documents, as everywhere else."""
    values = dict(attributes)
    session = values.get("db.mongodb.lsid")
    if session is not None:
        values["db.mongodb.lsid"] = {"id": Binary.from_uuid(UUID(session))}
    return values


def check_spans(
    matcher: Matcher, actual: list[Span], expected: list[Any], ignore_extra: bool, path: str
) -> None:
    """Raise Mismatch unless spans, and those in them, are as expected, in their order."""
    left = list(actual)
    for index, one in enumerate(expected):
        place = f"{path}.{index} {one['name']}"
        while ignore_extra and left and left[0].name != one["name"]:
            left.pop(0)
        if not left or left[0].name != one["name"]:
            raise Mismatch(f"{place} is not there, but {left}")
        span = left.pop(0)
        matcher.match(one["attributes"], span.attributes, place)  # there may be more
        check_spans(matcher, span.nested, one.get("nested", []), ignore_extra, place)
    if left and not ignore_extra:
        raise Mismatch(f"{path} has the spans {left} as well")
