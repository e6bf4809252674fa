"""Collections into files: NDJSON, JSON, BSON, CSV and Parquet.

The command line is `mongodriver export`; from Python:

    report = export(client.air.flights, "flights.ndjson.gz", {"year": 2013})
"""

from __future__ import annotations

from .errors import ExportError
from .exporting import ExportReport, export
from .formats import FORMATS

__all__ = ["FORMATS", "ExportError", "ExportReport", "export"]
