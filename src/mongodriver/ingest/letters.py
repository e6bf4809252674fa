"""The records of a job that could not be stored: counted, and handed to its dead letter."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import bsonx.json_util as json_util
from mongodriver.ingest.batch import UNSENT
from mongodriver.ingest.dead_letter import DeadLetter, DeadRecord
from mongodriver.ingest.seams import Letter


class JobLetters:
    """What a job does with its dead letters (`seams.DeadLetters`).

    :param target: where they go; None: they are only counted.
    :param sources: those of the job, whose formats the entries name.
    :param resumable: whether the job keeps a checkpoint. Then records of which nobody knows
        whether they arrived are no dead letters: the resumed job settles them.
    """

    def __init__(
        self,
        target: DeadLetter | None,
        sources: Iterable[Any] = (),
        *,
        resumable: bool = False,
    ) -> None:
        self._target = target
        self._formats = {source.name: getattr(source, "format", None) for source in sources}
        self._resumable = resumable
        self._known: set[tuple[str, int]] | None = None
        #: How many there are, those of earlier runs included.
        self.count = 0

    async def add(self, letters: Sequence[Letter]) -> None:
        """Keep some more, each once, also if an earlier run of the job met it already.

        :raises DeadLetterError: when they cannot be kept.
        """
        known = await self._find_known()
        records = [
            to_record(letter, self._formats)
            for letter in letters
            if not (self._resumable and letter.code == UNSENT)
        ]
        records = [record for record in records if record.place not in known]
        if records and self._target is not None:
            await self._target.add(records)
        self.count += sum(record.code != UNSENT for record in records)

    async def flush(self) -> None:
        """Nothing is kept back: a killed process loses none of them."""

    def sync(self) -> None:
        """Return when they would outlive a failure of power, too."""
        if self._target is not None:
            self._target.sync()

    def close(self) -> None:
        """Close the dead letter."""
        if self._target is not None:
            self._target.close()

    async def _find_known(self) -> set[tuple[str, int]]:
        if self._known is None:
            self._known = set() if self._target is None else await self._target.settled()
            self.count += len(self._known)
        return self._known


def to_record(letter: Letter, formats: Mapping[str, str | None]) -> DeadRecord:
    """Return the dead record of a letter; `formats` are those of the sources, by their names."""
    text, form = letter.raw, formats.get(letter.source)
    if letter.document is None and text is None:
        text, form = _text_of(letter.value)
    return DeadRecord(
        source=letter.source,
        position=letter.position,
        code=letter.code,
        error=letter.error,
        document=letter.document,
        text=None if letter.document is not None else text,
        format=None if letter.document is not None else form,
    )


def _text_of(value: Any) -> tuple[bytes, str]:
    """Return what can be kept of a Python value that is no BSON, and the format of that."""
    if isinstance(value, Mapping):
        try:
            text: str = json_util.dumps(value, ensure_ascii=False)
            return text.encode("utf-8"), "json"
        except Exception:  # it may be, and raise, anything
            pass
    return repr(value).encode("utf-8", "backslashreplace"), "python"
