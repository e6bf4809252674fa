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
    j->convert = Py_NewRef(parts->convert);
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

int bx_json_bind(bx_state *st, const bx_json_parts *parts)
{
    bx_json *j = PyMem_Calloc(1, sizeof *j);
    void *before;

    if (j == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    j->st = st;
    if (fill(j, parts) < 0) {
        bx_json_free(j);
        return -1;
    }
    before = bx_load_pointer(&st->json);
    do {
        j->before = before;
    } while (!bx_replace_pointer(&st->json, &before, j));
    return 0;
}

bx_json *bx_json_of(bx_state *st)
{
    bx_json *j = bx_load_pointer(&st->json);

    if (j == NULL) {
        PyErr_SetString(PyExc_RuntimeError, "bsonx.json_util has not been imported");
    }
    return j;
}

int bx_json_traverse(bx_json *j, visitproc visit, void *arg)
{
    for (; j != NULL; j = j->before) {
        Py_VISIT((PyObject *)j->JSONOptions);
        Py_VISIT(j->encode_value);
        Py_VISIT(j->convert);
        Py_VISIT(j->dumps);
        Py_VISIT(j->object_hook);
        Py_VISIT(j->regex_flags);
        Py_VISIT(j->loads);
        Py_VISIT(j->object_hook_strict);
        Py_VISIT(j->loads_strict);
    }
    return 0;
}

void bx_json_free(bx_json *j)
{
    bx_json_traverse(j, bx_give_back, NULL);
    while (j != NULL) {
        bx_json *before = j->before;

#define X(name, text) Py_XDECREF(j->s_##name);
        BX_JSON_NAMES(X)
#undef X
        PyMem_Free(j);
        j = before;
    }
}
