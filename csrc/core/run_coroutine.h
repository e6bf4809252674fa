/* Running a coroutine that never waits. */
#ifndef BSONX_RUN_COROUTINE_H
#define BSONX_RUN_COROUTINE_H

#include "core/common.h"

/* Run `coroutine` to its end: its result, or NULL with its exception; RuntimeError if it suspends. */
PyObject *bx_run_coroutine(PyObject *coroutine);

#endif
