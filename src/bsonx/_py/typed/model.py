"""Executes decode plans: documents to instances of classes with fields."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from bsonx._py.typed.run import (
    Element,
    Run,
    Value,
    called,
    enter,
    named,
    pay_retry,
    read_entry,
    read_node,
    read_positions,
    read_tag,
    skip,
)
from bsonx._typed.errors import TypedDecodeError
from bsonx._typed.nodes import ABSENT, ARRAY, MISSING, Build, ModelPlan, Node, Unknown

__all__ = ["read_model"]


def read_model(run: Run, node: Node, element: Element) -> Value:
    model = node.model
    assert model is not None
    if element.code == ARRAY:
        return _model_of_array(run, model, element)
    if model.fallback is None:
        return _fields(run, model, element)
    if model.build is not Build.VALIDATED:
        try:
            return _fields(run, model, element)
        except TypedDecodeError:
            pay_retry(run, element)
    return read_node(run, model.fallback, element)


def _model_of_array(run: Run, model: ModelPlan, element: Element) -> Value:
    """A named tuple, stored by position as it is encoded inside a document."""
    nodes = tuple(field.node for field in model.fields)
    items, stop = read_positions(run, nodes, model.label, element)
    names = [field.name for field in model.fields]
    values = dict(zip(names, items, strict=False))
    return _finish(model, values, {}, element.pos), stop


def _fields(run: Run, model: ModelPlan, element: Element) -> Value:
    stop = enter(run, element)
    pos = element.pos + 4
    values: dict[str, Any] = {}
    # A dict keeps the order of the document; instances have their unknown fields apart.
    extra: dict[str, Any] = values if model.build is Build.DICT else {}
    known = model.by_key()
    while pos < stop - 1:
        raw, item = read_entry(run, pos, stop - 1, element.depth + 1)
        field, weak = known.get(raw, (None, False))
        if field is None:
            pos = _unknown(run, model, extra, raw, item)
            continue
        item = named(item, field.key)
        if weak and field.name in values:
            pos = skip(run, item)
            continue
        try:
            values[field.name], pos = read_node(run, field.node, item)
        except TypedDecodeError as exc:
            exc._within(field.key)
            raise
    return _finish(model, values, extra, element.pos), stop


def _unknown(
    run: Run, model: ModelPlan, extra: dict[str, Any], raw: bytes, element: Element
) -> int:
    """Deal with an element that no field of the model takes; return its end.

    Its name is read as text only where it is wanted.
    """
    if model.tag_field is not None and raw == model.tag_field.encode():
        return _check_tag(run, model, named(element, model.tag_field))
    if model.unknown is Unknown.KEEP:
        element = named(element, run.options.key(raw, element.at + 1))
        try:
            extra[element.name], stop = read_node(run, model.rest, element)
        except TypedDecodeError as exc:
            exc._within(element.name)
            raise
        return stop
    element = named(element, raw.decode("utf-8", "replace"))
    stop = skip(run, element)
    if model.unknown is Unknown.FORBID:
        raise TypedDecodeError(f"{model.label} has no field {element.name!r}", element.at)
    return stop


def _check_tag(run: Run, model: ModelPlan, element: Element) -> int:
    tag, stop = read_tag(run, element)
    if type(tag) is not type(model.tag) or tag != model.tag:
        error = TypedDecodeError(f"expected the tag {model.tag!r}", element.pos)
        error._within(element.name)
        raise error
    return stop


def _finish(model: ModelPlan, values: dict[str, Any], extra: dict[str, Any], pos: int) -> Any:
    """Add the defaults and make the instance."""
    provided = set(values)
    for field in model.fields:
        if field.name in values:
            continue
        if field.factory is not None:
            values[field.name] = called(pos, field.factory)
        elif field.default is MISSING:
            raise TypedDecodeError(f"{model.label} needs the field {field.key!r}", pos)
        elif field.default is not ABSENT:
            values[field.name] = field.default
    if model.build is Build.DICT:
        return values
    if model.build in (Build.CALL, Build.STRUCT):
        return _construct(model, values, pos)
    if model.build is Build.TUPLE:
        return tuple.__new__(model.cls, [values[field.name] for field in model.fields])
    instance = model.cls.__new__(model.cls)
    for field in model.fields:
        if field.name in values:
            object.__setattr__(instance, field.name, values[field.name])
    if model.build is Build.PYDANTIC:
        kept = extra if model.unknown is Unknown.KEEP else None
        object.__setattr__(instance, "__pydantic_fields_set__", provided | set(kept or ()))
        object.__setattr__(instance, "__pydantic_extra__", kept)
        object.__setattr__(instance, "__pydantic_private__", None)
    if model.post_init is not None:
        arguments = (None,) if model.post_init_argument else ()
        called(pos, getattr(instance, model.post_init), *arguments)
    return instance


def _construct(model: ModelPlan, values: dict[str, Any], pos: int) -> Any:
    late = {f.name: values.pop(f.name) for f in model.fields if f.late and f.name in values}
    instance = called(pos, lambda: model.cls(**values))
    for name, value in late.items():
        called(pos, _set_late, instance, name, value)
    return instance


def _set_late(instance: Any, name: str, value: Any) -> None:
    """Set a field that is no argument, also of a frozen class; a property keeps its own value."""
    try:
        setattr(instance, name, value)
    except AttributeError:
        with suppress(AttributeError):
            object.__setattr__(instance, name, value)
