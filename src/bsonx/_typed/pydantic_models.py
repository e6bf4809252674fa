"""From pydantic models to model plans.

A model whose fields mean to pydantic what they mean to us (no validators, constraints or settings
that change values) is built directly; a document that does not fit is validated by pydantic, whose
coercions and errors then apply. Every other model is always validated by pydantic, from a dict in
which BSON's types are replaced by those the model declares.
"""

from __future__ import annotations

import copy
import sys
import types
import typing
from collections import abc
from collections.abc import Iterable
from typing import Any

from bsonx._typed import plan as p
from bsonx._typed.annotations import Builder, any_node, strip_annotated, tagged_node, to_decimal
from bsonx._typed.models import annotations_of, field_keys
from bsonx._typed.plan import ABSENT, MISSING, Build, Field, Kind, ModelPlan, Node, Unknown

__all__ = ["read_pydantic", "root_node"]

# Settings that change nothing about how a fitting document becomes an instance, or that are
# handled here.
_HARMLESS_SETTINGS = {
    "alias_generator",  # its results are in the fields
    "arbitrary_types_allowed",
    "cache_strings",
    "coerce_numbers_to_str",  # only for values that do not fit
    "defer_build",
    "extra",
    "from_attributes",
    "frozen",
    "hide_input_in_errors",
    "ignored_types",
    "json_encoders",
    "json_schema_extra",
    "json_schema_mode_override",
    "json_schema_serialization_defaults_required",
    "populate_by_name",
    "protected_namespaces",
    "revalidate_instances",
    "ser_json_bytes",
    "ser_json_inf_nan",
    "ser_json_timedelta",
    "serialize_by_alias",
    "title",
    "use_attribute_docstrings",
    "validate_assignment",
    "validate_by_alias",
    "validate_by_name",
    "validation_error_cause",
}

# Generic types that pydantic reads as we do; Iterable, for one, it makes lazy.
_PLAIN_ORIGINS = {
    None,
    abc.Sequence,
    dict,
    frozenset,
    list,
    set,
    tuple,
    types.UnionType,
    typing.Literal,
    typing.Union,
}

_PLAIN_KINDS = {
    Kind.ANY,
    Kind.NONE,
    Kind.BOOL,
    Kind.INT,
    Kind.FLOAT,
    Kind.STR,
    Kind.BYTES,
    Kind.OBJECTID,
    Kind.DATETIME,
    Kind.UUID,
    Kind.LIST,
    Kind.TUPLE,
    Kind.SET,
    Kind.FROZENSET,
    Kind.FIXED,
    Kind.DICT,
    Kind.LOOKUP,
}


class _NotPlain(Exception):
    """The model needs pydantic itself."""


def read_pydantic(builder: Builder, plan: ModelPlan, tp: Any) -> None:
    """Fill the plan of a pydantic model or of a dataclass made by pydantic."""
    cls = plan.cls
    plan.build = Build.VALIDATED
    if issubclass(cls, sys.modules["pydantic"].BaseModel):
        _read_base_model(builder, plan)
    else:
        hints = annotations_of(cls, builder)
        for name, info in cls.__pydantic_fields__.items():
            plan.fields.extend(_declared_fields(builder, plan, name, info, hints.get(name, Any)))
    # Other models' plans may still be empty: what pydantic gets is settled when all are read.
    builder.deferred.append(lambda: _set_fallback(plan))


def root_node(builder: Builder, cls: Any) -> Node:
    """Return the node of a root model, which wraps a value that need not be a document."""
    if not cls.__pydantic_complete__:
        cls.model_rebuild()
    item = raw_node([builder.node(cls.model_fields["root"].annotation)], {})
    validate = cls.__pydantic_validator__.validate_python
    return Node(Kind.CALL, cls.__name__, p.ALL_CODES, item=item, call=validate)


def _set_fallback(plan: ModelPlan) -> None:
    item = _raw_model([plan], {})
    validate = plan.cls.__pydantic_validator__.validate_python
    plan.fallback = Node(Kind.CALL, plan.label, item.codes, item=item, call=validate)


def _read_base_model(builder: Builder, plan: ModelPlan) -> None:
    cls = plan.cls
    if not cls.__pydantic_complete__:
        cls.model_rebuild()
    try:
        _check_class(cls)
        fields = [_direct_field(builder, cls, name, f) for name, f in cls.model_fields.items()]
    except _NotPlain:
        for name, info in cls.model_fields.items():
            plan.fields.extend(_declared_fields(builder, plan, name, info, info.annotation))
        return
    plan.build = Build.PYDANTIC
    plan.fields = fields
    extra = cls.model_config.get("extra")
    plan.unknown = {"forbid": Unknown.FORBID, "allow": Unknown.KEEP}.get(extra, Unknown.IGNORE)
    plan.post_init = cls.__pydantic_post_init__
    plan.post_init_argument = True


# ---- plain models ----


