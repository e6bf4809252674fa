# cython: language_level=3, binding=False, embedsignature=True, embedsignature.format=clinic
# cython: freethreading_compatible=True, subinterpreters_compatible=own_gil
"""The native codec: the C of csrc/ as a Python module.

Functions and types are the twins of those in ``bsonx._py``; see ``bsonx._impl`` for what each is
used for. The functions that are called most come from C (csrc/module), where a call costs least;
the ones here have more arguments, or are called less.

Each interpreter of a process has a module object with a state of its own (the core). Variables of C
at module level would belong to all interpreters: there are none. Nor are there functions of Cython's
own kind (binding) or its pickling: on CPython 3.14 the second interpreter that was given them crashed.
"""

import os as _os

cimport cython

from libc.stdint cimport int32_t, uint8_t, uint32_t


cdef extern from "Python.h":
    ctypedef struct PyObject

    int PyByteArray_Resize(object buffer, Py_ssize_t size) except -1
    char *PyBytes_AS_STRING(object data)

cdef extern from "core/state.h":
    ctypedef struct bx_state:
        pass

    object bx_core_new(object spec)
    bx_state *bx_core_state(object core)

cdef extern from "module/functions.h":
    int bx_export(bx_state *st, dict names) except -1

cdef extern from "types/types.h":
    void bx_objectid_after_fork(bx_state *st)

cdef extern from "core/decode.h":
    object bx_decode(bx_state *st, object data, object codec_options)

cdef extern from "typed/typed.h":
    object bx_options_for_type(bx_state *st, object type, object codec_options)

cdef extern from "op_msg/op_msg.h":
    ctypedef struct bx_batch:
        int32_t request_id
        uint32_t flags
        PyObject *body
        PyObject *identifier
        PyObject *documents
        Py_ssize_t start
        PyObject *codec_options
        Py_ssize_t max_count
        Py_ssize_t max_document_size
        Py_ssize_t max_message_size
        bint add_ids
        PyObject *ids
        const uint8_t *encoded
        size_t encoded_size

    object bx_encode_batch(bx_state *st, const bx_batch *batch)

cdef extern from "core/encode_documents.h":
    ctypedef struct bx_documents_wanted:
        PyObject *iterator
        PyObject *codec_options
        const uint8_t *first_id
        Py_ssize_t max_count
        Py_ssize_t max_bytes
        double seconds

    object bx_encode_documents(bx_state *st, const bx_documents_wanted *wanted)

cdef extern from "core/statements.h":
    object bx_encode_statements(bx_state *st, object data, object ends, int kind, object keys)

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
        PyObject *convert
        PyObject *dumps
        PyObject *object_hook
        PyObject *regex_flags
        PyObject *loads
        PyObject *object_hook_strict
        PyObject *loads_strict

    int bx_json_bind(bx_state *st, const bx_json_parts *parts) except -1
    bx_json *bx_json_of(bx_state *st) except NULL
    object bx_json_dumps(bx_json *j, object value, object options, const bx_json_layout *layout)
    object bx_json_loads(bx_json *j, object text, object options, bint strict)

cdef extern from "json/to_bson.h":
    object bx_json_to_bson(bx_state *st, object text)

cdef extern from "json/from_bson.h":
    object bx_json_from_bson(bx_json *j, object data, object options, bint ascii)
    object bx_json_write_lines(
        bx_json *j, object data, Py_ssize_t start, object options, bint ascii
    )

cdef extern from "json/records.h":
    ctypedef struct bx_records_arguments:
        PyObject *data
        Py_ssize_t start
        long long line
        int state
        bint final
        PyObject *first_id
        Py_ssize_t max_documents
        Py_ssize_t max_bytes
        PyObject *id_field
        PyObject *convert

    object bx_json_read_lines(bx_state *st, const bx_records_arguments *arguments)
    object bx_json_read_values(bx_state *st, const bx_records_arguments *arguments)

ctypedef object (*bx_records_reader)(bx_state *st, const bx_records_arguments *arguments)


include "_native_arrow.pxi"

