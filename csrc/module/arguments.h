/* Arguments of the functions that are called by vectorcall, checked and refused as Python does it
 * for a function with the same parameters. */
#ifndef BSONX_ARGUMENTS_H
#define BSONX_ARGUMENTS_H

#include "core/common.h"

#define BX_MOST_ARGUMENTS 4

/* What a function is called and what it takes: the first `required` parameters have no default. */
typedef struct {
    const char *name;
    const char *const *parameters;
    int required, count;
} bx_signature;

BX_COLD int bx_arguments_slow(const bx_signature *signature, PyObject *const *args, Py_ssize_t n,
                          PyObject *keywords, PyObject **values);

/* Put the arguments of a call into `values` (borrowed; NULL: not given), one for each parameter:
 * 0, or -1 with TypeError. */
BX_INLINE int bx_arguments(const bx_signature *signature, PyObject *const *args, size_t flags,
                       PyObject *keywords, PyObject **values)
{
    Py_ssize_t n = PyVectorcall_NARGS(flags);

    if (BX_UNLIKELY(keywords != NULL || n < signature->required || n > signature->count)) {
        return bx_arguments_slow(signature, args, n, keywords, values);
    }
    for (int i = 0; i < signature->count; i++) values[i] = i < n ? args[i] : NULL;
    return 0;
}

#endif
