/* OP_MSG framing: a 16-byte header, flags, and sections of kind 0 (the command document) and kind 1
 * (a named sequence of documents). */
#ifndef BSONX_OP_MSG_H
#define BSONX_OP_MSG_H

#include "core/encode.h"

/* One message that holds `body` alone: new bytes object, or NULL with an exception. */
PyObject *bx_encode_message(bx_state *st, int32_t request_id, uint32_t flags, PyObject *body,
                            PyObject *codec_options);

typedef struct {
    int32_t request_id;
    uint32_t flags;
    PyObject *body;
    PyObject *identifier; /* str */
    PyObject *documents;  /* sequence; NULL: none */
    Py_ssize_t start;
    PyObject *codec_options;
    Py_ssize_t max_count;
    Py_ssize_t max_document_size;
    Py_ssize_t max_message_size;
    bool add_ids;
    PyObject *ids; /* list or None */
    const uint8_t *encoded; /* instead of `documents`: a sequence as it is; NULL: none */
    size_t encoded_size;
} bx_batch;

/* Write the message of a batch, or of its body alone where it has no documents: the size of the body
 * in bytes, -1 with an exception. Of what is encoded already all but the documents is written: they
 * are to be sent behind. */
Py_ssize_t bx_write_batch(bx_encoder *e, const bx_batch *batch, Py_ssize_t *stop);

/* A message with documents[start:stop] as a sequence: (bytes, stop), or NULL with an exception. */
PyObject *bx_encode_batch(bx_state *st, const bx_batch *batch);

/* A whole message: (flags, body), or NULL with InvalidBSON. With `joins`, of the user's fields those
 * that are arrays of documents are (bytes, number of documents, where the last begins). */
PyObject *bx_decode_message(bx_state *st, PyObject *data, PyObject *codec_options,
                            PyObject *user_fields, bool joins);

/* The same for a message in memory, of which nothing is referred to afterwards. */
PyObject *bx_decode_message_at(bx_state *st, const uint8_t *data, size_t size,
                               PyObject *codec_options, PyObject *user_fields, bool joins);

/* (length, request id, response to, opcode) of the message at `offset`. */
PyObject *bx_message_header(bx_state *st, PyObject *data, Py_ssize_t offset);

#endif