def _check_class(cls: Any) -> None:
    decorators = cls.__pydantic_decorators__
    base = sys.modules["pydantic"].BaseModel
    own = [c for c in cls.__mro__ if issubclass(c, base) and c is not base]
    if (
        decorators.validators
        or decorators.field_validators
        or decorators.root_validators
        or decorators.model_validators
        or cls.__pydantic_custom_init__
        or cls.__new__ is not object.__new__
        or any("__get_pydantic_core_schema__" in vars(c) for c in own)
        or set(cls.model_config) - _HARMLESS_SETTINGS
    ):
        raise _NotPlain


def _direct_field(builder: Builder, cls: Any, name: str, info: Any) -> Field:
    if info.metadata or info.validate_default:
        raise _NotPlain
    if not isinstance(info.validation_alias, str | None):
        raise _NotPlain
    node = _plain_node(builder, info)
    key, weak = _input_keys(cls, name, info)
    default, factory = _default(info)
    return Field(name, key, node, weak_key=weak, default=default, factory=factory)


def _default(info: Any) -> tuple[Any, Any]:
    if info.is_required():
        return MISSING, None
    if info.default_factory is not None:
        if getattr(info, "default_factory_takes_validated_data", False):
            raise _NotPlain
        return MISSING, info.default_factory
    value = info.default
    if type(value) in (type(None), bool, int, float, str, bytes):
        return value, None
    return MISSING, lambda: copy.deepcopy(value)


def _input_keys(cls: Any, name: str, info: Any) -> tuple[str, str | None]:
    """Return the names under which pydantic would look for the field."""
    alias = info.validation_alias or info.alias
    config = getattr(cls, "model_config", {})
    if alias is None or config.get("validate_by_alias") is False:
        return field_keys(name, None, cls.__pydantic_fields__)
    by_name = config.get("populate_by_name") or config.get("validate_by_name")
    return alias, (name if by_name and name != alias else None)


def _plain_node(builder: Builder, info: Any) -> Node:
    _check_annotation(info.annotation)
    try:
        node = builder.node(info.annotation)
    except TypeError:
        raise _NotPlain from None
    if info.discriminator is not None:
        return _discriminated(node, info.discriminator)
    _check_node(node)
    return node


def _check_annotation(tp: Any) -> None:
    """Refuse metadata anywhere in the annotation: it may validate or convert."""
    tp, metadata = strip_annotated(tp)
    if metadata or typing.get_origin(tp) not in _PLAIN_ORIGINS or hasattr(tp, "__value__"):
        raise _NotPlain
    if typing.get_origin(tp) is not typing.Literal:
        for argument in typing.get_args(tp):
            _check_annotation(argument)


def _check_node(node: Node) -> None:
    """Refuse nodes that pydantic may understand in another way."""
    if node.kind is Kind.MODEL:
        if node.model is None or not hasattr(node.model.cls, "model_fields"):
            raise _NotPlain
        return
    if node.kind is Kind.UNION:
        if any(len(alternatives) > 1 for alternatives in (node.table or {}).values()):
            raise _NotPlain  # pydantic looks for the best fit
    elif node.kind is Kind.INSTANCE:
        if hasattr(node.cls, "__get_pydantic_core_schema__") or node.widened:
            raise _NotPlain
        return
    elif node.kind is Kind.CALL:
        if node.label == "Decimal":
            node.call = _finite_decimal
        elif node.label != "date":
            raise _NotPlain
        return
    elif node.kind not in _PLAIN_KINDS or (node.kind is Kind.LOOKUP and node.call is not None):
        raise _NotPlain
    for inner in (*node.items, *([node.item] if node.item else [])):
        _check_node(inner)


def _finite_decimal(value: Any) -> Any:
    number = to_decimal(value)
    if not number.is_finite():
        raise ValueError("expected a finite number")
    return number


def _discriminated(node: Node, discriminator: Any) -> Node:
    """Return a TAGGED node for ``Field(discriminator="name")``."""
    if not isinstance(discriminator, str) or node.kind is not Kind.UNION:
        raise _NotPlain
    values: dict[Any, Node] = {}
    key = None
    for inner in node.items:
        if inner.kind is not Kind.MODEL or inner.model is None:
            raise _NotPlain
        field = next((f for f in inner.model.fields if f.name == discriminator), None)
        if field is None or field.node.kind is not Kind.LOOKUP or key not in (None, field.key):
            raise _NotPlain
        key = field.key
        values.update(dict.fromkeys(field.node.values or (), inner))
    return tagged_node(str(key), values)


# ---- validation by pydantic ----


def _declared_fields(
    builder: Builder, plan: ModelPlan, name: str, info: Any, annotation: Any
) -> Iterable[Field]:
    """Return the fields of a model that pydantic validates, by the names it looks for."""
    try:
        node = builder.field_node(plan.cls, name, annotation)
    except TypeError:
        node = any_node()
    choices = getattr(info.validation_alias, "choices", None)
    if choices is not None:
        keys = [choice for choice in choices if isinstance(choice, str)]
        return [Field(key, key, node, default=ABSENT) for key in keys]
    if not isinstance(info.validation_alias, str | None):
        return []
    key, weak = _input_keys(plan.cls, name, info)
    return [Field(name, key, node, weak_key=weak, default=ABSENT)]


