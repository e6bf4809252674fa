"""Events, and the listeners they are published to."""

from typing import TYPE_CHECKING

from ..values.late_modules import late_modules

if TYPE_CHECKING:
    from . import classes, observation, stages

__all__ = ["classes", "observation", "stages"]

# Where nobody listens no event is ever made.
__getattr__ = late_modules(__name__, "classes", "observation", "stages")
