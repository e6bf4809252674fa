/* From documents to what is sent for them where their keys matter: statements of updates and
 * deletes, documents whose field has become `_id`, and which have the same key. */
#ifndef BSONX_STATEMENTS_H
#define BSONX_STATEMENTS_H

#include "core/state.h"

typedef enum {
    BX_AS_ID,   /* the document, the field of the key as its `_id` */
    BX_UPSERT,  /* put it in the place of that with its key, or add it */
    BX_REPLACE, /* only put it in the place of one that is there */
    BX_MERGE,   /* set its fields in that with its key, or add it */
    BX_DELETE,  /* remove all with its key */
    BX_GROUP    /* nothing is sent but the documents themselves */
} bx_statement_kind;

/* (statements, ends, groups, rejects), or NULL with an exception.
 *
 * `data` and `ends` (native uint32) are documents one behind the other; `keys` a tuple of names,
 * with dots to reach into documents. groups: a native uint32 for each that is not rejected, the
 * same for equal keys. rejects: (index, what is wrong). */
PyObject *bx_encode_statements(bx_state *st, PyObject *data, PyObject *ends, int kind,
                               PyObject *keys);

#endif