def raw_node(nodes: list[Node], known: dict[Any, Node]) -> Node:
    """Return a node that takes anything, and converts what pydantic would not understand.

    ``nodes`` are the alternatives declared; ``known`` the models on the way, which may be
    recursive.
    """
    flat = [inner for node in nodes for inner in _alternatives(node)]
    table: dict[int, tuple[Node, ...]] = {}
    for code in (p.DOCUMENT, p.ARRAY, p.BINARY, p.INT32, p.INT64, p.DECIMAL128):
        fitting = [n for n in flat if code in n.codes or code in n.widened]
        node_ = _raw_alternative(code, fitting, known)
        if node_ is not None:
            table[code] = (node_, any_node())
    if not table:
        return any_node()
    items = tuple(n for alternatives in table.values() for n in alternatives)
    return Node(
        Kind.UNION, "any value", (), widened=p.ALL_CODES, table=table, item=any_node(), items=items
    )


def _alternatives(node: Node) -> Iterable[Node]:
    if node.kind in (Kind.UNION, Kind.TAGGED):
        for inner in node.items:
            yield from _alternatives(inner)
    elif node.kind in (Kind.CALL, Kind.LOOKUP) and node.label not in ("Decimal", "timedelta"):
        if node.item is not None:
            yield from _alternatives(node.item)
    else:
        yield node


_CONVERSIONS: dict[int, set[str]] = {
    p.BINARY: {"UUID"},
    p.INT32: {"int", "float", "timedelta"},
    p.INT64: {"int", "float", "timedelta"},
    p.DECIMAL128: {"Decimal"},
}


def _raw_alternative(code: int, fitting: list[Node], known: dict[Any, Node]) -> Node | None:
    """Return the conversion of one element type, if the declared types agree on it."""
    if code == p.DOCUMENT:
        return _raw_document(fitting, known)
    if code == p.ARRAY:
        return _raw_array(fitting, known)
    labels = {n.label for n in fitting}
    if not labels or not labels <= _CONVERSIONS[code]:
        return None
    exact = [n for n in fitting if code in n.codes]
    first = (exact or fitting)[0]
    if code == p.DECIMAL128:  # whether it must be finite is for pydantic to say
        return Node(Kind.CALL, first.label, first.codes, item=first.item, call=to_decimal)
    return first if first.label != "float" else None


def _raw_array(fitting: list[Node], known: dict[Any, Node]) -> Node | None:
    inner: list[Node] = []
    for node in fitting:
        if node.kind is Kind.FIXED:
            inner.extend(node.items)
        elif node.kind in (Kind.LIST, Kind.TUPLE, Kind.SET, Kind.FROZENSET) and node.item:
            inner.append(node.item)
        else:
            return None
    item = raw_node(inner, known) if inner else any_node()
    return None if item.kind is Kind.ANY else Node(Kind.LIST, "list", (p.ARRAY,), item=item)


def _raw_document(fitting: list[Node], known: dict[Any, Node]) -> Node | None:
    if fitting and all(n.kind is Kind.DICT for n in fitting):
        item = raw_node([n.item for n in fitting if n.item is not None], known)
        return None if item.kind is Kind.ANY else Node(Kind.DICT, "dict", (p.DOCUMENT,), item=item)
    models = [n.model for n in fitting if n.model is not None]
    if not models or len(models) != len(fitting):
        return None
    key = tuple(dict.fromkeys(model.cls for model in models))
    node = known.get(key)
    if node is None:
        node = known[key] = _raw_model(models, known)
    return node


def _raw_model(models: list[ModelPlan], known: dict[Any, Node]) -> Node:
    """Return the node of a dict whose fields are those of all the models."""
    raw = ModelPlan(dict, models[0].label)
    raw.unknown = Unknown.KEEP
    node = Node(Kind.MODEL, raw.label, (p.DOCUMENT,), model=raw)
    known[tuple(dict.fromkeys(model.cls for model in models))] = node
    found: dict[str, list[tuple[Field, ModelPlan]]] = {}
    for model in models:
        for field in model.fields:
            found.setdefault(field.key, []).append((field, model))
    for key, pairs in found.items():
        field, model = pairs[0]
        name = key if _has_alias(model.cls, field.name) else field.name
        item = raw_node([f.node for f, _ in pairs], known)
        raw.fields.append(Field(name, key, item, weak_key=field.weak_key, default=ABSENT))
    return node


def _has_alias(cls: Any, name: str) -> bool:
    info = getattr(cls, "__pydantic_fields__", {}).get(name)
    return info is not None and (info.validation_alias or info.alias) is not None
