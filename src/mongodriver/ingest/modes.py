"""From documents to what is sent for them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bsonx._impl import encode_statements
from mongodriver.ingest.batch import PARSE, Batch, Reject
from mongodriver.values.sequences import EncodedDocuments

if TYPE_CHECKING:
    from mongodriver.ingest.options import IngestOptions

__all__ = ["Prepared", "kind_of", "prepare"]

#: The kinds of `encode_statements`.
_AS_ID, _GROUP = 0, 5
_KINDS = {"upsert": 1, "replace": 2, "merge": 3, "delete": 4, "insert": _GROUP}


def kind_of(options: IngestOptions, own_ids: bool) -> tuple[str, bool]:
    """The command of a mode, and whether the client is to have it retried.

    That cannot be where a statement may touch many documents. Nor is it of use where ids that we
    made tell what has arrived: the server's own account of it takes a sixth of the time.
    """
    if options.mode == "insert":
        return "insert", options.ordered or not own_ids
    if options.mode == "delete":
        return "delete", options.keys == ("_id",)
    return "update", True


class Prepared:
    """The documents of a batch with what is sent for each.

    :param groups: a number for each document, the same for those with the same key; None where
        keys do not matter.
    """

    __slots__ = ("documents", "groups", "positions", "rejects", "statements")

    def __init__(
        self,
        documents: EncodedDocuments,
        statements: EncodedDocuments,
        positions: Any,
        rejects: list[Reject],
        groups: memoryview[int] | None = None,
    ) -> None:
        self.documents = documents
        self.statements = statements
        self.positions = positions
        self.rejects = rejects
        self.groups = groups


def prepare(batch: Batch, options: IngestOptions) -> Prepared:
    """What is to be sent for a batch. Documents without what it needs are rejected."""
    documents = EncodedDocuments(batch.data, batch.ends)
    ready = Prepared(documents, documents, batch.positions, [*batch.rejects])
    if options.renames_id:
        _encode(ready, _AS_ID, (str(options.id_field),))
        ready.documents, ready.groups = ready.statements, None
    if options.by_key or options.keeps_key_order:
        _encode(ready, _KINDS[options.mode], options.keys)
        if not options.by_key:
            ready.statements = ready.documents
    return ready


def _encode(ready: Prepared, kind: int, keys: tuple[str, ...]) -> None:
    """Make statements of the documents, and leave those out that have not what they need."""
    documents, positions = ready.documents, ready.positions
    data, ends, groups, bad = encode_statements(
        documents.data, documents.ends.tobytes(), kind, keys
    )
    for index, problem in bad:
        reject = Reject(positions[index], problem, PARSE, document=documents.document(index))
        ready.rejects.append(reject)
    if bad:
        rejected = {index for index, _ in bad}
        kept = [index for index in range(len(documents)) if index not in rejected]
        ready.documents = documents.some(kept)
        ready.positions = [positions[index] for index in kept]
    ready.statements = EncodedDocuments(data, memoryview(ends).cast("I"))
    ready.groups = memoryview(groups).cast("I")
