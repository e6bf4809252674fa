/* The functions that the module has from C. */
#ifndef BSONX_FUNCTIONS_H
#define BSONX_FUNCTIONS_H

#include "core/state.h"

/* Put the types of the state and its functions into the dict of a module; -1 with an exception. */
int bx_export(bx_state *st, PyObject *dict);

#endif
