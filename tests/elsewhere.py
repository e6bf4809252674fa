"""A pytest plugin: another day, and folders that list their entries the other way round."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from typing import Any

_DAY = 86_400


def _later(clock: Callable[[], int], ahead: int) -> Callable[[], int]:
    return lambda: clock() + ahead


class _Reversed:
    """The entries of os.scandir, last one first."""

    def __init__(self, *arguments: Any) -> None:
        with _scandir(*arguments) as entries:
            self._entries = list(entries)[::-1]

    def __iter__(self) -> Iterator[os.DirEntry[str]]:
        return iter(self._entries)

    def __next__(self) -> os.DirEntry[str]:
        if not self._entries:
            raise StopIteration
        return self._entries.pop(0)

    def __enter__(self) -> _Reversed:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        self._entries = []


_scandir, _listdir = os.scandir, os.listdir
os.scandir = _Reversed  # type: ignore[assignment, misc]
os.listdir = lambda *arguments: _listdir(*arguments)[::-1]  # type: ignore[assignment]
time.time = _later(time.time, _DAY)  # type: ignore[assignment]
time.time_ns = _later(time.time_ns, _DAY * 10**9)
