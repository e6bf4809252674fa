"""libmongocrypt's two faces, for both flavours: pymongocrypt has a class of each for each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from inspect import isawaitable
from typing import Any

from pymongocrypt.asynchronous.auto_encrypter import AsyncAutoEncrypter
from pymongocrypt.asynchronous.explicit_encrypter import AsyncExplicitEncrypter
from pymongocrypt.options import MongoCryptOptions
from pymongocrypt.synchronous.auto_encrypter import AutoEncrypter
from pymongocrypt.synchronous.explicit_encrypter import ExplicitEncrypter

from bsonx.errors import BSONError

from ..values.errors import EncryptionError
from .callback import AsyncCallback, BlockingCallback, Outside

__all__ = ["auto_encrypter", "encryption_errors", "explicit_encrypter", "outcome"]


def auto_encrypter(is_sync: bool, outside: Outside, options: Mapping[str, Any]) -> Any:
    """What encrypts commands and decrypts replies.

    :param options: of ``MongoCryptOptions``.
    :raises MongoCryptError, TypeError, ValueError: for options that it refuses.
    """
    given = MongoCryptOptions(**options)
    if is_sync:
        return AutoEncrypter(BlockingCallback(outside), given)
    return AsyncAutoEncrypter(AsyncCallback(outside), given)


def explicit_encrypter(is_sync: bool, outside: Outside, options: Mapping[str, Any]) -> Any:
    """What makes keys, and encrypts and decrypts values; see `auto_encrypter`."""
    given = MongoCryptOptions(**options)
    if is_sync:
        return ExplicitEncrypter(BlockingCallback(outside), given)
    return AsyncExplicitEncrypter(AsyncCallback(outside), given)


async def outcome(given: Any) -> Any:
    """What a method of these returns, or what its coroutine returns."""
    return await given if isawaitable(given) else given


@contextmanager
def encryption_errors() -> Iterator[None]:
    """Whatever goes wrong in the block is an EncryptionError, but for errors of the codec."""
    try:
        yield
    except (BSONError, EncryptionError):
        raise
    except Exception as exc:
        raise EncryptionError(exc) from exc
