"""Selecting secondaries by their estimated staleness."""

from mongodriver.values.server_selectors import IDLE_WRITE_PERIOD, SMALLEST_MAX_STALENESS
from mongodriver.values.server_selectors import fresh_enough as select

__all__ = ["IDLE_WRITE_PERIOD", "SMALLEST_MAX_STALENESS", "select"]
