"""Names and results of client-side encryption."""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING

from .public_names import known_as

if TYPE_CHECKING:
    from .results import BulkWriteResult

__all__ = ["Algorithm", "QueryType", "RewrapManyDataKeyResult"]


class Algorithm(str, enum.Enum):  # noqa: UP042 - str() is the name, as PyMongo's
    """How a value is encrypted."""

    AEAD_AES_256_CBC_HMAC_SHA_512_Deterministic = "AEAD_AES_256_CBC_HMAC_SHA_512-Deterministic"
    AEAD_AES_256_CBC_HMAC_SHA_512_Random = "AEAD_AES_256_CBC_HMAC_SHA_512-Random"
    #: Queryable encryption, for queries of equality.
    INDEXED = "Indexed"
    #: Queryable encryption, of what is not queried.
    UNINDEXED = "Unindexed"
    #: Queryable encryption, for queries of ranges.
    RANGE = "Range"
    #: Queryable encryption, for queries of parts of texts.
    STRING = "String"
    #: Deprecated: servers since 9.0 know it as `STRING`.
    TEXTPREVIEW = "TextPreview"


class QueryType(str, enum.Enum):  # noqa: UP042
    """What kind of query a value is encrypted for."""

    EQUALITY = "equality"
    RANGE = "range"
    PREFIX = "prefix"
    SUFFIX = "suffix"
    SUBSTRING = "substring"


class RewrapManyDataKeyResult:
    """Result of ``ClientEncryption.rewrap_many_data_key``.

    :param bulk_write_result: of the write that stored the keys; None where there were none.
    """

    def __init__(self, bulk_write_result: BulkWriteResult | None = None) -> None:
        self._bulk_write_result = bulk_write_result

    @property
    def bulk_write_result(self) -> BulkWriteResult | None:
        """The result of the write that stored the keys; None where there were none."""
        return self._bulk_write_result

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._bulk_write_result!r})"


known_as("mongodriver.encryption_shared", globals())
