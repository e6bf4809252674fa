"""What the classes of both flavours have in common for their users."""

from typing import TYPE_CHECKING

from ..values.late_modules import late_modules

if TYPE_CHECKING:
    from . import encrypted_fields, read_ahead

__all__ = ["encrypted_fields", "read_ahead"]

__getattr__ = late_modules(__name__, "encrypted_fields", "read_ahead")
