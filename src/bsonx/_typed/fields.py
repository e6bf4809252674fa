"""What the readers of all kinds of classes share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from bsonx._typed.annotations import Builder
from bsonx._typed.hints import hints_of
from bsonx._typed.nodes import MISSING, Field, ModelPlan

__all__ = ["add_field", "annotations_of", "check_names"]


def annotations_of(cls: Any, builder: Builder) -> dict[str, Any]:
    """Return the resolved annotations; binds the parameters of generic base classes."""
    hints = hints_of(cls)
    builder.bind_bases(cls)
    return hints


def add_field(
    builder: Builder,
    plan: ModelPlan,
    name: str,
    tp: Any,
    keys: tuple[str, str | None],
    default: Any = MISSING,
    factory: Callable[[], Any] | None = None,
    *,
    attribute: str | None = None,
    late: bool = False,
) -> None:
    """Append a field; what its type lacks is reported with the field's name.

    ``attribute``: its name in the class, where that is not its name as an argument.
    """
    try:
        node = builder.field_node(plan.cls, attribute or name, tp)
    except TypeError as exc:
        raise TypeError(f"{plan.label}.{name}: {exc}") from None
    plan.fields.append(
        Field(name, keys[0], node, weak_key=keys[1], default=default, factory=factory, late=late)
    )


def check_names(plan: ModelPlan) -> None:
    """Refuse two fields of one name in documents."""
    seen: dict[str, str] = {}
    for field in plan.fields:
        if field.key in seen:
            raise TypeError(
                f"the fields {seen[field.key]!r} and {field.name!r} of {plan.label} "
                f"are both called {field.key!r} in documents"
            )
        seen[field.key] = field.name
