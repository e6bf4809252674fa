/* Documents of an iterator, encoded one behind the other with their ends. */
#ifndef BSONX_ENCODE_DOCUMENTS_H
#define BSONX_ENCODE_DOCUMENTS_H

#include "core/state.h"

typedef struct {
    PyObject *iterator;
    PyObject *codec_options;
    const uint8_t *first_id; /* of the first document, 12 bytes; NULL: put no ids */
    Py_ssize_t max_count;    /* of items to take: at least one is taken */
    Py_ssize_t max_bytes;    /* reached by the last document */
    double seconds;          /* after which no further item is asked for; negative: any time */
} bx_documents_wanted;

/* (data, ends, own_ids, rejects, taken, end), or NULL with an exception that is none of an item's.
 *
 * Items are what a document can be encoded from, and BSON in bytes-like objects. One that has no
 * `_id` gets the one of its number, in front. rejects: (number from 0, exception, item) of items
 * that cannot be encoded. end: None while there may be more, True at the end of the iterator, or the
 * exception it has raised. */
PyObject *bx_encode_documents(bx_state *st, const bx_documents_wanted *wanted);

#endif
