"""What is said on standard output and standard error."""

from __future__ import annotations

import re
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TextIO, cast

from mongodriver.command_line.output import abandon
from mongodriver.command_line.secrets import Secrets, without_secrets
from mongodriver.ingest.errors import in_words

# What the driver adds to its errors for those who set its options.
_TIMES = re.compile(r" \(configured timeouts: [^)]*\)")
_TOPOLOGY = re.compile(r",? Timeout: [^,]*s, Topology Description: .*", re.DOTALL)
_NUMBER = re.compile(r"\[Errno -?\d+\] ")


def plain(error: BaseException | str, uri: str | None = None) -> str:
    """Return what an error says, in one line, without what only programmers need.

    :param uri: the connection string, whose secrets are not shown.
    """
    text = error if isinstance(error, str) else in_words(error)
    for surplus in (_TOPOLOGY, _TIMES, _NUMBER):
        text = surplus.sub("", text)
    if uri is not None:
        text = Secrets(uri).hide(text)
    return " ".join(without_secrets(text).split())


def complain(error: BaseException | str, uri: str | None = None) -> None:
    """Say on standard error, in one line, what is wrong."""
    print_to(sys.stderr, f"mongodriver ingest: {plain(error, uri)}")


def print_to(stream: TextIO | None, text: str) -> None:
    """Print to whoever still reads, as `head` may not."""
    if stream is None:  # closed when the program was started
        return
    try:
        print(text, file=stream, flush=True)
    except BrokenPipeError:
        abandon(stream)


@contextmanager
def plain_warnings() -> Iterator[None]:
    """Within the block warnings, as connection strings give them, are said as errors are."""

    def show(message: Warning | str, *where: object) -> None:
        complain(str(message))

    with warnings.catch_warnings():
        warnings.showwarning = cast(Any, show)
        yield


def tolerate_any_text(*streams: TextIO | None) -> None:
    """Names of files may be no text in any encoding, and must not keep us from telling of them."""
    for stream in streams:
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="backslashreplace")
