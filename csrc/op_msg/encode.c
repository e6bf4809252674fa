/* OP_MSG written: one document, or a batch of them as a document sequence. */
#include "core/encode.h"
#include "op_msg/op_msg.h"
#include "types/types.h"

/* The body follows header, flags and the kind of its section. */
enum { OP_MSG = 2013, BODY_OFFSET = 21 };

/* Header with the length to be filled in, flags and the body section. */
static int put_body(bx_encoder *e, int32_t request_id, uint32_t flags, PyObject *body)
{
    bx_put_u32(&e->w, 0);
    bx_put_u32(&e->w, (uint32_t)request_id);
    bx_put_u32(&e->w, 0);
    bx_put_u32(&e->w, OP_MSG);
    bx_put_u32(&e->w, flags);
    bx_put_u8(&e->w, 0);
    return bx_encode_document(e, body);
}

/* Fill in the message's length, of which `behind` bytes are elsewhere. */
static int put_length(bx_encoder *e, size_t behind)
{
    size_t size = bx_writer_size(&e->w) + behind;

    if (size > INT32_MAX) {
        PyErr_SetString(PyExc_OverflowError, "message is longer than 2147483647 bytes");
        return -1;
    }
    bx_patch_u32(&e->w, 0, (uint32_t)size);
    return 0;
}

PyObject *bx_encode_message(bx_state *st, int32_t request_id, uint32_t flags, PyObject *body,
                            PyObject *codec_options)
{
    bx_options *options = bx_options_hold(st, codec_options);
    PyObject *result = NULL;
    bx_encoder e;

    if (options == NULL) return NULL;
    bx_encoder_init(&e, st, options, false);
    if (put_body(&e, request_id, flags, body) == 0 && put_length(&e, 0) == 0) {
        result = bx_encoder_finish(&e);
    } else {
        bx_encoder_abandon(&e);
    }
    bx_options_release(st, options);
    return result;
}

/* ---- batches ---- */

/* Give a mutable mapping without `_id` a fresh ObjectId, in the caller's object. */
static int add_id(bx_state *st, PyObject *document)
{
    uint8_t bytes[12];
    PyObject *id;
    int found = PyDict_Check(document)
                    ? PyDict_Contains(document, st->s_id)
                    : PyObject_IsInstance(document, (PyObject *)st->MutableMapping);

    if (!PyDict_Check(document)) {
        if (found <= 0) return found;
        found = PySequence_Contains(document, st->s_id);
    }
    if (found != 0) return found < 0 ? -1 : 0;
    if (bx_objectid_generate(st, bytes) < 0) return -1;
    id = bx_objectid_new(st, bytes);
    if (id == NULL) return -1;
    found = PyDict_CheckExact(document) ? PyDict_SetItem(document, st->s_id, id)
                                        : PyObject_SetItem(document, st->s_id, id);
    Py_DECREF(id);
    return found;
}

/* Append the `_id` of a document to `ids`: None for one that is not mutable. */
static int note_id(bx_state *st, PyObject *document, PyObject *ids)
{
    PyObject *id = NULL;
    int found, status;

    if (PyDict_CheckExact(document)) {
        found = bx_dict_get(document, st->s_id, &id);
    } else {
        found = PyObject_IsInstance(document, (PyObject *)st->MutableMapping);
        if (found > 0) found = PySequence_Contains(document, st->s_id);
        if (found > 0 && (id = PyObject_GetItem(document, st->s_id)) == NULL) found = -1;
    }
    if (found < 0) return -1;
    status = PyList_Append(ids, found ? id : Py_None);
    Py_XDECREF(id);
    return status;
}

static BX_COLD int document_too_large(bx_state *st, Py_ssize_t index, size_t size,
                                      Py_ssize_t limit)
{
    PyObject *exception =
        PyObject_CallFunction(st->DocumentTooLarge, "nnn", index, (Py_ssize_t)size, limit);

    if (exception != NULL) {
        PyErr_SetObject(st->DocumentTooLarge, exception);
        Py_DECREF(exception);
    }
    return -1;
}

