"""The fuzzer's seeds, and findings kept among them: C and pure Python do the same with each."""

from __future__ import annotations

from pathlib import Path

import fuzz_targets
import pytest

from implementations import tree

CORPUS = Path(__file__).resolve().parent.parent / "fuzz" / "corpus"


@pytest.fixture(scope="module")
def outcomes():
    """A function that gives the outcomes of inputs with both implementations."""
    sides = {}
    for name in ("c", "py"):
        with tree(name).active():
            sides[name] = fuzz_targets.Side()

    def run(group, inputs):
        found = []
        for name, side in sides.items():
            with tree(name).active():
                found.append([fuzz_targets.outcome(side, group, data) for data in inputs])
        return found

    return run


def inputs_of(group):
    return [path.read_bytes() for path in sorted((CORPUS / group).iterdir())]


@pytest.mark.parametrize("group", fuzz_targets.GROUPS)
def test_both_do_the_same_with_every_seed(outcomes, group):
    inputs = inputs_of(group)
    assert len(inputs) >= 8
    c, pure = outcomes(group, inputs)
    for data, one, two in zip(inputs, c, pure, strict=True):
        assert fuzz_targets.agree(one, two), (data, one, two)
    assert sum(one[0] == "gives" for one in c) > len(inputs) // 4


@pytest.mark.parametrize("group", fuzz_targets.GROUPS)
def test_both_do_the_same_with_parts_of_the_seeds(outcomes, group):
    parts = [data[:size] for data in inputs_of(group) for size in range(2, len(data), 3)]
    c, pure = outcomes(group, parts)
    for data, one, two in zip(parts, c, pure, strict=True):
        assert fuzz_targets.agree(one, two), (data, one, two)


def test_every_function_has_a_seed():
    for group, targets in fuzz_targets.GROUPS.items():
        reached = {data[0] % len(targets) for data in inputs_of(group)}
        missing = set(range(len(targets))) - reached
        assert not missing, (group, [targets[number].__name__ for number in missing])
