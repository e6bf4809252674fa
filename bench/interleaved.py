"""Times contenders in turn, round by round, so that a drifting machine hits all of them alike.

A figure is the median over the rounds; a ratio is the median of the rounds' ratios. Wall time
and CPU time of this process are both kept: the first includes the server, the second does not.
"""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, field

Run = Callable[[int], object]


@dataclass
class Case:
    """One comparison: `contenders` map a library's name to a function that does the work n times.

    `operations` is how many operations one call of the work stands for (documents in a batch).
    """

    group: str
    name: str
    contenders: dict[str, Run]
    operations: int = 1


@dataclass
class Timing:
    """Seconds per operation of one contender, one entry a round."""

    wall: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)

    def median(self) -> float:
        return statistics.median(self.wall)

    def best(self) -> float:
        return min(self.wall)

    def median_cpu(self) -> float:
        return statistics.median(self.cpu)


def repetitions(runs: dict[str, Run], seconds: float) -> dict[str, int]:
    """How often each contender runs in a round to take about `seconds`."""
    counts = {}
    for name, run in runs.items():
        run(1)
        count = 1
        while True:
            start = time.perf_counter()
            run(count)
            spent = time.perf_counter() - start
            if spent > seconds / 4:
                break
            count *= 4
        counts[name] = max(1, round(count * seconds / spent))
    return counts


def measure(case: Case, rounds: int = 15, seconds: float = 0.05) -> dict[str, Timing]:
    """Run every contender of `case` once a round, the order turning with the round."""
    counts = repetitions(case.contenders, seconds)
    timings = {name: Timing() for name in case.contenders}
    names = list(case.contenders)
    for turn in range(rounds):
        shift = turn % len(names)
        for name in names[shift:] + names[:shift]:
            gc.collect()
            count = counts[name]
            wall, cpu = time.perf_counter(), time.process_time()
            case.contenders[name](count)
            total = count * case.operations
            timings[name].cpu.append((time.process_time() - cpu) / total)
            timings[name].wall.append((time.perf_counter() - wall) / total)
    return timings


def ratio(timings: dict[str, Timing], slow: str, fast: str) -> float:
    """How many times `fast` is faster than `slow`."""
    pairs = zip(timings[slow].wall, timings[fast].wall, strict=True)
    return statistics.median(s / max(f, 1e-9) for s, f in pairs)


def ratio_above(timings: dict[str, Timing], slow: str, fast: str, floor: str) -> float | None:
    """The same for what each adds to `floor`, of the best rounds; None where noise hides it."""
    base = timings[floor].best()
    added = timings[fast].best() - base
    return (timings[slow].best() - base) / added if added > 0 else None


def cpu_ratio(timings: dict[str, Timing], slow: str, fast: str) -> float:
    """The same for CPU time of this process."""
    pairs = zip(timings[slow].cpu, timings[fast].cpu, strict=True)
    return statistics.median(s / max(f, 1e-9) for s, f in pairs)
