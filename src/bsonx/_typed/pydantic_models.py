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
from collections.abc import Callable
from typing import Any

from bsonx._typed import nodes as p
from bsonx._typed.annotations import Builder
from bsonx._typed.choices import tagged_node
from bsonx._typed.direct import pydantic_is_known
from bsonx._typed.fields import annotations_of
from bsonx._typed.hints import (
    field_keys,
    hints_of,
    late_names,
    own_annotations,
    pydantic_fields,
    resolving,
    strip_annotated,
)
from bsonx._typed.nodes import (
    ABSENT,
    MISSING,
    Build,
    Field,
    Kind,
    ModelPlan,
    Node,
    Unknown,
    any_node,
)
from bsonx._typed.pydantic_raw import raw_model, raw_node
from bsonx._typed.scalars import to_decimal

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
        _read_dataclass(builder, plan)
    # Other models' plans may still be empty: what pydantic gets is settled when all are read.
    builder.deferred.append(lambda: _set_fallback(plan))


def root_node(builder: Builder, cls: Any) -> Node:
    """Return the node of a root model, which wraps a value that need not be a document."""
    if not cls.__pydantic_complete__:
        with resolving(cls):
            cls.model_rebuild()
    item = raw_node([builder.node(cls.model_fields["root"].annotation)], {})
    return Node(Kind.CALL, cls.__name__, p.ALL_CODES, item=item, call=_validator(cls))


def _validator(cls: Any) -> Callable[[Any], Any]:
    """Return the function that pydantic validates with; the private one is quicker."""
    own: Any = getattr(cls, "__pydantic_validator__", None)
    validate: Callable[[Any], Any] | None = getattr(own, "validate_python", None)
    return validate or sys.modules["pydantic"].TypeAdapter(cls).validate_python


def _set_fallback(plan: ModelPlan) -> None:
    item = raw_model([plan], {}, late=True)
    validate = _validator(plan.cls)
    late = [field for field in plan.fields if field.late]
    if late:
        validate = _Completed(validate, [field.name for field in late])
    plan.fallback = Node(Kind.CALL, plan.label, item.codes, item=item, call=validate)


class _Completed:
    """Validates, and sets what is no argument afterwards."""

    def __init__(self, validate: Callable[[Any], Any], names: list[str]) -> None:
        self._validate = validate
        self._names = names

    def __call__(self, document: dict[str, Any]) -> Any:
        found = {name: document.pop(f"\0{name}", ABSENT) for name in self._names}
        instance = self._validate(document)
        for name, value in found.items():
            if value is not ABSENT:
                object.__setattr__(instance, name, value)
        return instance


def _read_dataclass(builder: Builder, plan: ModelPlan) -> None:
    cls = plan.cls
    rebuild = sys.modules["pydantic"].dataclasses.rebuild_dataclass
    if not getattr(cls, "__pydantic_complete__", True):
        rebuild(cls)
    hints = annotations_of(cls, builder)
    late = late_names(cls)
    for name, info in pydantic_fields(cls).items():
        fields = declared_fields(builder, plan, name, info, hints.get(name, Any))
        for field in fields:
            field.late = name in late
        plan.fields.extend(fields)


def _read_base_model(builder: Builder, plan: ModelPlan) -> None:
    cls = plan.cls
    if not cls.__pydantic_complete__:
        cls.model_rebuild()
    extra = cls.model_config.get("extra")
    try:
        _check_class(cls)
        fields = [_direct_field(builder, cls, name, f) for name, f in cls.model_fields.items()]
    except _NotPlain:
        if extra == "allow":
            plan.rest = _node_of_extras(builder, cls) or any_node()
        for name, info in cls.model_fields.items():
            plan.fields.extend(declared_fields(builder, plan, name, info, info.annotation))
        return
    plan.build = Build.PYDANTIC
    plan.fields = fields
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
        or type(cls.__pydantic_validator__).__name__ != "SchemaValidator"  # a plugin watches
        or _annotation_of_extras(cls) is not None
        or not pydantic_is_known()
    ):
        raise _NotPlain


def _annotation_of_extras(cls: Any) -> Any:
    """Return the annotation that a model gives to its extras; None if it takes any."""
    base = sys.modules["pydantic"].BaseModel
    if cls.model_config.get("extra") != "allow":
        return None
    for c in cls.__mro__[: cls.__mro__.index(base)]:
        if "__pydantic_extra__" in own_annotations(c):
            return hints_of(c)["__pydantic_extra__"]
    return None


def _node_of_extras(builder: Builder, cls: Any) -> Node | None:
    """Return the node of the values of ``__pydantic_extra__: dict[str, T]``."""
    tp, _ = strip_annotated(_annotation_of_extras(cls))
    arguments = typing.get_args(tp)
    try:
        return builder.node(arguments[1]) if len(arguments) == 2 else None
    except TypeError:
        return None


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
        return field_keys(name, None, pydantic_fields(cls))
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


def declared_fields(
    builder: Builder, plan: ModelPlan, name: str, info: Any, annotation: Any
) -> list[Field]:
    """Return the fields of a model that pydantic validates, by the names it looks for."""
    try:
        node = builder.field_node(plan.cls, name, annotation)
    except TypeError:
        node = any_node()
    early = _sees_stored(plan.cls, name, info, annotation)
    choices = getattr(info.validation_alias, "choices", None)
    if choices is not None:
        keys = [choice for choice in choices if isinstance(choice, str)]
        return [Field(key, key, node, default=ABSENT, sees_stored=early) for key in keys]
    if not isinstance(info.validation_alias, str | None):
        return []
    key, weak = _input_keys(plan.cls, name, info)
    return [Field(name, key, node, weak_key=weak, default=ABSENT, sees_stored=early)]


_EARLY = ("before", "plain", "wrap")


def _sees_stored(cls: Any, name: str, info: Any, annotation: Any) -> bool:
    """Whether a validator of the field sees the value before its type is looked at."""
    return (
        any(map(_is_early, info.metadata))
        or _has_early_validator(annotation)
        or any(
            validator.info.mode in _EARLY and {name, "*"} & set(validator.info.fields)
            for validator in cls.__pydantic_decorators__.field_validators.values()
        )
    )


def _has_early_validator(tp: Any) -> bool:
    tp, metadata = strip_annotated(tp)
    return any(map(_is_early, metadata)) or any(
        map(_has_early_validator, getattr(tp, "__args__", ()))
    )


def _is_early(item: Any) -> bool:
    return type(item).__name__ in ("BeforeValidator", "PlainValidator", "WrapValidator")
