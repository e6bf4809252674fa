"""The plans of options, each worked out once: what the readers have to do."""

from __future__ import annotations

from typing import Any

from bsonx._bounded import forget_oldest
from bsonx._py.decode import Plan
from bsonx.codec_options import CodecOptions

_LIMIT = 64
_plans: dict[int, Plan] = {}


def plan_for(options: CodecOptions[Any]) -> Plan:
    """Return the plan of these options, which are unhashable and therefore known by identity."""
    plan = _plans.get(id(options))
    if plan is None:
        plan = _make(options)
        if len(_plans) >= _LIMIT:
            forget_oldest(_plans)
        _plans[id(options)] = plan  # which keeps the options, so that their id stays theirs
    return plan


def _make(options: CodecOptions[Any]) -> Plan:
    plan = Plan(options)
    if plan.typed is not None:
        # Not needed by programs without classes with fields.
        from bsonx._py.typed.decode import decode_typed, read_typed_array, read_typed_document

        plan.decode_typed = decode_typed
        plan.user_readers = {
            **plan.readers,
            0x03: read_typed_document,
            0x04: read_typed_array,
        }
    return plan
