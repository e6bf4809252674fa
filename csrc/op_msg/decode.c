/* OP_MSG: reading messages. */
#include "op_msg/op_msg.h"

#include "core/decode_inline.h"
#include "typed/typed.h"

#define OP_MSG 2013

enum { HEADER_SIZE = 16, CHECKSUM_PRESENT = 1, MORE_TO_COME = 2, REQUIRED_FLAGS = 0xFFFF };

/* A message while it is read: `d` decodes with the options chosen for each part. */
typedef struct {
    bx_decoder d;
    const bx_options *user;  /* what the caller asked for */
    const bx_options *plain; /* for the fields that are not the user's */
    PyObject *user_fields;   /* set of names, or NULL: everything is the user's */
    bool joins;              /* of these, arrays of documents are joined */
    const uint8_t *end;
    const uint8_t *body;
} reader;

static void *bad(reader *r, const uint8_t *p, const char *message)
{
    return bx_bad(&r->d, p, "%s", message);
}

PyObject *bx_message_header(bx_state *st, PyObject *data, Py_ssize_t offset)
{
    Py_buffer view;
    const uint8_t *p;
    int32_t word[4];

    if (bx_bind(st) < 0 || PyObject_GetBuffer(data, &view, PyBUF_SIMPLE) < 0) return NULL;
    if (offset < 0 || view.len - offset < HEADER_SIZE) {
        PyBuffer_Release(&view);
        return bx_invalid_bson(st, offset, "not enough data for a message header");
    }
    p = (const uint8_t *)view.buf + offset;
    for (int i = 0; i < 4; i++) word[i] = (int32_t)bx_load32(p + 4 * i);
    PyBuffer_Release(&view);
    return Py_BuildValue("iiii", (int)word[0], (int)word[1], (int)word[2], (int)word[3]);
}

/* ---- sections ---- */

/* A kind 1 section at *at, which is moved behind it: its name, and its documents in
 * [*first, *last). NULL with an exception. */
static PyObject *read_sequence_head(reader *r, const uint8_t **at, const uint8_t **first,
                                    const uint8_t **last)
{
    const uint8_t *p = *at, *text;
    PyObject *name;
    Py_ssize_t size;

    if (r->end - p < 5) return bad(r, p, "not enough data for a document sequence");
    if (bx_take_sized(at, r->end, 5) == NULL) return bad(r, p, "invalid document sequence length");
    *last = *at;
    *first = p + 4;
    text = bx_take_cstring(first, *last, &size);
    if (text == NULL) return bad(r, p + 4, "unterminated document sequence identifier");
    name = bx_text(text, size, NULL);
    return name != NULL ? name : bx_wrap_error(&r->d, text);
}

/* Step over all sections and note the body. */
static int find_body(reader *r)
{
    const uint8_t *p = r->d.base + HEADER_SIZE + 4;

    while (p < r->end) {
        const uint8_t *kind = p++;

        if (*kind == 0) {
            Py_ssize_t size;

            if (r->body != NULL) {
                bad(r, kind, "more than one body section");
                return -1;
            }
            size = bx_check_document(&r->d, p, r->end);
            if (size < 0) return -1;
            r->body = p;
            p += size;
        } else if (*kind == 1) {
            const uint8_t *first, *last;
            PyObject *name = read_sequence_head(r, &p, &first, &last);

            if (name == NULL) return -1;
            Py_DECREF(name);
        } else {
            bx_bad(&r->d, kind, "unknown section kind %d", *kind);
            return -1;
        }
    }
    if (r->body == NULL) {
        bad(r, p, "no body section");
        return -1;
    }
    return 0;
}

static int add_sequence(reader *r, PyObject *body, const uint8_t **at)
{
    const uint8_t *first, *last;
    PyObject *name = read_sequence_head(r, at, &first, &last);
    PyObject *documents = NULL;
    int status;

    if (name == NULL) return -1;
    status = PySequence_Contains(body, name);
    if (status > 0) {
        bx_bad(&r->d, first, "duplicate field %R", name);
        status = -1;
    }
    r->d.options = r->user;
    if (status == 0 && (documents = bx_decode_documents(&r->d, first, last)) == NULL) status = -1;
    if (status == 0) status = PyObject_SetItem(body, name, documents);
    Py_XDECREF(documents);
    Py_DECREF(name);
    return status;
}

