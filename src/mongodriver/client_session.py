"""Synchronous sessions, and the options of sessions."""

from mongodriver.synchronous.client_session import (
    ClientSession,
    SessionOptions,
    TransactionOptions,
)

__all__ = ["ClientSession", "SessionOptions", "TransactionOptions"]
