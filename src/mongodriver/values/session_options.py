"""Options of sessions and transactions."""

from __future__ import annotations

from bsonx.timestamp import Timestamp
from mongodriver.values.errors import ConfigurationError
from mongodriver.values.public_names import known_as
from mongodriver.values.read_concern import ReadConcern
from mongodriver.values.read_preferences import _ServerMode
from mongodriver.values.write_concern import WriteConcern

__all__ = ["SessionOptions", "TransactionOptions"]


class TransactionOptions:
    """How transactions of a session run, unless `start_transaction` says otherwise.

    :param max_commit_time_ms: milliseconds a commit may take on the server.
    :raises ConfigurationError: for an unacknowledged write concern.
    """

    def __init__(
        self,
        read_concern: ReadConcern | None = None,
        write_concern: WriteConcern | None = None,
        read_preference: _ServerMode | None = None,
        max_commit_time_ms: int | None = None,
    ) -> None:
        if read_concern is not None and not isinstance(read_concern, ReadConcern):
            raise TypeError(
                "read_concern must be an instance of pymongo.read_concern.ReadConcern, "
                f"not: {read_concern!r}"
            )
        if write_concern is not None:
            if not isinstance(write_concern, WriteConcern):
                raise TypeError(
                    "write_concern must be an instance of pymongo.write_concern.WriteConcern, "
                    f"not: {write_concern!r}"
                )
            if not write_concern.acknowledged:
                raise ConfigurationError(
                    f"transactions do not support unacknowledged write concern: {write_concern!r}"
                )
        if read_preference is not None and not isinstance(read_preference, _ServerMode):
            raise TypeError(
                f"{read_preference!r} is not valid for read_preference. See "
                "pymongo.read_preferences for valid options."
            )
        if max_commit_time_ms is not None and not isinstance(max_commit_time_ms, int):
            raise TypeError(
                f"max_commit_time_ms must be an integer or None, not {type(max_commit_time_ms)}"
            )
        self._read_concern = read_concern
        self._write_concern = write_concern
        self._read_preference = read_preference
        self._max_commit_time_ms = max_commit_time_ms

    @property
    def read_concern(self) -> ReadConcern | None:
        """Read concern, or None."""
        return self._read_concern

    @property
    def write_concern(self) -> WriteConcern | None:
        """Write concern, or None."""
        return self._write_concern

    @property
    def read_preference(self) -> _ServerMode | None:
        """Read preference, or None."""
        return self._read_preference

    @property
    def max_commit_time_ms(self) -> int | None:
        """Milliseconds a commit may take on the server, or None."""
        return self._max_commit_time_ms


class SessionOptions:
    """How a session behaves.

    :param causal_consistency: reads see what the session has done before; the default unless
        `snapshot` is set.
    :param snapshot: all reads see the data of one point in time: a `Timestamp`, or with True that
        of the first read.
    :raises ConfigurationError: if both causal consistency and a snapshot are asked for.
    """

    def __init__(
        self,
        causal_consistency: bool | None = None,
        default_transaction_options: TransactionOptions | None = None,
        snapshot: bool | Timestamp | None = False,
    ) -> None:
        if snapshot:
            if causal_consistency:
                raise ConfigurationError("snapshot reads do not support causal_consistency=True")
            causal_consistency = False
        elif causal_consistency is None:
            causal_consistency = True
        if default_transaction_options is not None and not isinstance(
            default_transaction_options, TransactionOptions
        ):
            raise TypeError(
                "default_transaction_options must be an instance of "
                "pymongo.client_session.TransactionOptions, not: "
                f"{default_transaction_options!r}"
            )
        self._causal_consistency = causal_consistency
        self._default_transaction_options = default_transaction_options
        self._snapshot_time = None
        if isinstance(snapshot, Timestamp):
            self._snapshot_time, snapshot = snapshot, True
        self._snapshot = snapshot

    @property
    def causal_consistency(self) -> bool:
        """Whether reads see what the session has done before."""
        return self._causal_consistency

    @property
    def default_transaction_options(self) -> TransactionOptions | None:
        """How transactions run unless they are told otherwise."""
        return self._default_transaction_options

    @property
    def snapshot(self) -> bool | None:
        """Whether all reads see the data of one point in time."""
        return self._snapshot

    @property
    def snapshot_time(self) -> Timestamp | None:
        """The time of the snapshot that was asked for, or None."""
        return self._snapshot_time


known_as("mongodriver.client_session_shared", globals())
