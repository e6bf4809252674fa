/* The types of the profile "python" in the encoder. */
#ifndef BSONX_TYPED_PROFILE_H
#define BSONX_TYPED_PROFILE_H

#include "core/encode.h"

/* Encode what only the profile "python" knows, as bx_encode_value. 1 done, 0 it knows nothing of
 * the value, -1 with an exception. `from` is for bx_encode_from. */
int bx_encode_extended(bx_encoder *e, size_t at, PyObject *value, bx_origin from);

/* Whether `value` is pandas.NaT: 1, 0, or -1 with an exception. */
int bx_is_nat(PyObject *value);

#endif
