/* Instances of classes with fields, and the types of the profile "python", in the encoder. */
#ifndef BSONX_PLAN_ENCODE_H
#define BSONX_PLAN_ENCODE_H

#include "core/encode.h"

/* Encode an instance of a class with fields, as bx_encode_value. 1 done, 0 it is of no such class,
 * -1 with an exception. */
int bx_encode_instance(bx_encoder *e, size_t at, PyObject *value);

/* The same and, with `top`, as bx_encode_instance_top, for classes that were encoded before and
 * that the encoder knows nothing else to do with; 0 for others. */
int bx_encode_known_instance(bx_encoder *e, size_t at, PyObject *value, bool top);

/* The same for a top-level document. */
int bx_encode_instance_top(bx_encoder *e, PyObject *value);

/* Encode what only the profile "python" knows: the same results. `from` is for bx_encode_from
 * (profile.c, as the next). */
int bx_encode_extended(bx_encoder *e, size_t at, PyObject *value, int from);

/* Whether `value` is pandas.NaT: 1, 0, or -1 with an exception. */
int bx_is_nat(PyObject *value);

#endif
