/* Exceptions of the codec. */
#ifndef BSONX_ERRORS_H
#define BSONX_ERRORS_H

#include "core/state.h"

/* Raise InvalidBSON(message) with `.offset`. Always returns NULL. */
BX_COLD void *bx_invalid_bson(bx_state *st, Py_ssize_t offset, const char *format, ...);

/* Turn the pending exception into InvalidBSON(str(exception)) unless it is one already or is not
 * an Exception (KeyboardInterrupt passes). Always returns NULL. */
BX_COLD void *bx_wrap_invalid_bson(bx_state *st, Py_ssize_t offset);

#endif