/* Append documents[index] if it fits. 1 taken, 0 left for the next message, -1 error. */
static int put_document(bx_encoder *e, const bx_batch *batch, Py_ssize_t index)
{
    bx_state *st = e->st;
    PyObject *document = PySequence_GetItem(batch->documents, index);
    size_t before = bx_writer_size(&e->w), size;
    bool first = index == batch->start;
    int status = -1;

    if (document == NULL) return -1;
    if ((batch->add_ids && add_id(st, document) < 0) || bx_encode_document(e, document) < 0) {
        goto done;
    }
    size = bx_writer_size(&e->w) - before;
    if (size > (size_t)batch->max_document_size && first) {
        status = document_too_large(st, index, size, batch->max_document_size);
    } else if (size > (size_t)batch->max_document_size ||
               (!first && before + size > (size_t)batch->max_message_size)) {
        e->w.p = e->w.base + before;
        status = 0;
    } else {
        status = batch->ids != Py_None && note_id(st, document, batch->ids) < 0 ? -1 : 1;
    }
done:
    Py_DECREF(document);
    return status;
}

/* Begin the section of kind 1: where its size goes, -1 with an exception. */
static Py_ssize_t begin_sequence(bx_encoder *e, const bx_batch *batch)
{
    Py_ssize_t n;
    const char *name = PyUnicode_AsUTF8AndSize(batch->identifier, &n);
    size_t at;

    if (name == NULL || bx_writer_reserve(&e->w, (size_t)n + 6) < 0) return -1;
    bx_put_u8(&e->w, 1);
    at = bx_put_size_later(&e->w);
    bx_put_bytes(&e->w, name, (size_t)n);
    bx_put_u8(&e->w, 0);
    return (Py_ssize_t)at;
}

/* The section with documents; *stop is the index after the last one taken. */
static int put_sequence(bx_encoder *e, const bx_batch *batch, Py_ssize_t *stop)
{
    Py_ssize_t last, length = PySequence_Size(batch->documents);
    Py_ssize_t at = length < 0 ? -1 : begin_sequence(e, batch);
    int status = 1;

    if (at < 0) return -1;
    *stop = batch->start;
    last = batch->max_count < 1 ? batch->start + 1
           : batch->max_count < length - batch->start ? batch->start + batch->max_count
                                                      : length;
    while (status > 0 && *stop < last && *stop < length) {
        status = put_document(e, batch, *stop);
        *stop += status > 0;
    }
    if (status < 0) return -1;
    bx_patch_u32(&e->w, (size_t)at, (uint32_t)(bx_writer_size(&e->w) - (size_t)at));
    return 0;
}

/* The section up to documents that are elsewhere. */
static int announce_sequence(bx_encoder *e, const bx_batch *batch)
{
    Py_ssize_t at = begin_sequence(e, batch);
    size_t size;

    if (at < 0) return -1;
    size = bx_writer_size(&e->w) - (size_t)at + batch->encoded_size;
    bx_patch_u32(&e->w, (size_t)at, (uint32_t)size); /* the whole message's is checked */
    return 0;
}

Py_ssize_t bx_write_batch(bx_encoder *e, const bx_batch *batch, Py_ssize_t *stop)
{
    size_t body;

    *stop = 0;
    if (put_body(e, batch->request_id, batch->flags, batch->body) < 0) return -1;
    body = bx_writer_size(&e->w) - BODY_OFFSET;
    if (batch->documents != NULL && put_sequence(e, batch, stop) < 0) return -1;
    if (batch->encoded != NULL && announce_sequence(e, batch) < 0) return -1;
    return put_length(e, batch->encoded_size) < 0 ? -1 : (Py_ssize_t)body;
}

PyObject *bx_encode_batch(bx_state *st, const bx_batch *batch)
{
    bx_options *options = bx_options_hold(st, batch->codec_options);
    PyObject *message = NULL;
    Py_ssize_t stop = 0;
    bx_encoder e;

    if (options == NULL) return NULL;
    bx_encoder_init(&e, st, options, false);
    if (bx_write_batch(&e, batch, &stop) >= 0) {
        message = bx_encoder_finish(&e);
    } else {
        bx_encoder_abandon(&e);
    }
    bx_options_release(st, options);
    return message == NULL ? NULL : Py_BuildValue("Nn", message, stop);
}