/* Store the document sequences in the body. */
static int add_sequences(reader *r, PyObject *body)
{
    const uint8_t *p = r->d.base + HEADER_SIZE + 4;

    while (p < r->end) {
        if (*p++ == 0) {
            /* Checked before, but Python code has run since and may own the buffer. */
            Py_ssize_t size = bx_check_document(&r->d, p, r->end);

            if (size < 0) return -1;
            p += size;
        } else if (add_sequence(r, body, &p) < 0) {
            return -1;
        }
    }
    return 0;
}

static bool has_sequences(reader *r)
{
    const uint8_t *first = r->d.base + HEADER_SIZE + 4;

    return r->body != first + 1 || r->body + (int32_t)bx_load32(r->body) != r->end;
}

/* ---- bodies with two sets of options ---- */

/* The documents of the array whose elements are in [p, end), one behind the other: (bytes, their
 * number, where the last begins). None where there is anything else. */
static PyObject *join_documents(const uint8_t *p, const uint8_t *end)
{
    PyObject *joined = PyBytes_FromStringAndSize(NULL, end - p);
    uint8_t *to = joined == NULL ? NULL : (uint8_t *)PyBytes_AS_STRING(joined);
    Py_ssize_t count = 0, size = 0, last = 0;

    if (joined == NULL) return NULL;
    while (p < end) {
        const uint8_t *element = p++, *document = NULL, *final;
        Py_ssize_t length;

        if (*element == BX_DOCUMENT && bx_take_cstring(&p, end, &length) != NULL) {
            document = bx_take_document(&p, end, &final);
        }
        if (document == NULL) {
            Py_DECREF(joined);
            Py_RETURN_NONE;
        }
        memcpy(to + size, document, (size_t)(p - document));
        last = size;
        size += p - document;
        count++;
    }
    if (_PyBytes_Resize(&joined, size) < 0) return NULL;
    return Py_BuildValue("Nnn", joined, count, last);
}

/* An array as what it holds joined, or NULL: with an exception, or because it must be decoded. */
static PyObject *joined_array(const uint8_t **at, const uint8_t *end)
{
    const uint8_t *last, *next = *at;
    const uint8_t *p = bx_take_document(&next, end, &last);
    PyObject *joined = p == NULL ? NULL : join_documents(p + 4, last);

    if (joined == Py_None) {
        Py_DECREF(joined);
        return NULL;
    }
    if (joined != NULL) *at = next;
    return joined;
}

static PyObject *read_fields(reader *r, const uint8_t *p, const uint8_t *end, bool top);

static PyObject *read_field(reader *r, const uint8_t **at, const uint8_t *end,
                            const uint8_t *element, PyObject *key, bool top)
{
    int is_user;

    if (top && *element == BX_DOCUMENT && PyUnicode_Compare(key, r->d.st->s_cursor) == 0) {
        const uint8_t *last;
        const uint8_t *p = bx_take_document(at, end, &last);

        return p == NULL ? bx_bad_element(&r->d, *at) : read_fields(r, p + 4, last, false);
    }
    is_user = PySet_Contains(r->user_fields, key);
    if (is_user < 0) return NULL;
    if (is_user && r->joins && *element == BX_ARRAY) {
        PyObject *joined = joined_array(at, end);

        if (joined != NULL || PyErr_Occurred()) return joined;
    }
    r->d.options = is_user ? r->user : r->plain;
    return bx_decode_user_value(&r->d, *element, at, end, key, element);
}

/* The elements in [p, end) of a reply or, with `top` false, of its `cursor`. */
static PyObject *read_fields(reader *r, const uint8_t *p, const uint8_t *end, bool top)
{
    size_t base = r->d.pile.top;

    while (p < end) {
        const uint8_t *element = p++;
        PyObject *key = bx_decode_key(&r->d, &p, end, NULL);
        PyObject *value = key == NULL ? NULL : read_field(r, &p, end, element, key, top);

        if (value == NULL) {
            Py_XDECREF(key);
        } else if (bx_pile_push_pair(&r->d.pile, key, value) == 0) {
            continue;
        }
        bx_pile_drop(&r->d.pile, base);
        return NULL;
    }
    return bx_pile_dict(&r->d.pile, base);
}

