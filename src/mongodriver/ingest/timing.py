"""Times as a histogram: percentiles of any number of them in little memory."""

from __future__ import annotations

import math

__all__ = ["Times"]

_FIRST = 1e-4  # seconds
_STEP = math.log(1.1)
_BUCKETS = 180  # up to about 2,500 s


class Times:
    """Counts times; what it tells of them is right to 10 %, at most."""

    def __init__(self) -> None:
        self._counts = [0] * _BUCKETS
        self._total = 0

    def add(self, seconds: float) -> None:
        """Count one."""
        bucket = 0 if seconds <= _FIRST else int(math.log(seconds / _FIRST) / _STEP) + 1
        self._counts[min(bucket, _BUCKETS - 1)] += 1
        self._total += 1

    def percentile(self, share: float) -> float:
        """The time that this share of all does not exceed, seconds; 0.0 when there are none."""
        left = share * self._total
        for bucket, count in enumerate(self._counts):
            left -= count
            if count and left <= 0:
                return round(_FIRST * math.exp(bucket * _STEP), 6)
        return 0.0
