"""Round trip times of a server: their average (server-selection specification) and their least."""

from __future__ import annotations

from .public_names import known_as

__all__ = ["MovingAverage", "RoundTrips"]

#: Of the newest sample in the average.
_WEIGHT = 0.2
#: The samples the least is taken from, and how many it takes to tell.
_RECENT = 10
_ENOUGH = 2


class MovingAverage:
    """An exponentially weighted moving average (weight 0.2 for the newest sample)."""

    average: float | None

    def __init__(self) -> None:
        self.average = None

    def add_sample(self, sample: float) -> None:
        """Take a duration in seconds into account; ValueError if it is negative."""
        if sample < 0:
            raise ValueError(f"duration cannot be negative {sample}")
        average = self.average  # read once: another thread may reset it meanwhile
        if average is None:
            self.average = sample
        else:
            self.average = (1 - _WEIGHT) * average + _WEIGHT * sample

    def get(self) -> float | None:
        """Return the average in seconds, or None without a sample."""
        return self.average

    def reset(self) -> None:
        """Forget all samples."""
        self.average = None


class RoundTrips(MovingAverage):
    """The average round trip to a server and the least of the last ten, in seconds.

    One thread adds, others read and reset: what they share are values that are never changed.
    """

    def __init__(self) -> None:
        super().__init__()
        self._recent: tuple[float, ...] = ()

    def add_sample(self, sample: float) -> None:
        super().add_sample(sample)
        self._recent = (*self._recent[1 - _RECENT :], sample)

    def reset(self) -> None:
        super().reset()
        self._recent = ()

    @property
    def minimum(self) -> float:
        """The least of the last ten; 0 until there are two."""
        recent = self._recent
        return min(recent) if len(recent) >= _ENOUGH else 0.0


known_as("mongodriver.read_preferences", {"__name__": __name__, "MovingAverage": MovingAverage})
