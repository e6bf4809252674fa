/* What extended JSON takes from the pure implementation, and its interned names. */
#include "json/json.h"

static int fill(bx_json *j, const bx_json_parts *parts)
{
    if (!PyType_Check(parts->options_class)) {
        PyErr_SetString(PyExc_TypeError, "JSONOptions must be a class");
        return -1;
    }
    j->JSONOptions = (PyTypeObject *)Py_NewRef(parts->options_class);
    j->encode_value = Py_NewRef(parts->encode_value);
    j->dumps = Py_NewRef(parts->dumps);
    j->object_hook = Py_NewRef(parts->object_hook);
    j->regex_flags = Py_NewRef(parts->regex_flags);
    j->loads = Py_NewRef(parts->loads);
    j->object_hook_strict = Py_NewRef(parts->object_hook_strict);
    j->loads_strict = Py_NewRef(parts->loads_strict);
#define X(name, text)                                                                             \
    if ((j->s_##name = PyUnicode_InternFromString(text)) == NULL) return -1;
    BX_JSON_NAMES(X)
#undef X
    return 0;
}

bx_json *bx_json_new(bx_state *st, const bx_json_parts *parts)
{
    bx_json *j = PyMem_Calloc(1, sizeof *j);

    if (j == NULL) {
        PyErr_NoMemory();
        return NULL;
    }
    j->st = st;
    if (fill(j, parts) < 0) {
        bx_json_free(j);
        return NULL;
    }
    return j;
}

void bx_json_free(bx_json *j)
{
    if (j == NULL) return;
    Py_XDECREF((PyObject *)j->JSONOptions);
    Py_XDECREF(j->encode_value);
    Py_XDECREF(j->dumps);
    Py_XDECREF(j->object_hook);
    Py_XDECREF(j->regex_flags);
    Py_XDECREF(j->loads);
    Py_XDECREF(j->object_hook_strict);
    Py_XDECREF(j->loads_strict);
#define X(name, text) Py_XDECREF(j->s_##name);
    BX_JSON_NAMES(X)
#undef X
    PyMem_Free(j);
}
