/* The functions of the module that are called most: arguments, and what they are handed to. The
 * rarer ones are in _native.pyx. */
#include "module/functions.h"

#include "core/decode.h"
#include "core/encode.h"
#include "core/run_coroutine.h"
#include "json/json.h"
#include "module/function.h"
#include "op_msg/exchange.h"
#include "typed/typed.h"

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))

/* Define `name`_signature and start the function `name`, whose arguments are then in `values`. */
#define FUNCTION(name, needed, ...)                                                               \
    static const char *const name##_parameters[] = {__VA_ARGS__};                                 \
    static const bx_signature name##_signature = {#name, name##_parameters, needed,               \
                                                  COUNT(name##_parameters)};                      \
    static PyObject *name(PyObject *self, PyObject *const *args, size_t flags, PyObject *keywords)

#define ARGUMENTS(name)                                                                           \
    PyObject *values[COUNT(name##_parameters)];                                                   \
    bx_state *st = bx_called(self);                                                               \
                                                                                                  \
    if (BX_UNLIKELY(bx_arguments(&name##_signature, args, flags, keywords, values) < 0)) return NULL

BX_INLINE PyObject *or_none(PyObject *value)
{
    return value == NULL ? Py_None : value;
}

/* An argument that is False where it is left out; -1 with an exception. */
BX_INLINE int is_true(PyObject *value)
{
    return value == NULL || value == Py_False ? 0 : PyObject_IsTrue(value);
}

/* ---- the public functions of the package ---- */

static BX_COLD PyObject *bad_options(void)
{
    PyErr_SetString(PyExc_TypeError, "codec_options must be an instance of CodecOptions");
    return NULL;
}

FUNCTION(encode, 1, "document", "check_keys", "codec_options")
{
    int check_keys = 0;
    ARGUMENTS(encode);

    if (values[1] != NULL && values[1] != Py_False && (check_keys = PyObject_IsTrue(values[1])) < 0)
        return NULL;
    if (BX_UNLIKELY(values[2] == Py_None)) return bad_options();
    return bx_encode(st, values[0], check_keys != 0, or_none(values[2]));
}

typedef PyObject *(*decode_function)(bx_state *, PyObject *, PyObject *);

static PyObject *decode_typed(bx_state *st, PyObject *const *values, decode_function decode)
{
    PyObject *options = bx_options_for_type(st, values[2], or_none(values[1]));
    PyObject *result = options == NULL ? NULL : decode(st, values[0], options);

    Py_XDECREF(options);
    return result;
}

BX_INLINE bool has_type(PyObject *const *values)
{
    return BX_UNLIKELY(values[2] != NULL) && values[2] != Py_None;
}

FUNCTION(decode, 1, "data", "codec_options", "type")
{
    ARGUMENTS(decode);

    if (has_type(values)) return decode_typed(st, values, bx_decode);
    return bx_decode(st, values[0], or_none(values[1]));
}

FUNCTION(decode_all, 1, "data", "codec_options", "type")
{
    ARGUMENTS(decode_all);

    if (has_type(values)) return decode_typed(st, values, bx_decode_all);
    return bx_decode_all(st, values[0], or_none(values[1]));
}

/* ---- what bsonx._impl hands on ---- */

FUNCTION(encode_document, 3, "document", "check_keys", "codec_options")
{
    int check_keys;
    ARGUMENTS(encode_document);

    if ((check_keys = PyObject_IsTrue(values[1])) < 0) return NULL;
    return bx_encode(st, values[0], check_keys != 0, values[2]);
}

FUNCTION(decode_document, 2, "data", "codec_options")
{
    ARGUMENTS(decode_document);

    return bx_decode(st, values[0], values[1]);
}

FUNCTION(decode_all_documents, 2, "data", "codec_options")
{
    ARGUMENTS(decode_all_documents);

    return bx_decode_all(st, values[0], values[1]);
}

/* ---- messages ---- */

/* A number of 32 bits from an int; -1 with an exception. */
static int read_request_id(PyObject *value, int32_t *out)
{
    long long number = PyLong_AsLongLong(value);

    if (number == -1 && PyErr_Occurred()) return -1;
    if (number < INT32_MIN || number > INT32_MAX) {
        PyErr_SetString(PyExc_OverflowError, "request_id must fit in 32 bits");
        return -1;
    }
    *out = (int32_t)number;
    return 0;
}

static int read_flags(PyObject *value, uint32_t *out)
{
    long long number = PyLong_AsLongLong(value);

    if (number == -1 && PyErr_Occurred()) return -1;
    if (number < 0 || number > UINT32_MAX) {
        PyErr_SetString(PyExc_OverflowError, "flags must fit in 32 bits");
        return -1;
    }
    *out = (uint32_t)number;
    return 0;
}

FUNCTION(encode_message, 4, "request_id", "flags", "body", "codec_options")
{
    int32_t request_id;
    uint32_t bits;
    ARGUMENTS(encode_message);

    if (read_request_id(values[0], &request_id) < 0 || read_flags(values[1], &bits) < 0) {
        return NULL;
    }
    return bx_encode_message(st, request_id, bits, values[2], values[3]);
}

#ifndef _WIN32
/* Seconds, or None: -1 for no limit. -1 with an exception. */
static int read_seconds(PyObject *value, double *out)
{
    *out = -1;
    if (value == Py_None) return 0;
    *out = PyFloat_AsDouble(value);
    if (*out == -1 && PyErr_Occurred()) return -1;
    if (!(*out >= 0)) *out = 0;
    return 0;
}

static int read_peer(PyObject *const *values, bx_peer *peer)
{
    long fd;

    peer->stream = values[0];
    fd = PyLong_AsLong(values[1]);
    if (fd == -1 && PyErr_Occurred()) return -1;
    if (fd < 0 || fd > INT_MAX) {
        PyErr_SetString(PyExc_ValueError, "fd must be a file descriptor");
        return -1;
    }
    peer->fd = (int)fd;
    if (read_seconds(values[2], &peer->timeout) < 0) return -1;
    peer->max_reply_size = PyLong_AsSsize_t(values[3]);
    return peer->max_reply_size == -1 && PyErr_Occurred() ? -1 : 0;
}

/* A sequence that is encoded already: largest body, identifier, data, and where it begins and ends
 * there. `data` is immutable, and the tuple keeps it. */
static int read_encoded(PyObject *value, bx_batch *batch)
{
    PyObject *data;
    Py_ssize_t start, end;

    if (!PyArg_ParseTuple(value, "nUSnn", &batch->max_document_size, &batch->identifier, &data,
                          &start, &end)) {
        return -1;
    }
    if (start < 0 || start > end || end > PyBytes_GET_SIZE(data)) {
        PyErr_SetString(PyExc_ValueError, "the sequence must lie in its data");
        return -1;
    }
    batch->encoded = (const uint8_t *)PyBytes_AS_STRING(data) + start;
    batch->encoded_size = (size_t)(end - start);
    return 0;
}

/* The sequence of a command as a tuple: identifier, documents, start, max_count, max_document_size,
 * max_message_size, add_ids, ids; or one for read_encoded; or the largest body as an int. */
static int read_sequence(PyObject *value, bx_batch *batch)
{
    batch->ids = Py_None;
    if (PyTuple_CheckExact(value) && PyTuple_GET_SIZE(value) == 5) return read_encoded(value, batch);
    if (PyTuple_CheckExact(value)) {
        int add_ids;

        if (!PyArg_ParseTuple(value, "UOnnnnpO", &batch->identifier, &batch->documents,
                              &batch->start, &batch->max_count, &batch->max_document_size,
                              &batch->max_message_size, &add_ids, &batch->ids)) {
            return -1;
        }
        batch->add_ids = add_ids != 0;
        if (batch->ids == Py_None || PyList_CheckExact(batch->ids)) return 0;
        PyErr_SetString(PyExc_TypeError, "ids must be a list or None");
        return -1;
    }
    batch->max_document_size = PyLong_AsSsize_t(value);
    return batch->max_document_size == -1 && PyErr_Occurred() ? -1 : 0;
}

FUNCTION(exchange, 11, "stream", "fd", "timeout", "max_reply_size", "request_id", "flags", "body",
         "codec_options", "sequence", "reply_options", "user_fields", "joined")
{
    int joins;
    Py_ssize_t stop;
    bx_batch batch = {0};
    bx_peer peer;
    PyObject *reply;
    ARGUMENTS(exchange);

    if (read_peer(values, &peer) < 0 || read_request_id(values[4], &batch.request_id) < 0 ||
        read_flags(values[5], &batch.flags) < 0 || read_sequence(values[8], &batch) < 0 ||
        (joins = is_true(values[11])) < 0) {
        return NULL;
    }
    batch.body = values[6];
    batch.codec_options = values[7];
    reply = bx_exchange(st, &peer, &batch, &(bx_reply_form){values[9], values[10], joins != 0},
                        &stop);
    return reply == NULL || batch.documents == NULL ? reply : Py_BuildValue("Nn", reply, stop);
}
#endif

FUNCTION(decode_message, 2, "data", "codec_options", "user_fields", "joined")
{
    int joins;
    ARGUMENTS(decode_message);

    if ((joins = is_true(values[3])) < 0) return NULL;
    return bx_decode_message(st, values[0], values[1], or_none(values[2]), joins != 0);
}

FUNCTION(message_header, 1, "data", "offset")
{
    Py_ssize_t offset = 0;
    ARGUMENTS(message_header);

    if (values[1] != NULL) {
        offset = PyNumber_AsSsize_t(values[1], PyExc_OverflowError);
        if (offset == -1 && PyErr_Occurred()) return NULL;
    }
    return bx_message_header(st, values[0], offset);
}

FUNCTION(run_coroutine, 1, "coro")
{
    ARGUMENTS(run_coroutine);

    (void)st;
    return bx_run_coroutine(values[0]);
}

/* ---- extended JSON ---- */

FUNCTION(json_dumps, 2, "value", "options")
{
    bx_json *json;
    ARGUMENTS(json_dumps);

    json = bx_json_of(st);
    return json == NULL ? NULL : bx_json_dumps(json, values[0], values[1], NULL);
}

FUNCTION(json_loads, 2, "text", "options")
{
    bx_json *json;
    ARGUMENTS(json_loads);

    json = bx_json_of(st);
    return json == NULL ? NULL : bx_json_loads(json, values[0], values[1], false);
}

#define DEFINITION(name, text_signature, doc) {name, &name##_signature, text_signature, doc}

static const bx_function_def functions[] = {
    DEFINITION(encode, "(document, check_keys=False, codec_options=None)", "``bsonx.encode``."),
    DEFINITION(decode, "(data, codec_options=None, type=None)", "``bsonx.decode``."),
    DEFINITION(decode_all, "(data, codec_options=None, type=None)", "``bsonx.decode_all``."),
    DEFINITION(encode_document, "(document, check_keys, codec_options)",
               "Return the BSON of a top-level document: its ``_id`` comes first."),
    DEFINITION(decode_document, "(data, codec_options)",
               "Return the one document that ``data`` (bytes-like) is; InvalidBSON for anything "
               "else."),
    DEFINITION(decode_all_documents, "(data, codec_options)",
               "Return the documents that ``data`` (bytes-like) is a sequence of."),
    DEFINITION(encode_message, "(request_id, flags, body, codec_options)",
               "Return one OP_MSG that holds ``body`` alone, header included."),
    DEFINITION(decode_message, "(data, codec_options, user_fields=None, joined=False)",
               "Return (flags, body) of a whole OP_MSG; a document sequence becomes a list in the "
               "body."),
    DEFINITION(message_header, "(data, offset=0)",
               "Return (length, request id, response to, opcode) of the message at ``offset``."),
#ifndef _WIN32
    DEFINITION(exchange,
               "(stream, fd, timeout, max_reply_size, request_id, flags, body, codec_options, "
               "sequence, reply_options, user_fields, joined=False)",
               "Send a command and return (flags, body) of its reply; see csrc/op_msg/exchange.h."),
#endif
    DEFINITION(run_coroutine, "(coro)",
               "Run a coroutine that never waits to its end and return its result."),
    DEFINITION(json_dumps, "(value, options)",
               "Return ``value`` as extended JSON text, laid out like ``json.dumps(value)``."),
    DEFINITION(json_loads, "(text, options)",
               "Return the value of extended JSON text (str, bytes or bytearray)."),
};

static int export_functions(bx_state *st, PyObject *dict)
{
    PyTypeObject *type = bx_function_type(st->module);
    int status = type == NULL ? -1 : 0;

    for (int i = 0; status == 0 && i < COUNT(functions); i++) {
        PyObject *function = bx_function_new(type, st, &functions[i]);

        status = function == NULL
                     ? -1
                     : PyDict_SetItemString(dict, functions[i].signature->name, function);
        Py_XDECREF(function);
    }
    Py_XDECREF(type);
    return status;
}

int bx_export(bx_state *st, PyObject *dict)
{
    const struct {
        const char *name;
        PyTypeObject *type;
    } types[] = {
        {"ObjectId", st->ObjectId},     {"Timestamp", st->Timestamp},
        {"Decimal128", st->Decimal128}, {"DatetimeMS", st->DatetimeMS},
        {"Int64", st->Int64},           {"RawDocument", st->RawDocument},
        {"CodeStorage", st->CodeStorage}, {"RegexStorage", st->RegexStorage},
        {"BinaryStorage", st->BinaryStorage},
    };

    for (int i = 0; i < COUNT(types); i++) {
        if (PyDict_SetItemString(dict, types[i].name, (PyObject *)types[i].type) < 0) return -1;
    }
    return export_functions(st, dict);
}
