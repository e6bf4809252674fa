"""Commands as data: what goes on the wire and what its reply means, without any I/O."""

from typing import TYPE_CHECKING

from ..values.late_modules import late_modules

if TYPE_CHECKING:
    from . import bulk, catalogue, indexes

__all__ = ["bulk", "catalogue", "indexes"]

__getattr__ = late_modules(__name__, "bulk", "catalogue", "indexes")