cdef extern from "csv/plan.h":
    ctypedef struct bx_csv_plan_arguments:
        PyObject *columns
        int delimiter
        int newline
        Py_ssize_t longest
        int point
        bint omit_nulls
        bint id_needed
        Py_ssize_t id_column
        PyObject *slow

    object bx_csv_compile(const bx_csv_plan_arguments *arguments)

cdef extern from "csv/read.h":
    ctypedef struct bx_csv_read_arguments:
        PyObject *plan
        PyObject *data
        Py_ssize_t start
        long long line
        bint at_end
        PyObject *first_id
        Py_ssize_t most
        Py_ssize_t most_bytes

    object bx_csv_read(bx_state *st, const bx_csv_read_arguments *arguments)


# Not a method: a class that has C methods keeps them in a dict that all interpreters would share.
cdef object _read_records(
    bx_state *st,
    bx_records_reader read,
    bytes data,
    Py_ssize_t start,
    long long line,
    int state,
    bint final,
    bytes first_id,
    Py_ssize_t max_documents,
    Py_ssize_t max_bytes,
    str id_field,
    convert,
):
    cdef bx_records_arguments arguments

    arguments.data = <PyObject *>data
    arguments.start = start
    arguments.line = line
    arguments.state = state
    arguments.final = final
    arguments.first_id = <PyObject *>first_id
    arguments.max_documents = max_documents
    arguments.max_bytes = max_bytes
    arguments.id_field = <PyObject *>id_field
    arguments.convert = <PyObject *>convert
    return read(st, &arguments)


