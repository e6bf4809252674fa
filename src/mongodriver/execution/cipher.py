"""The stages "encrypt" and "decrypt": where something may stand between commands and the wire."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from ..ops.base import Command
    from .execution import Execution


class Cipher(Protocol):
    """Changes what is sent and what is received; both may wait, for keys or another process."""

    @property
    def clients(self) -> Sequence[Any]:
        """Core clients of its own, which are closed together with the one it serves."""

    async def encrypt(self, execution: Execution, command: Command) -> Command:
        """The command to send instead of a complete one, which has not been encoded."""

    async def decrypt(self, execution: Execution, message: bytes) -> bytes:
        """The reply to decode instead of the one received: a whole OP_MSG."""

    async def close(self) -> None:
        """Let go of what it holds, once the client is closed."""
