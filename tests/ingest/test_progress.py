"""The progress display, with tqdm and without."""

import importlib
import io
import sys

from mongodriver.ingest import progress
from mongodriver.ingest.progress import BarProgress, NoProgress, PlainProgress, make_progress


class Terminal(io.StringIO):
    def isatty(self):
        return True


def clock(monkeypatch, *times):
    moments = iter(times)
    monkeypatch.setattr(progress.time, "monotonic", lambda: next(moments))


def test_a_plain_line_on_a_terminal(monkeypatch):
    clock(monkeypatch, 0.0, 0.05, 2.0)
    stream = Terminal()
    shown = PlainProgress(1000, stream)
    shown.update(1, 1)  # too soon after the start
    shown.update(500, 4000)
    line = " 50 %  4,000 documents  2,000 docs/s"
    assert stream.getvalue() == "\r" + line
    shown.close()
    assert stream.getvalue() == "\r" + line + "\r" + " " * len(line) + "\r"


def test_plain_lines_in_a_log(monkeypatch):
    clock(monkeypatch, 0.0, 4.0, 10.0, 11.0)
    stream = io.StringIO()
    shown = make_progress(None, stream)
    for documents in (1, 20, 30):
        shown.update(1, documents)
    shown.close()
    assert stream.getvalue() == "20 documents  2 docs/s\n"


def test_a_file_that_grows_is_never_beyond_its_end(monkeypatch):
    clock(monkeypatch, 0.0, 10.0)
    stream = io.StringIO()
    PlainProgress(10, stream).update(20, 0)
    assert stream.getvalue().startswith("100 %")


def test_the_bar():
    stream = Terminal()
    shown = make_progress(1000, stream)
    assert isinstance(shown, BarProgress)
    shown.update(400, 10)
    shown.update(1000, 20)
    assert shown._bar.n == 1000
    shown.close()
    assert "20 documents" in shown._bar.postfix


def test_without_tqdm(monkeypatch):
    monkeypatch.setitem(sys.modules, "tqdm", None)
    assert isinstance(make_progress(1000, Terminal()), PlainProgress)


def test_tqdm_is_not_imported_for_a_log(monkeypatch):
    monkeypatch.setattr(importlib, "import_module", lambda name: 1 / 0)
    assert isinstance(make_progress(1000, io.StringIO()), PlainProgress)


def test_nothing():
    shown = NoProgress()
    shown.update(1, 1)
    shown.close()
