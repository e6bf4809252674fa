/* Schemas as Python has them. A field is a tuple
 *
 *     (format: str, name: str, metadata: bytes or None, flags: int, children: tuple of fields,
 *      dictionary: field or None)
 *
 * with the metadata as the C data interface lays it out, in this machine's byte order. */
#ifndef BSONX_ARROW_SCHEMA_H
#define BSONX_ARROW_SCHEMA_H

#include "arrow/abi.h"
#include "core/state.h"

/* A schema as a field: new reference, or NULL with an exception. */
PyObject *bx_arrow_fields(bx_state *st, const struct ArrowSchema *schema);

/* The same for what a capsule holds, which remains there. */
PyObject *bx_arrow_fields_of_capsule(bx_state *st, PyObject *capsule);

/* Fill `out` from a field; -1 with an exception, and `out` is not to be released then. */
int bx_arrow_fill_schema(PyObject *field, struct ArrowSchema *out);

/* A new capsule with a schema. */
PyObject *bx_arrow_schema_capsule(PyObject *field);

#endif
