# Extended JSON: argument handling over csrc/json/json.h. Included by _native.pyx.

cdef extern from "json/json.h":
    ctypedef struct bx_json:
        pass

    ctypedef struct bx_json_layout:
        const char *indent
        size_t indent_size
        const char *item_separator
        size_t item_separator_size
        const char *key_separator
        size_t key_separator_size
        bint sort_keys
        bint ensure_ascii

    ctypedef struct bx_json_parts:
        PyObject *options_class
        PyObject *encode_value
        PyObject *dumps
        PyObject *object_hook
        PyObject *regex_flags
        PyObject *loads
        PyObject *object_hook_strict
        PyObject *loads_strict

    bx_json *bx_json_new(bx_state *st, const bx_json_parts *parts) except NULL
    void bx_json_free(bx_json *j)
    object bx_json_dumps(bx_json *j, object value, object options, const bx_json_layout *layout)
    object bx_json_loads(bx_json *j, object text, object options, bint strict)


cdef class _Json:
    """Owner of what the C takes from the pure implementation."""

    cdef bx_json *json
    cdef object state_module

    def __dealloc__(self):
        bx_json_free(self.json)


cdef _Json _json = None


def json_bind(
    options_class,
    encode_value,
    dumps,
    object_hook,
    regex_flags,
    loads,
    object_hook_strict,
    loads_strict,
):
    """Take the parts of the pure implementation that the functions below hand values to."""
    global _json
    cdef bx_json_parts parts
    cdef _Json fresh = _Json()

    parts.options_class = <PyObject *>options_class
    parts.encode_value = <PyObject *>encode_value
    parts.dumps = <PyObject *>dumps
    parts.object_hook = <PyObject *>object_hook
    parts.regex_flags = <PyObject *>regex_flags
    parts.loads = <PyObject *>loads
    parts.object_hook_strict = <PyObject *>object_hook_strict
    parts.loads_strict = <PyObject *>loads_strict
    fresh.state_module = _state_module
    fresh.json = bx_json_new(_state, &parts)
    _json = fresh


cdef _Json _get_json():
    if _json is None:
        raise RuntimeError("bsonx.json_util has not been imported")
    return _json


def json_dumps(value, options):
    """Return ``value`` as extended JSON text, laid out like ``json.dumps(value)``."""
    cdef _Json owner = _get_json()

    return bx_json_dumps(owner.json, value, options, NULL)


def json_dumps_layout(
    value,
    options,
    bytes indent,
    bytes item_separator not None,
    bytes key_separator not None,
    bint sort_keys,
    bint ensure_ascii,
):
    """The same with layout arguments of ``json.dumps``; the texts are ASCII.

    None for options that only the pure implementation takes.
    """
    cdef _Json owner = _get_json()
    cdef bx_json_layout layout

    layout.indent = NULL
    layout.indent_size = 0
    if indent is not None:
        layout.indent = indent
        layout.indent_size = len(indent)
    layout.item_separator = item_separator
    layout.item_separator_size = len(item_separator)
    layout.key_separator = key_separator
    layout.key_separator_size = len(key_separator)
    layout.sort_keys = sort_keys
    layout.ensure_ascii = ensure_ascii
    return bx_json_dumps(owner.json, value, options, &layout)


def json_loads(text, options):
    """Return the value of extended JSON text (str, bytes or bytearray)."""
    cdef _Json owner = _get_json()

    return bx_json_loads(owner.json, text, options, False)


def json_loads_strict(text, options):
    """The same, with an error for whatever would get lost."""
    cdef _Json owner = _get_json()

    return bx_json_loads(owner.json, text, options, True)
