"""One export: what is asked of the server, and what is told of it."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from mongodriver.partitions import scan
from mongodriver.public.kinds import check_kind

from .errors import ExportError
from .formats import FORMATS, count_documents, format_of, write
from .output import open_output
from .progress import Progress, size_of

if TYPE_CHECKING:
    from mongodriver.ingest.seams import ProgressCallback
    from mongodriver.synchronous.collection import Collection

__all__ = ["ExportReport", "export"]


@dataclass(slots=True)
class ExportReport:
    """What has been written.

    :param name: of the file, "-" for standard output.
    :param documents: how many.
    :param bytes: of BSON that was read.
    :param seconds: that it took.
    """

    name: str
    format: str
    documents: int = 0
    bytes: int = 0
    seconds: float = 0.0

    def to_dict(self) -> dict[str, Any]:
        """The report as JSON has it."""
        return asdict(self)

    def render(self) -> str:
        """The report as a line of text."""
        rate = self.documents / self.seconds if self.seconds else 0.0
        return (
            f"{self.name}: {self.documents:,} documents ({self.bytes:,} bytes of BSON) as "
            f"{self.format} in {self.seconds:.1f} s, {rate:,.0f}/s"
        )


def export(
    collection: Collection[Any],
    name: str,
    filter: Mapping[str, Any] | None = None,
    projection: Any = None,
    *,
    format: str | None = None,
    canonical: bool = False,
    fields: Sequence[str] = (),
    delimiter: str | None = None,
    sort: Any = None,
    limit: int = 0,
    partitions: int = 1,
    overwrite: bool = False,
    batch_size: int = 0,
    retry_seconds: float = 60,
    progress: ProgressCallback | None = None,
) -> ExportReport:
    """Write the documents of a collection to a file, in the order of their ids.

    A server or a cursor that is lost is gone on after, as `mongodriver.partitions.scan` does,
    unless a sort or a limit is given. The file is there when it is whole, and not before.

    :param name: of the file, packed if it ends with ``.gz``; "-" is standard output.
    :param filter: a query document; None: all documents.
    :param projection: field names or a document.
    :param format: one of `FORMATS`; None: as the name says.
    :param canonical: of JSON: every type is told. Otherwise numbers are plain, and 32 and 64 bits
        are no different.
    :param fields: the columns of CSV, with points in them for fields within fields.
    :param delimiter: of CSV; None: a comma, or a tab in ``.tsv`` files.
    :param sort: keys as `Collection.find` takes them.
    :param limit: how many documents at most; 0 for all.
    :param partitions: read with so many cursors at a time; the order is then that of none of them.
    :param overwrite: replace a file that is there.
    :param batch_size: documents a batch; 0 leaves it to the server.
    :param retry_seconds: how long to try again while no document comes.
    :param progress: a function that is told how far it is, by a `mongodriver.ingest.Snapshot`: some
        times a second, and at the end. Its sizes are bytes of BSON; of a part of a collection
        nobody knows them before.
    :raises ExportError: for what cannot be done; PyMongoError, OSError: as they come.
    """
    check_kind(collection, blocking=True, other="which export does not take")
    chosen = format or format_of(name)
    if chosen is None or chosen not in FORMATS:
        raise ExportError(f"{name}: no format is known by that name; give one of {FORMATS}")
    if chosen == "csv":
        if not fields:
            raise ExportError("CSV needs the names of its columns (--fields)")
        projection = projection or _projection_of(fields)
    elif fields:
        raise ExportError("only CSV has columns to be named; give a projection")
    elif delimiter is not None:
        raise ExportError("only CSV has a delimiter")
    if partitions > 1 and (sort or limit):
        raise ExportError("a sort or a limit needs one partition")
    report = ExportReport(name, chosen)
    start = time.monotonic()
    told = None
    if progress is not None:
        partial = filter or projection or limit
        told = Progress(progress, report, None if partial else size_of(collection))
    if sort or limit:
        batches: Any = collection.find_raw_batches(
            filter, projection, sort=sort, limit=limit, batch_size=batch_size
        )
    else:
        batches = scan(
            collection,
            filter,
            projection,
            partitions=partitions,
            batch_size=batch_size,
            retry_seconds=retry_seconds,
        ).raw_batches()
    with open_output(name, overwrite=overwrite) as out:
        write(
            chosen,
            out,
            _counted(batches, report, told),
            canonical=canonical,
            fields=fields,
            delimiter=delimiter or ("\t" if ".tsv" in name.lower() else ","),
        )
    report.seconds = time.monotonic() - start
    if told is not None:
        told(at_end=True)
    return report


def _projection_of(fields: Sequence[str]) -> dict[str, int] | None:
    """What of the documents the columns need; None where one is within another."""
    tops = {name.split(".")[0] for name in fields}
    if any(name.startswith("$") or not name for name in tops):
        return None
    return {**dict.fromkeys(sorted(tops), 1), "_id": int("_id" in tops)}


def _counted(batches: Any, report: ExportReport, told: Progress | None) -> Iterator[bytes]:
    try:
        for batch in batches:
            report.documents += count_documents(batch)
            report.bytes += len(batch)
            yield batch
            if told is not None:
                told()
    finally:
        batches.close()
