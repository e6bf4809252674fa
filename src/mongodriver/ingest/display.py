"""Show people how far a job is: by rich or tqdm where they are installed, plainly otherwise."""

from __future__ import annotations

import importlib
import os
import sys
import time
from collections.abc import Callable, Iterable
from typing import Any, Protocol, TextIO

from mongodriver.ingest.seams import ProgressCallback, Snapshot

_ON_TERMINAL, _IN_LOG = 0.1, 5.0  # seconds between two lines


class Display(Protocol):
    """A progress callback that has something to clean up at the end."""

    def __call__(self, snapshot: Snapshot) -> None:
        """Show how far the job is."""

    def close(self) -> None:
        """Remove what does not belong between other output."""


class NoDisplay:
    """Shows nothing."""

    def __call__(self, snapshot: Snapshot) -> None:
        """Do nothing."""

    def close(self) -> None:
        """Do nothing."""


class PlainDisplay:
    """One line of text, rewritten on a terminal, repeated every few seconds elsewhere."""

    def __init__(self, stream: TextIO, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._stream = stream
        self._rewrites = stream.isatty()
        self._interval = _ON_TERMINAL if self._rewrites else _IN_LOG
        self._clock = clock
        self._shown = clock()
        self._width = 0

    def __call__(self, snapshot: Snapshot) -> None:
        """Show the counts, unless that was done a moment ago."""
        now = self._clock()
        if now - self._shown < self._interval:
            return
        self._shown = now
        line = "  ".join(filter(None, [_share(snapshot), counts(snapshot), _left(snapshot)]))
        if not self._rewrites:
            self._stream.write(line + "\n")
        else:
            self._stream.write(f"\r{line:{self._width}}")
            self._width = len(line)
        self._stream.flush()

    def close(self) -> None:
        """Remove the line from the terminal."""
        if self._rewrites and self._width:
            self._stream.write("\r" + " " * self._width + "\r")
            self._stream.flush()


class TqdmDisplay:
    """tqdm's bar over the bytes of all files."""

    def __init__(self, tqdm: Any, stream: TextIO) -> None:
        self._make: Callable[[int | None], Any] = lambda total: tqdm.tqdm(
            total=total, unit="B", unit_scale=True, file=stream, dynamic_ncols=True, leave=False
        )
        self._bar: Any = None

    def __call__(self, snapshot: Snapshot) -> None:
        """Move the bar."""
        if self._bar is None:
            self._bar = self._make(snapshot.size)
        self._bar.set_postfix_str(counts(snapshot), refresh=False)
        self._bar.update(snapshot.consumed - self._bar.n)

    def close(self) -> None:
        """Remove the bar."""
        if self._bar is not None:
            self._bar.close()


class RichDisplay:
    """rich's bar over the bytes of all files; colours as NO_COLOR and the terminal allow."""

    def __init__(self, rich: Any, stream: TextIO) -> None:
        console: Any = importlib.import_module("rich.console")
        self._progress = rich.Progress(
            rich.BarColumn(),
            rich.TaskProgressColumn(),
            rich.TextColumn("{task.description}"),
            rich.TextColumn("{task.fields[left]}"),
            console=console.Console(file=stream),
            transient=True,
        )
        self._task = self._progress.add_task("", total=None, left="")
        self._progress.start()

    def __call__(self, snapshot: Snapshot) -> None:
        """Move the bar."""
        self._progress.update(
            self._task,
            total=snapshot.size,
            completed=snapshot.consumed,
            description=counts(snapshot),
            left=_left(snapshot),
        )

    def close(self) -> None:
        """Remove the bar."""
        self._progress.stop()


class Untroubled:
    """A display that shows nothing more once it cannot: whoever looked has gone, as `head` does,
    which is no reason to end a job."""

    def __init__(self, display: Display) -> None:
        self._display = display
        self._broken = False

    def __call__(self, snapshot: Snapshot) -> None:
        """Show how far the job is, if that is possible."""
        self._try(lambda: self._display(snapshot))

    def close(self) -> None:
        """Remove what does not belong between other output, if that is possible."""
        self._try(self._display.close)

    def _try(self, show: Callable[[], None]) -> None:
        if self._broken:
            return
        try:
            show()
        except (OSError, ValueError):  # a pipe that is broken, a stream that is closed
            self._broken = True


def make_display(stream: TextIO | None = None) -> Display:
    """Return the best display for `stream` (default: standard error).

    Bars are for terminals that can move their cursor; a log gets a line now and then.
    """
    stream = sys.stderr if stream is None else stream
    if stream is None:  # a process without standard error
        return NoDisplay()
    if stream.isatty() and os.environ.get("TERM") != "dumb":
        for name, make in (("rich.progress", RichDisplay), ("tqdm", TqdmDisplay)):
            try:
                return make(importlib.import_module(name), stream)
            except ImportError:
                continue
    return PlainDisplay(stream)


def tell_all(callbacks: Iterable[ProgressCallback]) -> ProgressCallback:
    """Return a callback that tells each of several ones."""
    listeners = list(callbacks)

    def tell(snapshot: Snapshot) -> None:
        for listener in listeners:
            listener(snapshot)

    return tell


def counts(snapshot: Snapshot) -> str:
    """Return a snapshot's counts in words; what is zero, and should be, is left out."""
    parts = [
        f"{snapshot.documents:,} documents",
        f"{snapshot.documents_per_second:,.0f} docs/s",
        f"{snapshot.bytes / 1e6:,.1f} MB",
    ]
    if snapshot.p99:
        parts.append(f"ack {snapshot.p50 * 1e3:.0f}/{snapshot.p99 * 1e3:.0f} ms")
    for count, noun in (
        (snapshot.retries, "sent again"),
        (snapshot.duplicates, "duplicates"),
        (snapshot.rejected, "dead letters"),
    ):
        if count:
            parts.append(f"{count:,} {noun}")
    return "  ".join(parts)


def _share(snapshot: Snapshot) -> str:
    if not snapshot.size:
        return ""
    return f"{min(100, 100 * snapshot.consumed // snapshot.size):3d} %"


def _left(snapshot: Snapshot) -> str:
    if snapshot.eta is None:
        return ""
    minutes, seconds = divmod(round(snapshot.eta), 60)
    hours, minutes = divmod(minutes, 60)
    return f"ETA {hours}:{minutes:02}:{seconds:02}" if hours else f"ETA {minutes}:{seconds:02}"
