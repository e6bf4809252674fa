"""The exceptions the driver raises.

Every one but `DocumentTooLarge` (which is the codec's `InvalidDocument`) is a `PyMongoError`::

    PyMongoError
      ConnectionFailure: AutoReconnect (NetworkTimeout, NotPrimaryError,
                         ServerSelectionTimeoutError), WaitQueueTimeoutError
      OperationFailure:  CursorNotFound, ExecutionTimeout, WriteError (DuplicateKeyError),
                         WriteConcernError (WTimeoutError), BulkWriteError,
                         ClientBulkWriteException
      ConfigurationError (InvalidURI), InvalidName, InvalidOperation, CollectionInvalid,
      ProtocolError, EncryptionError (EncryptedCollectionError)
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from bsonx.errors import InvalidDocument
from mongodriver.values.public_names import known_as

if TYPE_CHECKING:
    from mongodriver.typings import _DocumentOut
    from mongodriver.values.causes import Cause
    from mongodriver.values.results import ClientBulkWriteResult

__all__ = [
    "AutoReconnect",
    "BulkWriteError",
    "ClientBulkWriteException",
    "CollectionInvalid",
    "ConfigurationError",
    "ConnectionFailure",
    "CursorNotFound",
    "DocumentTooLarge",
    "DuplicateKeyError",
    "EncryptedCollectionError",
    "EncryptionError",
    "ExecutionTimeout",
    "InvalidDocument",
    "InvalidName",
    "InvalidOperation",
    "InvalidURI",
    "NetworkTimeout",
    "NotPrimaryError",
    "OperationFailure",
    "ProtocolError",
    "PyMongoError",
    "ServerSelectionTimeoutError",
    "WTimeoutError",
    "WaitQueueTimeoutError",
    "WriteConcernError",
    "WriteError",
]

BulkErrorT = TypeVar("BulkErrorT", bound="OperationFailure")

_MAX_TIME_MS_EXPIRED = 50
_BULK_WRITE_FAILED = 65


def _with_details(message: str, details: object) -> str:
    """Return the message with the server's reply appended, if there is one."""
    if details is None:
        return message
    try:
        return f"{message}, full error: {details}"
    except RecursionError:
        return message  # nested deeper than can be shown


def _labels(details: Mapping[str, Any] | Sequence[Any] | None) -> Iterable[str]:
    """Return the labels in a server's reply; what is no list of labels is none."""
    labels = details.get("errorLabels") if isinstance(details, Mapping) else None
    if not isinstance(labels, (list, tuple, set, frozenset)):
        return ()
    return [label for label in labels if isinstance(label, str)]


class PyMongoError(Exception):
    """Base class of the driver's exceptions.

    `message` is the text, `error_labels` the labels the specifications attach to an error, such
    as "TransientTransactionError".
    """

    def __init__(self, message: str = "", error_labels: Iterable[str] | None = None) -> None:
        super().__init__(message)
        self._message = message
        self._error_labels: set[str] = set(error_labels or ())

    def has_error_label(self, label: str) -> bool:
        """Return whether the error carries `label`."""
        return label in self._error_labels

    def _add_error_label(self, label: str) -> None:
        self._error_labels.add(label)

    def _remove_error_label(self, label: str) -> None:
        self._error_labels.discard(label)

    @property
    def timeout(self) -> bool:
        """Whether the error means that a time limit ran out."""
        return False


class ProtocolError(PyMongoError):
    """Bytes that do not follow the wire protocol, or a reply that cannot be understood."""


class ConnectionFailure(PyMongoError):
    """A connection to the deployment could not be made or was lost."""


class WaitQueueTimeoutError(ConnectionFailure):
    """No connection became free within waitQueueTimeoutMS."""

    @property
    def timeout(self) -> bool:
        return True


class AutoReconnect(ConnectionFailure):
    """A connection was lost; the next operation will try to connect again.

    `errors` (also `details`) is the server's reply, or a list of causes.
    """

    errors: Mapping[str, Any] | Sequence[Any]
    details: Mapping[str, Any] | Sequence[Any]

    def __init__(
        self, message: str = "", errors: Mapping[str, Any] | Sequence[Any] | None = None
    ) -> None:
        super().__init__(message, _labels(errors))
        self.errors = self.details = [] if errors is None else errors


class NetworkTimeout(AutoReconnect):
    """A read or write on a connection took longer than its time limit."""

    @property
    def timeout(self) -> bool:
        return True


class NotPrimaryError(AutoReconnect):
    """The server is not primary any more, or is recovering or shutting down."""

    def __init__(
        self, message: str = "", errors: Mapping[str, Any] | list[Any] | None = None
    ) -> None:
        super().__init__(_with_details(message, errors), errors)


