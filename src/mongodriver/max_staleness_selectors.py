"""Selecting secondaries by their estimated staleness."""

from mongodriver.spec.selectors import IDLE_WRITE_PERIOD, SMALLEST_MAX_STALENESS
from mongodriver.spec.selectors import fresh_enough as select

__all__ = ["IDLE_WRITE_PERIOD", "SMALLEST_MAX_STALENESS", "select"]
