"""Decode plans: what a Python type asks of a document, in a form both implementations execute.

A plan is a tree of :class:`Node` (one per value) and :class:`ModelPlan` (one per class with
fields). It holds no code that depends on how it is executed: ``_py/typed`` walks it in Python,
``csrc/typed/plan.c`` compiles it once into C structs.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterable
from typing import Any

__all__ = ["Build", "Field", "Kind", "ModelPlan", "Node", "TypePlan", "Unknown", "any_node"]

# Element types of the BSON specification, as far as plans speak of them.
DOUBLE, STRING, DOCUMENT, ARRAY, BINARY, UNDEFINED, OBJECTID, BOOL, DATETIME, NULL = range(1, 11)
REGEX, DBPOINTER, CODE, SYMBOL, CODE_W_SCOPE, INT32, TIMESTAMP, INT64, DECIMAL128 = range(11, 20)
MAXKEY, MINKEY = 0x7F, 0xFF
ALL_CODES: frozenset[int] = frozenset([*range(1, 20), MAXKEY, MINKEY])

# The server's names of the element types ($type), for messages.
_NAMES = """
double string object array binData undefined objectId bool date null regex dbPointer
javascript symbol javascriptWithScope int timestamp long decimal maxKey minKey
"""
BSON_NAMES: dict[int, str] = dict(zip([*range(1, 20), MAXKEY, MINKEY], _NAMES.split(), strict=True))

MISSING: Any = type("Missing", (), {"__repr__": lambda self: "<missing>", "__slots__": ()})()


class Kind(enum.IntEnum):
    """What a node makes of an element; the numbers are known to ``csrc/typed/plan.h``."""

    ANY = 0  # whatever the options make of it
    NONE = 1
    BOOL = 2
    INT = 3
    INT64 = 4
    FLOAT = 5
    STR = 6
    BYTES = 7  # binary of subtype 0
    BINARY = 8  # binary of any subtype, as Binary
    OBJECTID = 9
    DATETIME = 10
    DATETIME_MS = 11
    UUID = 12
    INSTANCE = 13  # as ANY, then isinstance(value, cls)
    DOCUMENT = 14  # a document decoded with document_class=cls
    LIST = 15
    TUPLE = 16
    SET = 17
    FROZENSET = 18
    FIXED = 19  # a tuple with one node per position
    DICT = 20
    MODEL = 21
    TAGGED = 22  # a document whose field `key` selects one of `values`
    UNION = 23
    LOOKUP = 24  # `item`, then a value of `values`, else call(value)
    CALL = 25  # call(value of `item`)


class Build(enum.IntEnum):
    """How a model's instance is made; the numbers are known to ``csrc/typed/plan.h``."""

    DICT = 0  # a dict of the fields found
    ATTRIBUTES = 1  # cls.__new__, then object.__setattr__ of every field
    TUPLE = 2  # a tuple subclass with all fields in order
    CALL = 3  # cls(**fields found)
    PYDANTIC = 4  # as ATTRIBUTES, and the bookkeeping of a pydantic model
    VALIDATED = 5  # what `fallback` gives
    STRUCT = 6  # as ATTRIBUTES, with the allocator of msgspec


class Unknown(enum.IntEnum):
    """What happens to a field that the model does not have."""

    IGNORE = 0
    FORBID = 1
    KEEP = 2


class Node:
    """What is wanted of one element.

    ``codes``: element types it is made for; ``widened``: types it takes when nothing better is
    there. ``label`` names it in messages. The other attributes depend on ``kind``.
    """

    __slots__ = (
        "call",
        "cls",
        "codes",
        "item",
        "items",
        "key",
        "kind",
        "label",
        "model",
        "table",
        "values",
        "widened",
    )

    def __init__(
        self,
        kind: Kind,
        label: str,
        codes: Iterable[int],
        *,
        widened: Iterable[int] = (),
        cls: Any = None,
        item: Node | None = None,
        items: tuple[Node, ...] = (),
        model: ModelPlan | None = None,
        values: dict[Any, Any] | None = None,
        call: Callable[[Any], Any] | None = None,
        key: str | None = None,
        table: dict[int, tuple[Node, ...]] | None = None,
    ) -> None:
        self.kind = kind
        self.label = label
        self.codes = frozenset(codes)
        self.widened = frozenset(widened)
        self.cls = cls
        self.item = item  # of lists, sets and dicts; the inner value of LOOKUP and CALL
        self.items = items  # of FIXED; the alternatives of UNION in their order
        self.model = model
        self.values = values
        self.call = call
        self.key = key
        self.table = table  # of UNION: element type -> alternatives; `item` is the fallback

    def __repr__(self) -> str:
        return f"<Node {self.kind.name} {self.label}>"