class ServerSelectionTimeoutError(AutoReconnect):
    """No server suitable for an operation was found within serverSelectionTimeoutMS.

    Or sooner, where waiting is in vain: see the option serverSelectionFailFast. What PyMongo's has
    not: `causes` says for each host what is wrong with it (a `mongodriver.causes.Cause` each),
    `hint` in one line what to do, and `retryable` is False where trying again cannot help.
    """

    causes: tuple[Cause, ...] = ()
    hint: str = ""
    retryable: bool = True

    @property
    def timeout(self) -> bool:
        return True


class ConfigurationError(PyMongoError):
    """An option is wrong, or an operation is not possible with this deployment."""


class InvalidURI(ConfigurationError):
    """A connection string that cannot be parsed."""


class OperationFailure(PyMongoError):
    """The server answered a command with an error.

    `code` is the server's error code, `details` its complete reply.
    """

    def __init__(
        self,
        error: str,
        code: int | None = None,
        details: Mapping[str, Any] | None = None,
        max_wire_version: int | None = None,
    ) -> None:
        super().__init__(self._worded(error, details), _labels(details))
        # By the names that PyMongo's pickles have: results of Celery's tasks, for instance.
        self.__code = code
        self.__details = details
        self.__max_wire_version = max_wire_version
        self.__base_backoff_ms = details.get("baseBackoffMS") if details is not None else None

    def _worded(self, error: str, details: Mapping[str, Any] | None) -> str:
        """The text of the error, whose details are not known yet to the others."""
        return _with_details(error, details)

    @property
    def _max_wire_version(self) -> int | None:
        return self.__max_wire_version

    @property
    def _base_backoff_ms(self) -> Any:
        return self.__base_backoff_ms

    @property
    def code(self) -> int | None:
        """The server's error code, or None."""
        return self.__code

    @property
    def details(self) -> Mapping[str, Any] | None:
        """The server's reply, or the element of it that holds the error; None if unknown."""
        return self.__details

    @property
    def timeout(self) -> bool:
        return self.__code == _MAX_TIME_MS_EXPIRED


class CursorNotFound(OperationFailure):
    """The server does not know the cursor (any more)."""


class ExecutionTimeout(OperationFailure):
    """The server stopped an operation that took longer than maxTimeMS."""

    @property
    def timeout(self) -> bool:
        return True


class WriteConcernError(OperationFailure):
    """A write was done, but not acknowledged as its write concern asks."""


class WriteError(OperationFailure):
    """A single write failed."""


class WTimeoutError(WriteConcernError):
    """A write concern was not satisfied within wtimeout; the write itself may have been done."""

    @property
    def timeout(self) -> bool:
        return True


class DuplicateKeyError(WriteError):
    """A write would have violated a unique index."""


def _wtimeout_error(error: Any) -> bool:
    """Return whether a write (concern) error document says that a time limit ran out."""
    if error.get("code") == _MAX_TIME_MS_EXPIRED:
        return True
    details = error.get("errInfo")
    return isinstance(details, Mapping) and bool(details.get("wtimeout"))


# What both errors of many writes are beside PyMongo's. Their ancestors are PyMongo's too: there is
# no class for it.


def _bulk_error(cls: type[BulkErrorT], total: int, *arguments: Any) -> BulkErrorT:
    """The error of a bulk of so many writes."""
    error = cls.__new__(cls, *arguments)
    error._total = total  # type: ignore[attr-defined]  # that of all such errors
    error.__init__(*arguments)  # type: ignore[misc]  # its text tells the total
    return error


def _made_again(error: Any, *arguments: Any) -> tuple[Any, ...]:
    """How `pickle` and `copy` make such an error again."""
    cls, total = error.__class__, error._total
    return (cls, arguments) if total is None else (_bulk_error, (cls, total, *arguments))


def _bulk_text(self: Any, error: str, details: Mapping[str, Any] | None) -> str:
    if details is None:
        return error
    from mongodriver.values.bulk_failures import summary, within_bounds

    try:
        shown = within_bounds(details, lambda: summary(details, self._total))
    except RecursionError:
        return error  # nested deeper than can be shown
    return f"{error}, full error: {shown}"


def _summary(self: BulkWriteError | ClientBulkWriteException) -> str:
    """One line: "3 of 10,000 failed: 2 E11000 on idx_email, 1 validation"."""
    from mongodriver.values.bulk_failures import summary

    return summary(self.details, self._total)


def _by_code(
    self: BulkWriteError | ClientBulkWriteException,
) -> dict[int, list[Mapping[str, Any]]]:
    """The failed writes by the server's error codes: elements of ``writeErrors``."""
    from mongodriver.values.bulk_failures import by_code

    return by_code(self.details.get("writeErrors") or ())


