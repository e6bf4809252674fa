"""Which reader makes the plan of which kind of class."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from bsonx._typed.annotations import Builder
from bsonx._typed.fields import check_names
from bsonx._typed.hints import resolving
from bsonx._typed.kinds import ClassKind, class_kind
from bsonx._typed.models import (
    read_attrs,
    read_dataclass,
    read_msgspec,
    read_namedtuple,
    read_typeddict,
)
from bsonx._typed.nodes import ModelPlan
from bsonx._typed.pydantic_models import read_pydantic, root_node

__all__ = ["builder"]

_READERS: dict[ClassKind, Callable[[Builder, ModelPlan, Any], None]] = {
    ClassKind.PYDANTIC: read_pydantic,
    ClassKind.MSGSPEC: read_msgspec,
    ClassKind.ATTRS: read_attrs,
    ClassKind.DATACLASS: read_dataclass,
    ClassKind.TYPEDDICT: read_typeddict,
    ClassKind.NAMEDTUPLE: read_namedtuple,
}


def builder() -> Builder:
    """Return a builder of plans that knows every kind of class."""
    return Builder(_read_model, root_node)


def _read_model(builder: Builder, plan: ModelPlan, tp: Any) -> None:
    """Fill a model plan from its class, or from a parametrised generic class ``tp``."""
    cls = plan.cls
    if inspect.isabstract(cls):
        raise TypeError(f"cannot decode documents to the abstract class {plan.label}")
    kind = class_kind(cls)
    assert kind is not None  # the builder has asked
    old = builder.enter(tp, cls)
    try:
        with resolving(cls):  # libraries read annotations in ways of their own
            _READERS[kind](builder, plan, tp)
    finally:
        builder.leave(old)
    check_names(plan)