def any_node() -> Node:
    """Return the node that takes what comes."""
    return Node(Kind.ANY, "any value", (), widened=ALL_CODES)


class Field:
    """One field of a model: where its value is found and where it goes.

    ``name`` is the attribute, constructor argument or dict key; ``key`` the name in the document;
    ``weak_key`` another name that is read if ``key`` is not there. ``late``: no argument of the
    constructor, but set on the instance afterwards. ``sees_stored``: (pydantic) a validator sees
    the value as it is stored before its type is looked at.
    """

    __slots__ = (
        "default",
        "factory",
        "key",
        "late",
        "name",
        "node",
        "sees_stored",
        "weak_key",
    )

    def __init__(
        self,
        name: str,
        key: str,
        node: Node,
        *,
        weak_key: str | None = None,
        default: Any = MISSING,
        factory: Callable[[], Any] | None = None,
        late: bool = False,
        sees_stored: bool = False,
    ) -> None:
        self.name = name
        self.key = key
        self.node = node
        self.weak_key = weak_key
        self.default = default
        self.factory = factory
        self.late = late
        self.sees_stored = sees_stored

    def __repr__(self) -> str:
        return f"<Field {self.name} from {self.key!r}>"


# Default of a field that may stay away: nothing is set or passed.
ABSENT: Any = type("Absent", (), {"__repr__": lambda self: "<absent>", "__slots__": ()})()


class ModelPlan:
    """How the documents of one class are read and its instances made.

    ``post_init``: method called on the new instance, with None if ``post_init_argument``.
    ``tag_field``/``tag``: a field that, if present, must have this value. ``fallback``: a node
    that reads the document again when this plan does not fit it (pydantic's own validation).
    ``rest``: what is wanted of fields that are kept without being declared.
    """

    __slots__ = (
        "_by_key",
        "build",
        "cls",
        "fallback",
        "fields",
        "label",
        "post_init",
        "post_init_argument",
        "rest",
        "tag",
        "tag_field",
        "unknown",
    )

    def __init__(self, cls: Any, label: str, build: Build = Build.DICT) -> None:
        self.cls = cls
        self.label = label
        self.build = build
        self.fields: list[Field] = []
        self.unknown = Unknown.IGNORE
        self.post_init: str | None = None
        self.post_init_argument = False
        self.tag_field: str | None = None
        self.tag: Any = None
        self.fallback: Node | None = None
        self.rest: Node = any_node()
        self._by_key: dict[bytes, tuple[Field, bool]] = {}

    def by_key(self) -> dict[bytes, tuple[Field, bool]]:
        """Return the fields by their stored names, and whether the name is the weaker one."""
        if not self._by_key:
            table = {f.weak_key.encode(): (f, True) for f in self.fields if f.weak_key is not None}
            table.update({f.key.encode(): (f, False) for f in self.fields})
            self._by_key = table
        return self._by_key

    def __repr__(self) -> str:
        return f"<ModelPlan {self.label}>"


class TypePlan:
    """The plan of a type that documents are decoded to.

    ``compiled`` is the C executor's form of it, made at first use. ``options`` are the CodecOptions
    it was used with last, each followed by those that decode to the type.
    """

    __slots__ = ("compiled", "node", "options", "type")

    def __init__(self, type_: Any, node: Node) -> None:
        self.type = type_
        self.node = node
        self.compiled: Any = None
        self.options: tuple[Any, ...] = ()

    def __repr__(self) -> str:
        return f"<TypePlan {self.node.label}>"