class BulkWriteError(OperationFailure):
    """Some writes of a bulk failed; `details` tells which, and what the others did.

    What PyMongo's has not: `summary` and `by_code`. Its text is PyMongo's, and cut after some
    thousand characters; it ends with the summary then.
    """

    #: How many writes were asked for, if that is known.
    _total: int | None = None
    _worded = _bulk_text
    summary = property(_summary)
    by_code = property(_by_code)

    if TYPE_CHECKING:

        @property
        def details(self) -> _DocumentOut: ...

    def __init__(self, results: _DocumentOut) -> None:
        super().__init__("batch op errors occurred", _BULK_WRITE_FAILED, results)

    def __reduce__(self) -> tuple[Any, ...]:
        return _made_again(self, self.details)

    @property
    def timeout(self) -> bool:
        return _last_timed_out(self.details)


def _last_timed_out(details: Mapping[str, Any]) -> bool:
    """Return whether a bulk write's errors say that a time limit ran out."""
    # The write concern errors are the newest; the last of a list decides.
    for name in ("writeConcernErrors", "writeErrors"):
        errors = details.get(name)
        if errors and _wtimeout_error(errors[-1]):
            return True
    return False


#: Of errors of which only the name is left.
_TIMEOUTS = ("ExecutionTimeout", "NetworkTimeout", "WaitQueueTimeoutError")


class ClientBulkWriteException(OperationFailure):
    """`MongoClient.bulk_write` failed, wholly or in part.

    `error` is the top-level error or None, `write_errors` the failed writes, and
    `partial_result` what was done nevertheless. `summary`, `by_code` and the bounded text are those
    of `BulkWriteError`.
    """

    #: How many writes were asked for, if that is known.
    _total: int | None = None
    _worded = _bulk_text
    summary = property(_summary)
    by_code = property(_by_code)
    verbose: bool

    if TYPE_CHECKING:

        @property
        def details(self) -> _DocumentOut: ...

    def __init__(self, results: _DocumentOut, verbose: bool) -> None:
        super().__init__("batch op errors occurred", _BULK_WRITE_FAILED, results)
        self.verbose = verbose

    def __reduce__(self) -> tuple[Any, ...]:
        return _made_again(self, self.details, self.verbose)

    @property
    def timeout(self) -> bool:
        error = self.details.get("error")
        if isinstance(error, PyMongoError):
            return error.timeout
        if isinstance(error, Mapping):
            return error.get("errtype") in _TIMEOUTS
        return _last_timed_out(self.details)

    @property
    def error(self) -> Any | None:
        """The error that stopped the whole bulk, or None: an exception or, of one that came while
        the results were read, a mapping with its ``errmsg``, ``code`` and ``errtype``.
        """
        return self.details.get("error")

    @property
    def write_concern_errors(self) -> list[WriteConcernError] | None:
        """The write concern errors that occurred, as documents."""
        # To type checkers what PyMongo says they are.
        errors: list[WriteConcernError] = self.details.get("writeConcernErrors", [])
        return errors

    @property
    def write_errors(self) -> list[WriteError] | None:
        """The writes that failed, as documents with `idx` and `op`."""
        errors: list[WriteError] = self.details.get("writeErrors", [])
        return errors

    @property
    def partial_result(self) -> ClientBulkWriteResult | None:
        """The result of the writes that succeeded, or None if none did."""
        from mongodriver.values.results import ClientBulkWriteResult

        if not self.details.get("anySuccessful"):
            return None
        details: Any = self.details
        return ClientBulkWriteResult(details, acknowledged=True, has_verbose_results=self.verbose)


class InvalidOperation(PyMongoError):
    """The client, cursor, session or result does not allow what was asked for."""


class InvalidName(PyMongoError):
    """A database or collection name that MongoDB does not allow."""


class CollectionInvalid(PyMongoError):
    """A collection exists already, or did not pass its validation."""


class DocumentTooLarge(InvalidDocument):
    """A document is larger than the server accepts; nothing was sent."""


class EncryptionError(PyMongoError):
    """Encryption or decryption failed; `cause` is the exception behind it."""

    def __init__(self, cause: Exception) -> None:
        super().__init__(str(cause))
        self.__cause = cause

    @property
    def cause(self) -> Exception:
        """The exception that caused this one."""
        return self.__cause

    @property
    def timeout(self) -> bool:
        return isinstance(self.__cause, PyMongoError) and self.__cause.timeout


class EncryptedCollectionError(EncryptionError):
    """Creating an encrypted collection failed; `encrypted_fields` is as far as it got."""

    def __init__(self, cause: Exception, encrypted_fields: Mapping[str, Any]) -> None:
        super().__init__(cause)
        self._encrypted_fields = encrypted_fields

    def __reduce__(self) -> tuple[Any, Any]:
        return self.__class__, (self.cause, self._encrypted_fields)

    @property
    def encrypted_fields(self) -> Mapping[str, Any]:
        """The encryptedFields document, with the data keys created before the failure."""
        return self._encrypted_fields


class _OperationCancelled(AutoReconnect):
    """A monitor's check was cancelled because the server's state became known otherwise."""


def reason(exc: BaseException) -> str:
    """What an exception says, or the name of its class if it says nothing."""
    return str(exc) or type(exc).__name__


known_as("mongodriver.errors", globals())
