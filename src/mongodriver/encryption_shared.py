"""Names and results of client-side encryption."""

from mongodriver.values.encryption import Algorithm, QueryType, RewrapManyDataKeyResult

__all__ = ["Algorithm", "QueryType", "RewrapManyDataKeyResult"]
