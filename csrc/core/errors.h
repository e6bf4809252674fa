/* Exceptions of the codec. */
#ifndef BSONX_ERRORS_H
#define BSONX_ERRORS_H

#include "core/state.h"

#include <stdarg.h>

/* Raise InvalidBSON(message) with `.offset`. Always returns NULL. */
BX_COLD void *bx_invalid_bson(bx_state *st, Py_ssize_t offset, const char *format, ...);
BX_COLD void *bx_invalid_bson_v(bx_state *st, Py_ssize_t offset, const char *format,
                                va_list args);

/* Turn the pending exception into InvalidBSON(str(exception)), whose __cause__ it becomes. What says
 * nothing about the input passes: an InvalidBSON, KeyboardInterrupt and the like, a lack of memory or
 * stack. Always returns NULL. */
BX_COLD void *bx_wrap_invalid_bson(bx_state *st, Py_ssize_t offset);

#endif
