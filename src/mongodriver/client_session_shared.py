"""Options of sessions and transactions."""

from mongodriver.values.session_options import (
    SessionOptions,
    TransactionOptions,
)

__all__ = [
    "SessionOptions",
    "TransactionOptions",
]
