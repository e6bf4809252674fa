"""Encode plans of pydantic models, and of dataclasses made by pydantic.

Values are encoded by what they are, whatever class the field declares. pydantic is asked for the
fields that have serializers, and for the whole of a model that serializes itself; the others do
not change by what their neighbours have.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Iterator
from typing import Any

from bsonx._typed.encode_nodes import EncodeField, EncodePlan, Source
from bsonx._typed.hints import field_keys, pydantic_fields
from bsonx._typed.nodes import MISSING

__all__ = ["pydantic_plan"]

_Schema = dict[str, Any]

# Serializers of pydantic's own for the standard library's types: they change JSON only.
_OWN_SERIALIZERS = "pydantic._internal"


def pydantic_plan(cls: Any) -> EncodePlan:
    """Return the plan of a model or dataclass."""
    _complete(cls)
    schema, definitions = _schema_of(cls)
    dump = _Dump(cls)
    if schema is None or _serializes_itself(cls, schema, definitions):
        plan = EncodePlan(cls, [])
        plan.dump = dump.whole(_renames_id(cls))
        return plan
    if schema.get("root_model"):
        return _root_plan(cls, schema, definitions, dump)
    fields, dumped = _fields(cls, _inner(schema["schema"]), definitions)
    plan = EncodePlan(cls, fields)
    if dumped:
        plan.dump_some = dump.some(dumped)
    return plan


def _complete(cls: Any) -> None:
    """Let pydantic resolve what the class refers to, if that is still to be done."""
    if getattr(cls, "__pydantic_complete__", True):
        return
    if hasattr(cls, "model_rebuild"):
        cls.model_rebuild(raise_errors=False)
    else:
        sys.modules["pydantic"].dataclasses.rebuild_dataclass(cls, raise_errors=False)


def _serializes_itself(cls: Any, schema: _Schema, definitions: _Schema) -> bool:
    extras = _inner(schema["schema"]).get("extras_schema")
    return (
        "serialization" in schema
        or getattr(cls, "model_dump", None) is not getattr(_base_of(cls), "model_dump", None)
        or _is_serialized(extras, definitions, set())
    )


def _base_of(cls: Any) -> Any:
    """Return BaseModel for a model, None for a dataclass."""
    return sys.modules["pydantic"].BaseModel if hasattr(cls, "model_dump") else None


def _renames_id(cls: Any) -> bool:
    """Whether a field called ``id`` is ``_id``."""
    names = pydantic_fields(cls)
    info = names.get("id")
    stored = None if info is None else info.serialization_alias or info.alias
    return info is not None and field_keys("id", stored, names)[0] == "_id"


def _root_plan(cls: Any, schema: _Schema, definitions: _Schema, dump: _Dump) -> EncodePlan:
    plan = EncodePlan(cls, [])
    if _is_serialized(schema["schema"], definitions, set()):
        plan.dump = dump.whole(False)
    else:
        plan.dump = lambda instance, top: _without_no_id(instance.root, top)
    return plan


def _without_no_id(document: Any, top: bool) -> Any:
    if top and isinstance(document, dict) and document.get("_id", MISSING) is None:
        return {key: value for key, value in document.items() if key != "_id"}
    return document


def _fields(cls: Any, schema: _Schema, definitions: _Schema) -> tuple[list[EncodeField], set[str]]:
    """Return the fields, and the names of those that pydantic serializes."""
    names = pydantic_fields(cls)
    schemas = _field_schemas(schema)
    fields = []
    for name, info in names.items():
        if info.exclude:
            continue
        stored = info.serialization_alias or info.alias
        key, weak = field_keys(name, stored, names)
        field = EncodeField(name, key, weak or key)
        if getattr(info, "exclude_if", None) is not None or (
            name not in schemas or _is_serialized(schemas[name], definitions, set())
        ):
            field.source = Source.DUMP
            field.constant = stored or name
        fields.append(field)
    if getattr(cls, "model_config", {}).get("extra") == "allow":
        fields.append(EncodeField("__pydantic_extra__", "", "", Source.EXTRA))
    fields.extend(_computed_field(c, definitions) for c in schema.get("computed_fields", ()))
    return fields, {field.name for field in fields if field.source == Source.DUMP}


def _computed_field(computed: _Schema, definitions: _Schema) -> EncodeField:
    name = computed["property_name"]
    key = computed.get("alias") or name
    field = EncodeField(name, key, key)
    if _is_serialized(computed["return_schema"], definitions, set()):
        field.source = Source.DUMP
        field.constant = key
    return field


# ---- pydantic's schemas ----


def _schema_of(cls: Any) -> tuple[_Schema | None, _Schema]:
    """Return the core schema of the class itself, or None, and those that it refers to."""
    schema = getattr(cls, "__pydantic_core_schema__", None)
    definitions: _Schema = {}
    for _ in range(100):
        if not isinstance(schema, dict):
            return None, definitions
        if schema.get("type") == "definitions":
            definitions.update({inner["ref"]: inner for inner in schema["definitions"]})
        if schema.get("type") == "definition-ref":
            schema = definitions.get(schema["schema_ref"])
        elif schema.get("type") in ("model", "dataclass"):
            # The class of a dataclass with slots is a copy of that in the schema.
            known = schema["type"] == "dataclass" or schema.get("cls") is cls
            return (schema if known else None), definitions
        else:
            schema = schema.get("schema")
    return None, definitions


def _inner(schema: _Schema) -> _Schema:
    """Return the schema of the fields, which validators may wrap."""
    while "fields" not in schema and isinstance(schema.get("schema"), dict):
        schema = schema["schema"]
    return schema


def _field_schemas(schema: _Schema) -> _Schema:
    fields = schema.get("fields", {})
    if isinstance(fields, dict):
        return {name: field["schema"] for name, field in fields.items()}
    return {field["name"]: field["schema"] for field in fields}


def _is_serialized(schema: Any, definitions: _Schema, seen: set[str]) -> bool:
    """Whether a value of this schema has serializers, other than its class's own."""
    if isinstance(schema, list | tuple):
        return any(_is_serialized(item, definitions, seen) for item in schema)
    if not isinstance(schema, dict):
        return False
    if _changes_python(schema.get("serialization")):
        return True
    if schema.get("type") in ("model", "dataclass"):  # stored by its own plan
        return False
    if schema.get("type") == "definition-ref":
        ref = schema["schema_ref"]
        if ref in seen:
            return False
        seen.add(ref)
        return _is_serialized(definitions.get(ref), definitions, seen)
    return any(_is_serialized(inner, definitions, seen) for inner in _parts(schema))


