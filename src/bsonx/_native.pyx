# cython: language_level=3, binding=True, embedsignature=False
# cython: freethreading_compatible=False, subinterpreters_compatible=no
"""The native codec: argument handling over the C of csrc/.

Functions and types are the twins of those in ``bsonx._py``; see ``bsonx._impl`` for what each is
used for.

The module declares what it is: it asks for the GIL, and belongs to one interpreter of a process.
"""

import os as _os

from cpython.object cimport PyTypeObject
from libc.stdint cimport int32_t, uint32_t

from bsonx._py.types.regex import Regex


cdef extern from "core/state.h":
    ctypedef struct bx_state:
        PyTypeObject *ObjectId
        PyTypeObject *Timestamp
        PyTypeObject *Decimal128
        PyTypeObject *DatetimeMS
        PyTypeObject *RawDocument
        PyTypeObject *Int64

    object bx_module_create()
    bx_state *bx_module_state(object module)

cdef extern from "types/types.h":
    void bx_objectid_after_fork(bx_state *st)

cdef extern from "core/encode.h":
    object bx_encode(bx_state *st, object document, bint check_keys, object codec_options)

cdef extern from "core/decode.h":
    object bx_decode(bx_state *st, object data, object codec_options)
    object bx_decode_all(bx_state *st, object data, object codec_options)

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

    object bx_encode_message(
        bx_state *st, int32_t request_id, uint32_t flags, object body, object codec_options)
    object bx_encode_batch(bx_state *st, const bx_batch *batch)
    object bx_decode_message(
        bx_state *st, object data, object codec_options, object user_fields)
    object bx_message_header(bx_state *st, object data, Py_ssize_t offset)

cdef extern from "core/run_coroutine.h":
    object bx_run_coroutine(object coroutine)

cdef extern from "Python.h":
    ctypedef struct PyObject


# The owner of the codec's state; it lives as long as this module.
cdef object _state_module = bx_module_create()
cdef bx_state *_state = bx_module_state(_state_module)

ObjectId = <object><PyObject *>_state.ObjectId
Timestamp = <object><PyObject *>_state.Timestamp
Decimal128 = <object><PyObject *>_state.Decimal128
Int64 = <object><PyObject *>_state.Int64
DatetimeMS = <object><PyObject *>_state.DatetimeMS
RawDocument = <object><PyObject *>_state.RawDocument


def _after_fork_in_child():
    bx_objectid_after_fork(_state)


if hasattr(_os, "register_at_fork"):
    _os.register_at_fork(after_in_child=_after_fork_in_child)


# In place of arguments that were not given, where None would be an error.
cdef object _absent = object()


def encode(document, bint check_keys=False, codec_options=_absent):
    """``bsonx.encode``."""
    if codec_options is _absent:
        return bx_encode(_state, document, check_keys, None)
    if codec_options is None:
        raise TypeError("codec_options must be an instance of CodecOptions")
    return bx_encode(_state, document, check_keys, codec_options)


def decode(data, codec_options=None, type=None):
    """``bsonx.decode``."""
    if type is not None:
        codec_options = bx_options_for_type(_state, type, codec_options)
    return bx_decode(_state, data, codec_options)


def decode_all(data, codec_options=None, type=None):
    """``bsonx.decode_all``."""
    if type is not None:
        codec_options = bx_options_for_type(_state, type, codec_options)
    return bx_decode_all(_state, data, codec_options)


def encode_document(document, bint check_keys, codec_options):
    """Return the BSON of a top-level document: its ``_id`` comes first."""
    return bx_encode(_state, document, check_keys, codec_options)


def decode_document(data, codec_options):
    """Return the one document that ``data`` (bytes-like) is; InvalidBSON for anything else."""
    return bx_decode(_state, data, codec_options)


def decode_all_documents(data, codec_options):
    """Return the documents that ``data`` (bytes-like) is a sequence of."""
    return bx_decode_all(_state, data, codec_options)


include "_native_typed.pxi"


def encode_message(int32_t request_id, uint32_t flags, body, codec_options):
    """Return one OP_MSG that holds ``body`` alone, header included."""
    return bx_encode_message(_state, request_id, flags, body, codec_options)


def encode_batch(
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
    return bx_encode_batch(_state, &batch)


def decode_message(data, codec_options, user_fields=None):
    """Return (flags, body) of a whole OP_MSG; a document sequence becomes a list in the body."""
    return bx_decode_message(_state, data, codec_options, user_fields)


def message_header(data, Py_ssize_t offset=0):
    """Return (length, request id, response to, opcode) of the message at ``offset``."""
    return bx_message_header(_state, data, offset)


def run_coroutine(coro):
    """Run a coroutine that never waits to its end and return its result."""
    return bx_run_coroutine(coro)


include "_native_json.pxi"
