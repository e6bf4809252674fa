"""Explicit client-side encryption."""

from mongodriver.synchronous.encryption import (
    Algorithm,
    ClientEncryption,
    QueryType,
    RewrapManyDataKeyResult,
)

__all__ = ["Algorithm", "ClientEncryption", "QueryType", "RewrapManyDataKeyResult"]
