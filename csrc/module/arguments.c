/* Calls with keywords, and those that are wrong: in the words of CPython's own functions. */
#include "module/arguments.h"

static int too_many(const bx_signature *s, Py_ssize_t given)
{
    const char *verb = given == 1 ? "was" : "were";

    if (s->required < s->count) {
        PyErr_Format(PyExc_TypeError,
                     "%s() takes from %d to %d positional arguments but %zd %s given", s->name,
                     s->required, s->count, given, verb);
    } else {
        PyErr_Format(PyExc_TypeError, "%s() takes %d positional argument%s but %zd %s given",
                     s->name, s->count, s->count == 1 ? "" : "s", given, verb);
    }
    return -1;
}

static int missing(const bx_signature *s, PyObject *const *values)
{
    char names[160] = "";
    int count = 0, left;

    for (int i = 0; i < s->required; i++) count += values[i] == NULL;
    left = count;
    for (int i = 0; i < s->required; i++) {
        size_t used = strlen(names);
        const char *before = left == count ? "" : left > 1 ? ", " : count > 2 ? ", and " : " and ";

        if (values[i] != NULL) continue;
        PyOS_snprintf(names + used, sizeof names - used, "%s'%s'", before, s->parameters[i]);
        left--;
    }
    PyErr_Format(PyExc_TypeError, "%s() missing %d required positional argument%s: %s", s->name,
                 count, count == 1 ? "" : "s", names);
    return -1;
}

static int place_keyword(const bx_signature *s, PyObject *name, PyObject *value,
                         PyObject **values)
{
    for (int i = 0; i < s->count; i++) {
        if (PyUnicode_CompareWithASCIIString(name, s->parameters[i]) != 0) continue;
        if (values[i] != NULL) {
            PyErr_Format(PyExc_TypeError, "%s() got multiple values for argument '%U'", s->name,
                         name);
            return -1;
        }
        values[i] = value;
        return 0;
    }
    PyErr_Format(PyExc_TypeError, "%s() got an unexpected keyword argument '%U'", s->name, name);
    return -1;
}

int bx_arguments_slow(const bx_signature *s, PyObject *const *args, Py_ssize_t n,
                  PyObject *keywords, PyObject **values)
{
    Py_ssize_t named = keywords == NULL ? 0 : PyTuple_GET_SIZE(keywords);

    for (int i = 0; i < s->count; i++) values[i] = i < n ? args[i] : NULL;
    for (Py_ssize_t i = 0; i < named; i++) {
        if (place_keyword(s, PyTuple_GET_ITEM(keywords, i), args[n + i], values) < 0) return -1;
    }
    if (n > s->count) return too_many(s, n);
    for (int i = 0; i < s->required; i++) {
        if (values[i] == NULL) return missing(s, values);
    }
    return 0;
}
