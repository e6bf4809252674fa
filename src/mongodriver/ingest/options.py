"""How a job is to be done."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from typing import Any, Literal, get_args

from mongodriver.ingest.csv.options import CSVOptions
from mongodriver.ingest.errors import IngestError

__all__ = ["Duplicates", "IngestOptions", "Mode", "options_from"]

Mode = Literal["insert", "upsert", "replace", "merge", "delete"]
Duplicates = Literal["error", "skip", "replace", "dead_letter"]

MOST_DOCUMENTS = 100_000
_MOST_LANES = 64


@dataclass(frozen=True)
class IngestOptions:
    """How a job is to be done. What cannot be is refused with IngestError.

    :param mode: "insert" adds documents. The others find theirs by `key`: "upsert" puts the
        document in the place of that with the same key, or adds it; "replace" only puts it in the
        place of one that is there; "merge" sets its fields in that with the same key, or adds it;
        "delete" removes those with its key.
    :param key: the field, or fields, that tell documents apart; dotted names reach into them.
        There should be a unique index on it.
    :param on_duplicate: what becomes of a document of which a unique index has one already.
        "error" ends the job; "skip" leaves it out; "replace" puts it in the other's place;
        "dead_letter" counts it among the rejected ones.
    :param ordered: documents are stored in the order of the source, by one lane, and the first
        record that cannot be ends the job.
    :param keep_key_order: documents with the same key are stored in the order of the source,
        others in any. None: where documents are found by their key.
    :param lanes: how many batches are on their way to the server at a time.
    :param batch_documents: how many documents a batch has at most; the engine takes as many as the
        server acknowledges in a quarter of a second.
    :param batch_bytes: the same in bytes of BSON.
    :param batch_seconds: how long documents of a slow source wait for others to make a batch.
    :param max_in_flight: bytes of BSON that have been read and are not acknowledged, at most; one
        document may go beyond it.
    :param retry_seconds: how long the server may stay away, or refuse for reasons that pass.
    :param max_errors: how many records may be rejected before the job ends; None: any number.
    :param id_field: this field becomes ``_id``; a record without it, or with both, is rejected.
    :param drain_seconds: how long what has been read may take to be stored once the job is
        stopped; what is not stored then is told as "unsent".
    :param bypass_document_validation: store what the collection's validator would refuse.
    :param csv: how CSV files are read.
    """

    mode: Mode = "insert"
    key: str | Sequence[str] = "_id"
    on_duplicate: Duplicates = "dead_letter"
    ordered: bool = False
    keep_key_order: bool | None = None
    lanes: int = 4
    batch_documents: int = MOST_DOCUMENTS
    batch_bytes: int = 4 << 20
    batch_seconds: float = 1.0
    max_in_flight: int = 64 << 20
    retry_seconds: float = 120.0
    max_errors: int | None = None
    id_field: str | None = None
    drain_seconds: float = 10.0
    bypass_document_validation: bool = False
    csv: CSVOptions = field(default_factory=CSVOptions)

    def __post_init__(self) -> None:
        _one_of("mode", self.mode, get_args(Mode))
        _one_of("on_duplicate", self.on_duplicate, get_args(Duplicates))
        _within("lanes", self.lanes, 1, _MOST_LANES)
        _within("batch_documents", self.batch_documents, 1, MOST_DOCUMENTS)
        _within("batch_bytes", self.batch_bytes, 1, 32 << 20)
        _within("max_in_flight", self.max_in_flight, 1, 1 << 40)
        if self.max_errors is not None:
            _within("max_errors", self.max_errors, 0, 1 << 62)
        for name in ("batch_seconds", "retry_seconds", "drain_seconds"):
            _seconds(name, getattr(self, name))
        for name in ("ordered", "bypass_document_validation"):
            _truth(name, getattr(self, name))
        if self.keep_key_order is not None:
            _truth("keep_key_order", self.keep_key_order)
        if not isinstance(self.csv, CSVOptions):
            raise IngestError(f"csv must be CSVOptions, not {self.csv!r}")
        if self.id_field is not None and (not isinstance(self.id_field, str) or not self.id_field):
            raise IngestError(f"id_field must be the name of a field, not {self.id_field!r}")
        self._check_key()
        self._check_together()

    def _check_key(self) -> None:
        several = isinstance(self.key, (list, tuple)) and self.key
        names = self.key if several else [self.key]
        if not all(isinstance(name, str) and all(name.split(".")) for name in names):
            raise IngestError(f"key must be the name of a field, or some, not {self.key!r}")
        if len({*names}) < len(names):
            raise IngestError(f"key names a field twice: {self.key!r}")

    def _check_together(self) -> None:
        if self.ordered and self.keep_key_order:
            raise IngestError("ordered keeps the order of all documents: leave keep_key_order out")
        if self.by_key and self.on_duplicate == "replace":
            raise IngestError(f"on_duplicate='replace' is for inserts, not for {self.mode!r}")
        if not self.by_key and not self.keep_key_order and self.keys != ("_id",):
            raise IngestError("key is for the other modes, and for keep_key_order")

    @property
    def keys(self) -> tuple[str, ...]:
        """The fields of the key."""
        return (self.key,) if isinstance(self.key, str) else tuple(self.key)

    @property
    def renames_id(self) -> bool:
        """Whether a field under another name becomes `_id`."""
        return self.id_field is not None and self.id_field != "_id"

    @property
    def by_key(self) -> bool:
        """Whether documents are found by their key."""
        return self.mode != "insert"

    @property
    def keeps_key_order(self) -> bool:
        """Whether documents with the same key have to go the same way."""
        if self.ordered:
            return False
        return self.by_key if self.keep_key_order is None else self.keep_key_order


def options_from(given: dict[str, Any]) -> IngestOptions:
    """The options of keyword arguments. Raises TypeError for names that are none."""
    names = {field.name for field in fields(IngestOptions)}
    for name in given:
        if name not in names:
            raise TypeError(
                f"{name!r} is no option of ingest; there are {', '.join(sorted(names))}"
            )
    return IngestOptions(**given)


def _one_of(name: str, value: Any, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise IngestError(f"{name} must be one of {', '.join(allowed)}, not {value!r}")


def _truth(name: str, value: Any) -> None:
    if not isinstance(value, bool):
        raise IngestError(f"{name} must be True or False, not {value!r}")


def _within(name: str, value: Any, least: int, most: int) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise IngestError(f"{name} must be a whole number from {least} to {most}, not {value!r}")


def _seconds(name: str, value: Any) -> None:
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not number or not 0 <= value < float("inf"):
        raise IngestError(f"{name} must be a number of seconds from 0 on, not {value!r}")
