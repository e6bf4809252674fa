"""The progress display: with rich, with tqdm, plainly; and what OpenTelemetry is told."""

import importlib
import io
import re
import sys

import pytest

from mongodriver.ingest.display import (
    NoDisplay,
    PlainDisplay,
    RichDisplay,
    TqdmDisplay,
    Untroubled,
    counts,
    make_display,
    tell_all,
)
from mongodriver.ingest.seams import Snapshot


class Terminal(io.StringIO):
    def isatty(self):
        return True


class Clock:
    def __init__(self, *times):
        self.times = list(times)

    def __call__(self):
        return self.times.pop(0)


def snapshot(documents=4000, consumed=500, size=1000, seconds=2.0, **fields):
    numbers = dict.fromkeys(("rejected", "duplicates", "retries", "bytes", "in_flight"), 0)
    numbers |= {"p50": 0.0, "p99": 0.0, "records": documents, **fields}
    return Snapshot(documents, consumed=consumed, size=size, seconds=seconds, **numbers)


@pytest.fixture(autouse=True)
def terminal(monkeypatch):
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)
    for name in ("FORCE_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE"):  # what rich looks at
        monkeypatch.delenv(name, raising=False)


def test_a_plain_line_on_a_terminal():
    stream = Terminal()
    shown = PlainDisplay(stream, clock=Clock(0.0, 0.05, 2.0, 3.0))
    shown(snapshot())  # too soon after the start
    shown(snapshot())
    line = " 50 %  4,000 documents  2,000 docs/s  0.0 MB  ETA 0:02"
    assert stream.getvalue() == "\r" + line
    shown(snapshot(documents=1, size=None))
    shorter = "1 documents  0 docs/s  0.0 MB"
    assert stream.getvalue() == "\r" + line + f"\r{shorter:{len(line)}}"
    shown.close()
    assert stream.getvalue().endswith("\r" + " " * len(shorter) + "\r")


def test_plain_lines_in_a_log():
    stream = io.StringIO()
    shown = PlainDisplay(stream, clock=Clock(0.0, 4.0, 10.0, 11.0))
    for documents in (1, 20, 30):
        shown(snapshot(documents, size=None, seconds=10.0))
    shown.close()
    assert stream.getvalue() == "20 documents  2 docs/s  0.0 MB\n"


def test_everything_that_is_worth_a_word():
    full = snapshot(
        bytes=12_345_678, p50=0.0123, p99=0.4, retries=3, duplicates=2, rejected=1000, seconds=1.0
    )
    assert counts(full) == (
        "4,000 documents  4,000 docs/s  12.3 MB  ack 12/400 ms  3 sent again  2 duplicates  "
        "1,000 dead letters"
    )


def test_hours_are_left():
    stream = io.StringIO()
    shown = PlainDisplay(stream, clock=Clock(0.0, 10.0))
    shown(snapshot(consumed=1, size=1000, seconds=4.0))
    assert stream.getvalue().endswith("ETA 1:06:36\n")


def test_a_file_that_grows_is_never_beyond_its_end():
    stream = io.StringIO()
    PlainDisplay(stream, clock=Clock(0.0, 10.0))(snapshot(consumed=20, size=10))
    assert stream.getvalue().startswith("100 %")


def test_tqdm(monkeypatch):
    pytest.importorskip("tqdm")
    monkeypatch.setitem(sys.modules, "rich.progress", None)
    stream = Terminal()
    shown = make_display(stream)
    assert isinstance(shown, TqdmDisplay)
    shown(snapshot(10, 400))
    shown(snapshot(20, 1000))
    assert (shown._bar.n, shown._bar.total) == (1000, 1000)
    shown.close()
    assert "20 documents" in shown._bar.postfix


@pytest.mark.parametrize("colour", [True, False])
def test_rich(monkeypatch, colour):
    pytest.importorskip("rich")
    if not colour:
        monkeypatch.setenv("NO_COLOR", "1")
    stream = Terminal()
    shown = make_display(stream)
    assert isinstance(shown, RichDisplay)
    shown(snapshot(10, 400))
    shown(snapshot(20, 1000))
    shown.close()
    assert "20 documents" in stream.getvalue()
    assert bool(re.search(r"\x1b\[[0-9;]*3[0-9]", stream.getvalue())) == colour


def test_with_neither(monkeypatch):
    for name in ("rich.progress", "tqdm"):
        monkeypatch.setitem(sys.modules, name, None)
    assert isinstance(make_display(Terminal()), PlainDisplay)


def test_nothing_is_imported_for_a_log(monkeypatch):
    monkeypatch.setattr(importlib, "import_module", lambda name: 1 / 0)
    assert isinstance(make_display(io.StringIO()), PlainDisplay)
    monkeypatch.setenv("TERM", "dumb")
    assert isinstance(make_display(Terminal()), PlainDisplay)


def test_no_standard_error(monkeypatch):
    monkeypatch.setattr(sys, "stderr", None)
    shown = make_display()
    assert isinstance(shown, NoDisplay)
    shown(snapshot())
    shown.close()


@pytest.mark.parametrize("error", [BrokenPipeError(32, "Broken pipe"), ValueError("closed")])
def test_nobody_looks_any_more(error):
    """`2>&1 | head` must not end a job."""
    calls = []

    class Broken(NoDisplay):
        def __call__(self, snapshot):
            calls.append(snapshot)
            raise error

    shown = Untroubled(Broken())
    shown(snapshot())
    shown(snapshot())
    shown.close()
    assert len(calls) == 1


def test_several_listeners():
    one, other = [], []
    tell_all([one.append, other.append])(snapshot())
    assert one == other == [snapshot()]


def test_opentelemetry():
    metrics = pytest.importorskip("opentelemetry.sdk.metrics")
    export = importlib.import_module("opentelemetry.sdk.metrics.export")
    from mongodriver.ingest.metrics import Metrics

    reader = export.InMemoryMetricReader()
    provider = metrics.MeterProvider([reader])
    tell = Metrics({"db.collection.name": "flights"}, provider=provider)
    tell(snapshot(10, 100, bytes=70, rejected=1, retries=2, duplicates=3))
    tell(snapshot(30, 250, bytes=90, rejected=1, retries=2, duplicates=3, p50=0.5, p99=1.5))
    [scope] = reader.get_metrics_data().resource_metrics[0].scope_metrics
    assert scope.scope.name == "mongodriver.ingest"
    found = {}
    for metric in scope.metrics:
        [point] = metric.data.data_points
        assert point.attributes == {"db.collection.name": "flights"}
        found[metric.name.removeprefix("mongodriver.ingest.")] = point.value, metric.unit
    assert found == {
        "documents": (30, "{document}"),
        "bytes": (90, "By"),
        "records": (30, "{record}"),
        "retries": (2, "{retry}"),
        "duplicates": (3, "{document}"),
        "dead_letters": (1, "{record}"),
        "rate": (15.0, "{document}/s"),
        "acknowledgement.p50": (0.5, "s"),
        "acknowledgement.p99": (1.5, "s"),
        "in_flight": (0, "By"),
        "eta": (6.0, "s"),
    }


def test_without_opentelemetry(monkeypatch):
    from mongodriver.ingest.metrics import Metrics

    monkeypatch.setitem(sys.modules, "opentelemetry.metrics", None)
    with pytest.raises(ImportError):
        Metrics()
