/* Instances of classes with fields in the encoder. */
#ifndef BSONX_TYPED_ENCODE_H
#define BSONX_TYPED_ENCODE_H

#include "core/encode.h"

/* Encode an instance of a class with fields, as bx_encode_value. 1 done, 0 it is of no such class,
 * -1 with an exception. */
int bx_encode_instance(bx_encoder *e, size_t at, PyObject *value);

/* The same and, with `top`, as bx_encode_instance_top, for classes that were encoded before and
 * that the encoder knows nothing else to do with; 0 for others. */
int bx_encode_known_instance(bx_encoder *e, size_t at, PyObject *value, bool top);

/* The same for an instance of e->instance_type. */
int bx_encode_same_instance(bx_encoder *e, size_t at, PyObject *value);

/* The same for a top-level document. */
int bx_encode_instance_top(bx_encoder *e, PyObject *value);

#endif