def _parts(schema: _Schema) -> Iterator[Any]:
    for key, value in schema.items():
        if key == "definitions":  # they count where they are referred to
            continue
        if key in ("choices", "fields") and isinstance(value, dict):
            yield from value.values()
        elif isinstance(value, dict | list | tuple) and key not in ("metadata", "default"):
            yield value


def _changes_python(serialization: Any) -> bool:
    """Whether a serializer has its say in other modes than JSON."""
    if not isinstance(serialization, dict):
        return False
    kind = serialization.get("type")
    if kind in ("function-plain", "function-wrap"):
        module = getattr(serialization["function"], "__module__", None) or ""
        return serialization.get("when_used", "always") in ("always", "unless-none") and not (
            module.startswith(_OWN_SERIALIZERS)
        )
    if kind in ("to-string", "format"):
        return serialization.get("when_used", "json-unless-none") in ("always", "unless-none")
    return kind in ("include-exclude-sequence", "include-exclude-dict")


# ---- what pydantic makes of instances ----


class _Dump:
    """Makes the functions of a plan that call pydantic."""

    def __init__(self, cls: Any) -> None:
        base = sys.modules["pydantic"].BaseModel.model_dump
        self._dump = getattr(cls, "model_dump", _dump_dataclass)
        # A subclass's instance keeps its fields inside what is serialized, too. Before pydantic
        # 2.13 there is no such switch: serialize_as_any also turns off serializers of fields.
        wanted = {"by_alias": True, "polymorphic_serialization": True}
        self._settings = {
            name: value
            for name, value in wanted.items()
            if _takes(base, name) and _takes(self._dump, name)
        }

    def some(self, names: set[str]) -> Callable[[Any], dict[str, Any]]:
        """Return the function that dumps these fields."""
        dump, settings = self._dump, self._settings

        def dump_some(instance: Any) -> dict[str, Any]:
            dumped: dict[str, Any] = dump(instance, include=names, **settings)
            return dumped

        return dump_some

    def whole(self, renames_id: bool) -> Callable[[Any, bool], Any]:
        """Return the function that dumps the whole; the rules about ``_id`` hold."""
        dump, settings = self._dump, self._settings

        def dump_whole(instance: Any, top: bool) -> Any:
            document = dump(instance, **settings)
            if top and renames_id and isinstance(document, dict) and "id" in document:
                document = {"_id": document.pop("id"), **document}
            return _without_no_id(document, top)

        return dump_whole


def _dump_dataclass(instance: Any, **settings: Any) -> Any:
    return type(instance).__pydantic_serializer__.to_python(instance, **settings)


def _takes(function: Any, name: str) -> bool:
    parameters = inspect.signature(function).parameters
    return name in parameters or any(p.kind is p.VAR_KEYWORD for p in parameters.values())