@cython.auto_pickle(False)
cdef class _Functions:
    """The functions of this file: the methods of one object, which knows the state."""

    cdef object core
    cdef bx_state *st

    def __cinit__(self, core):
        self.core = core
        self.st = bx_core_state(core)

    def _after_fork_in_child(self):
        bx_objectid_after_fork(self.st)

    def decode_as(self, type, data, codec_options):
        """Return the one document that ``data`` is as an instance of ``type``."""
        return bx_decode(self.st, data, bx_options_for_type(self.st, type, codec_options))

    def options_for_type(self, type, codec_options):
        """Return the CodecOptions that decode to ``type``, otherwise like ``codec_options``."""
        return bx_options_for_type(self.st, type, codec_options)

    def encode_batch(
        self,
        int32_t request_id,
        uint32_t flags,
        body,
        str identifier not None,
        documents,
        Py_ssize_t start,
        codec_options,
        *,
        Py_ssize_t max_count,
        Py_ssize_t max_document_size,
        Py_ssize_t max_message_size,
        bint add_ids=False,
        list ids=None,
    ):
        """Return an OP_MSG with ``documents[start:stop]`` as the sequence ``identifier``, and stop."""
        cdef bx_batch batch

        batch.request_id = request_id
        batch.flags = flags
        batch.body = <PyObject *>body
        batch.identifier = <PyObject *>identifier
        batch.documents = <PyObject *>documents
        batch.start = start
        batch.codec_options = <PyObject *>codec_options
        batch.max_count = max_count
        batch.max_document_size = max_document_size
        batch.max_message_size = max_message_size
        batch.add_ids = add_ids
        batch.ids = <PyObject *>ids
        batch.encoded = NULL
        batch.encoded_size = 0
        return bx_encode_batch(self.st, &batch)

    def encode_documents(
        self,
        iterator,
        codec_options,
        bytes first_id,
        *,
        Py_ssize_t max_count,
        Py_ssize_t max_bytes,
        double seconds=-1.0,
    ):
        """Return (data, ends, own_ids, rejects, taken, end) of the next documents of an iterator."""
        cdef bx_documents_wanted wanted

        if first_id is not None and len(first_id) != 12:
            raise ValueError("an id has 12 bytes")
        wanted.iterator = <PyObject *>iterator
        wanted.codec_options = <PyObject *>codec_options
        wanted.first_id = NULL
        if first_id is not None:
            wanted.first_id = <const uint8_t *>PyBytes_AS_STRING(first_id)
        wanted.max_count = max_count
        wanted.max_bytes = max_bytes
        wanted.seconds = seconds
        return bx_encode_documents(self.st, &wanted)

    def encode_statements(
        self, bytes data not None, bytes ends not None, int kind, tuple keys not None
    ):
        """Return (statements, ends, groups, rejects) of documents one behind the other."""
        return bx_encode_statements(self.st, data, ends, kind, keys)

    def json_bind(
        self,
        options_class,
        encode_value,
        convert,
        dumps,
        object_hook,
        regex_flags,
        loads,
        object_hook_strict,
        loads_strict,
    ):
        """Take the parts of the pure implementation that the JSON functions hand values to."""
        cdef bx_json_parts parts

        parts.options_class = <PyObject *>options_class
        parts.encode_value = <PyObject *>encode_value
        parts.convert = <PyObject *>convert
        parts.dumps = <PyObject *>dumps
        parts.object_hook = <PyObject *>object_hook
        parts.regex_flags = <PyObject *>regex_flags
        parts.loads = <PyObject *>loads
        parts.object_hook_strict = <PyObject *>object_hook_strict
        parts.loads_strict = <PyObject *>loads_strict
        bx_json_bind(self.st, &parts)

    def json_dumps_layout(
        self,
        value,
        options,
        bytes indent,
        bytes item_separator not None,
        bytes key_separator not None,
        bint sort_keys,
        bint ensure_ascii,
    ):
        """Return ``value`` as extended JSON text with layout arguments of ``json.dumps``.

        The texts of the layout are ASCII. None for options that only the pure implementation takes.
        """
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
        return bx_json_dumps(bx_json_of(self.st), value, options, &layout)

    def json_loads_strict(self, text, options):
        """Return the value of extended JSON text, with an error for whatever would get lost."""
        return bx_json_loads(bx_json_of(self.st), text, options, True)

    def arrow_reader(self, capsule, array=None):
        """Return what reads a stream capsule, or, with two, a schema and an array capsule."""
        cdef _ArrowReader made = _ArrowReader.__new__(_ArrowReader)

        made.core = self.core
        if array is None:
            made.reader = bx_arrow_reader_of_stream(self.st, capsule)
        else:
            made.reader = bx_arrow_reader_of_array(self.st, capsule, array)
        return made

    def arrow_builder(self, plan, bint strict, bint lenient):
        """Return what builds columns of documents."""
        cdef _ArrowBuilder made = _ArrowBuilder.__new__(_ArrowBuilder)

        made.core = self.core
        made.builder = bx_arrow_builder_new(self.st, plan, strict, lenient)
        return made

    def arrow_types(self, documents):
        """Return what is in documents: see csrc/arrow/builder.h."""
        return bx_arrow_types(self.st, documents)

    def arrow_array(self, data):
        """Return an array capsule of what a builder has finished."""
        return bx_arrow_array_capsule(data)

    def arrow_stream(self, field, next, failed):
        """Return a stream capsule: see csrc/arrow/data.h."""
        return bx_arrow_stream_capsule(field, next, failed)

    def arrow_fields(self, capsule):
        """Return the schema that a schema capsule holds."""
        return bx_arrow_fields_of_capsule(self.st, capsule)

    def arrow_schema(self, field):
        """Return a schema capsule."""
        return bx_arrow_schema_capsule(field)

    def json_to_bson(self, text):
        """Return extended JSON text as a BSON document; None for what the pure way shall read."""
        return bx_json_to_bson(self.st, text)

    def json_from_bson(self, data, options, bint ensure_ascii):
        """Return a BSON document as extended JSON text; None for what the pure way shall write."""
        return bx_json_from_bson(bx_json_of(self.st), data, options, ensure_ascii)

    def json_write_lines(
        self, bytes data not None, Py_ssize_t start, options, bint ensure_ascii
    ):
        """Return BSON documents from a position on as lines, and where the first one starts that
        the pure way shall write, or the size; None for options that only that takes."""
        if not 0 <= start <= len(data):
            raise ValueError("the position is outside the data")
        return bx_json_write_lines(bx_json_of(self.st), data, start, options, ensure_ascii)

    def json_read_lines(
        self,
        bytes data not None,
        Py_ssize_t start,
        long long line,
        bint final,
        bytes first_id,
        Py_ssize_t max_documents,
        Py_ssize_t max_bytes,
        str id_field,
        convert,
    ):
        """Read a document from each line of text."""
        return _read_records(
            self.st, bx_json_read_lines, data, start, line, 0, final, first_id, max_documents, max_bytes,
            id_field, convert,
        )

    def json_read_values(
        self,
        bytes data not None,
        Py_ssize_t start,
        long long line,
        int state,
        bint final,
        bytes first_id,
        Py_ssize_t max_documents,
        Py_ssize_t max_bytes,
        str id_field,
        convert,
    ):
        """Read the documents of a JSON array, or documents one behind the other."""
        return _read_records(
            self.st, bx_json_read_values, data, start, line, state, final, first_id, max_documents,
            max_bytes, id_field, convert,
        )

    def csv_compile(
        self,
        tuple columns not None,
        int delimiter,
        int newline,
        Py_ssize_t longest,
        int point,
        bint omit_nulls,
        Py_ssize_t id_column,
        bint id_needed,
        slow,
    ):
        """Prepare what documents are made of rows: columns of (name, number of the kind, nulls)."""
        cdef bx_csv_plan_arguments arguments

        if not (0 < delimiter < 128 and 0 < newline < 128 and longest > 0):
            raise ValueError("no plan for CSV")
        arguments.columns = <PyObject *>columns
        arguments.delimiter = delimiter
        arguments.newline = newline
        arguments.longest = longest
        arguments.point = point
        arguments.omit_nulls = omit_nulls
        arguments.id_needed = id_needed
        arguments.id_column = id_column
        arguments.slow = <PyObject *>slow
        return bx_csv_compile(&arguments)

    def csv_read(
        self,
        plan,
        bytes data not None,
        Py_ssize_t start,
        long long line,
        bint at_end,
        bytes first_id,
        Py_ssize_t most,
        Py_ssize_t most_bytes,
    ):
        """Read rows as documents."""
        cdef bx_csv_read_arguments arguments

        arguments.plan = <PyObject *>plan
        arguments.data = <PyObject *>data
        arguments.start = start
        arguments.line = line
        arguments.at_end = at_end
        arguments.first_id = <PyObject *>first_id
        arguments.most = most
        arguments.most_bytes = most_bytes
        return bx_csv_read(self.st, &arguments)

    def resize(self, bytearray buffer not None, Py_ssize_t size):
        """Give a buffer another length. What is new is whatever memory held: overwrite it."""
        if size < 0:
            raise ValueError("a buffer's size cannot be negative")
        PyByteArray_Resize(buffer, size)


_core = bx_core_new(__spec__)
bx_export(bx_core_state(_core), globals())
_functions = _Functions(_core)
decode_as = _functions.decode_as
options_for_type = _functions.options_for_type
encode_batch = _functions.encode_batch
encode_documents = _functions.encode_documents
encode_statements = _functions.encode_statements
json_bind = _functions.json_bind
json_dumps_layout = _functions.json_dumps_layout
json_loads_strict = _functions.json_loads_strict
arrow_reader = _functions.arrow_reader
arrow_array = _functions.arrow_array
arrow_builder = _functions.arrow_builder
arrow_fields = _functions.arrow_fields
arrow_stream = _functions.arrow_stream
arrow_types = _functions.arrow_types
arrow_schema = _functions.arrow_schema
json_to_bson = _functions.json_to_bson
json_from_bson = _functions.json_from_bson
json_write_lines = _functions.json_write_lines
json_read_lines = _functions.json_read_lines
json_read_values = _functions.json_read_values
csv_compile = _functions.csv_compile
csv_read = _functions.csv_read
resize = _functions.resize

if hasattr(_os, "register_at_fork"):
    _os.register_at_fork(after_in_child=_functions._after_fork_in_child)
