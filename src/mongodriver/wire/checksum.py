"""The checksum that may end an OP_MSG: CRC-32C of all bytes before it.

Servers do not add one unless they are asked; where it is there, it is checked.
"""

from __future__ import annotations

_POLYNOMIAL = 0x82F63B78  # Castagnoli's, its bits reversed
_table: list[int] = []


def crc32c(data: bytes | memoryview) -> int:
    """The CRC-32C of some bytes."""
    if not _table:
        _table.extend(_entry(byte) for byte in range(256))
    table = _table
    value = 0xFFFFFFFF
    for byte in data:
        value = table[(value ^ byte) & 0xFF] ^ value >> 8
    return value ^ 0xFFFFFFFF


def _entry(value: int) -> int:
    for _ in range(8):
        value = value >> 1 ^ _POLYNOMIAL if value & 1 else value >> 1
    return value


def is_intact(message: bytes) -> bool:
    """Whether the checksum at the end of a message is right."""
    return crc32c(memoryview(message)[:-4]) == int.from_bytes(message[-4:], "little")
