"""The elements of instances of classes with fields, for the pure encoder."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bsonx._typed.encode_nodes import EncodeField, EncodePlan

__all__ = ["Unreadable", "elements"]


class Unreadable:
    """Stands for a value that could not be read: encoding it raises the exception."""

    __slots__ = ("exception",)

    def __init__(self, exception: Exception) -> None:
        self.exception = exception


def elements(plan: EncodePlan, instance: Any, top: bool) -> Iterator[tuple[str, Any]]:
    """Yield the keys and values of an instance, each read when it is its turn.

    A top-level ``_id`` of None is left out.
    """
    from bsonx._typed.encode_nodes import Source

    dumped = plan.dump_some(instance) if plan.dump_some is not None else {}
    for field in plan.fields if top else plan.nested_fields:
        key = field.key if top else field.nested_key
        if field.source == Source.ATTRIBUTE:
            try:
                value = getattr(instance, field.name)
            except Exception as exc:
                value = Unreadable(exc)
        elif field.source == Source.EXTRA:
            yield from list((getattr(instance, field.name, None) or {}).items())
            continue
        elif field.source == Source.CONSTANT:
            value = field.constant
        elif field.constant in dumped:
            value = dumped[field.constant]
        else:
            continue
        if not _is_left_out(plan, field, value) and not (top and value is None and key == "_id"):
            yield key, value


def _is_left_out(plan: EncodePlan, field: EncodeField, value: Any) -> bool:
    if value is field.default or value is plan.unset:
        return True
    return field.empty is not None and type(value) is field.empty and not value