static PyObject *read_body(reader *r)
{
    PyObject *body;

    if (r->user_fields != NULL) {
        return read_fields(r, r->body + 4, r->body + (int32_t)bx_load32(r->body) - 1, true);
    }
    r->d.options = r->user;
    /* A reply is no document of a class with typed fields. */
    body = r->user->plan != NULL ? bx_decode_plain_document(&r->d, r->body)
                                 : bx_decode_document(&r->d, r->body);
    if (body != NULL && r->user->document_kind == BX_CLASS_RAW && has_sequences(r)) {
        PyObject *dict = PyDict_New();

        if (dict != NULL && PyDict_Update(dict, body) < 0) Py_CLEAR(dict);
        Py_SETREF(body, dict);
    }
    return body;
}

/* ---- messages ---- */

/* Check header and flags, and set the end of the sections. */
static int check_frame(reader *r, uint32_t *flags)
{
    const uint8_t *p = r->d.base;
    Py_ssize_t size = r->d.limit - p;
    int32_t opcode;

    if (size < HEADER_SIZE) {
        bad(r, p, "not enough data for a message header");
        return -1;
    }
    if ((int32_t)bx_load32(p) != size) {
        bad(r, p, "message length does not match the data");
        return -1;
    }
    opcode = (int32_t)bx_load32(p + 12);
    if (opcode != OP_MSG) {
        bx_bad(&r->d, p + 12, "unexpected opcode %d", (int)opcode);
        return -1;
    }
    if (size < HEADER_SIZE + 5) {
        bad(r, p + HEADER_SIZE, "not enough data for a message");
        return -1;
    }
    *flags = bx_load32(p + HEADER_SIZE);
    if (*flags & REQUIRED_FLAGS & ~(CHECKSUM_PRESENT | MORE_TO_COME)) {
        bx_bad(&r->d, p + HEADER_SIZE, "unknown required flag bits 0x%x", *flags);
        return -1;
    }
    r->end = r->d.limit - (*flags & CHECKSUM_PRESENT ? 4 : 0);
    return 0;
}

static PyObject *read_message(reader *r)
{
    PyObject *body;
    uint32_t flags;

    if (check_frame(r, &flags) < 0 || find_body(r) < 0) return NULL;
    body = read_body(r);
    if (body != NULL && has_sequences(r) && add_sequences(r, body) < 0) Py_CLEAR(body);
    return body == NULL ? NULL : Py_BuildValue("IN", (unsigned)flags, body);
}

/* Read the message of an input that has been opened with the options. */
static PyObject *decode_input(bx_state *st, const bx_input *input, const bx_options *options,
                              PyObject *user_fields, bool joins)
{
    PyObject *result;
    reader r;

    bx_decoder_init(&r.d, st, options, input);
    r.user = options;
    r.plain = st->default_options;
    r.user_fields = user_fields == Py_None ? NULL : user_fields;
    r.joins = joins;
    r.end = r.body = NULL;
    result = read_message(&r);
    bx_decoder_end(&r.d);
    return result;
}

static bool is_set_or_none(PyObject *user_fields)
{
    if (user_fields == Py_None || PyAnySet_Check(user_fields)) return true;
    PyErr_SetString(PyExc_TypeError, "user_fields must be a set or None");
    return false;
}

PyObject *bx_decode_message(bx_state *st, PyObject *data, PyObject *codec_options,
                            PyObject *user_fields, bool joins)
{
    bx_options *options = bx_options_hold(st, codec_options);
    PyObject *result = NULL;
    bx_input input;

    if (options == NULL) return NULL;
    if (is_set_or_none(user_fields) && bx_input_open(&input, data, options) == 0) {
        result = decode_input(st, &input, options, user_fields, joins);
        bx_input_close(&input);
    }
    bx_options_release(st, options);
    return result;
}

PyObject *bx_decode_message_at(bx_state *st, const uint8_t *data, size_t size,
                               PyObject *codec_options, PyObject *user_fields, bool joins)
{
    bx_options *options = bx_options_hold(st, codec_options);
    PyObject *result = NULL;
    bx_input input;

    if (options == NULL) return NULL;
    if (is_set_or_none(user_fields) && bx_input_over(&input, data, size, options) == 0) {
        result = decode_input(st, &input, options, user_fields, joins);
        bx_input_close(&input);
    }
    bx_options_release(st, options);
    return result;
}
