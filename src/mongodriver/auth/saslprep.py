"""SASLprep: passwords that look alike become the same (RFC 4013)."""

from __future__ import annotations

import stringprep
import unicodedata

__all__ = ["saslprep"]

_PROHIBITED = (
    stringprep.in_table_c12,
    stringprep.in_table_c21_c22,
    stringprep.in_table_c3,
    stringprep.in_table_c4,
    stringprep.in_table_c5,
    stringprep.in_table_c6,
    stringprep.in_table_c7,
    stringprep.in_table_c8,
    stringprep.in_table_c9,
)


def saslprep(data: str, prohibit_unassigned_code_points: bool = True) -> str:
    """Return the prepared form of `data`; ValueError if it holds characters that are not allowed.

    Code points that Unicode 3.2 did not assign are allowed on request (for queries).
    """
    mapped = "".join(
        " " if stringprep.in_table_c12(character) else character
        for character in data
        if not stringprep.in_table_b1(character)
    )
    prepared = unicodedata.ucd_3_2_0.normalize("NFKC", mapped)
    if not prepared:
        return prepared
    _check_direction(prepared)
    prohibited = list(_PROHIBITED)
    if prohibit_unassigned_code_points:
        prohibited.append(stringprep.in_table_a1)
    if any(is_in(character) for character in prepared for is_in in prohibited):
        raise ValueError("SASLprep: failed prohibited character check")
    return prepared


def _check_direction(text: str) -> None:
    """Right-to-left text must begin and end so, and not be mixed."""
    right_to_left = [stringprep.in_table_d1(character) for character in text]
    if not any(right_to_left):
        return
    if not right_to_left[0] or not right_to_left[-1] or any(map(stringprep.in_table_d2, text)):
        raise ValueError("SASLprep: failed bidirectional check")
