"""What checks have found out that descriptions do not keep: for diagnosis alone.

A member that belongs to another replica set leaves the topology, or becomes Unknown, and with that
goes what it said of itself. And some errors tell something only when they come again and again.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..io.faults import fault
from ..values.causes import CauseKind
from ..values.error_codes import LOGIN_REFUSED
from ..values.errors import OperationFailure, ProtocolError

if TYPE_CHECKING:
    from ..values.address import Address
    from ..values.server_description import ServerDescription

__all__ = ["Evidence", "kind_of_error"]


def kind_of_error(error: BaseException) -> CauseKind:
    """The kind of cause that an error of a check or a connection stands for."""
    found: BaseException | None = error
    while found is not None:
        kind = fault(found)
        if kind is not None:
            return kind
        if isinstance(found, OperationFailure):
            return CauseKind.AUTHENTICATION if found.code in LOGIN_REFUSED else CauseKind.COMMAND
        if isinstance(found, ProtocolError):
            return CauseKind.NOT_MONGODB
        found = found.__cause__
    return CauseKind.OTHER


class Evidence:
    """What has been heard of the members so far. Used under the topology's lock.

    :param seeds: addresses the user named. Of others nothing is kept once they have left.
    """

    __slots__ = ("_seeds", "_streaks", "reached", "refused")

    def __init__(self, seeds: Sequence[Address]) -> None:
        self._seeds = frozenset(seeds)
        self._streaks: dict[Address, tuple[CauseKind, int]] = {}
        #: Whether any server has ever answered: TLS and network are as configured then.
        self.reached = False
        #: What servers said of themselves that were not taken as members.
        self.refused: dict[Address, ServerDescription] = {}

    def note(self, heard: ServerDescription, now: ServerDescription | None) -> None:
        """Take what was heard of a server.

        :param now: what the topology makes of that; None: the server is no member (any more).
        """
        address = heard.address
        if not heard.is_server_type_known:
            self._note_failure(address, heard.error)
            return
        self.reached = True
        self._streaks.pop(address, None)
        self.refused.pop(address, None)
        kept = address in self._seeds if now is None else not now.is_server_type_known
        if kept:
            self.refused[address] = heard

    def _note_failure(self, address: Address, error: Exception | None) -> None:
        self.refused.pop(address, None)
        if error is None:
            return
        kind = kind_of_error(error)
        before, count = self._streaks.get(address, (kind, 0))
        self._streaks[address] = kind, (count + 1 if before == kind else 1)

    def forget(self, address: Address) -> None:
        """A server is no member any more. What a seed said of itself is kept: it may tell why."""
        self._streaks.pop(address, None)
        if address not in self._seeds:
            self.refused.pop(address, None)

    def times(self, address: Address) -> int:
        """How often in a row a server has failed in the same way."""
        return self._streaks.get(address, (None, 0))[1]
