#include "json.h"

static PyObject *import_name(const char *module_name, const char *name)
{
    PyObject *module = PyImport_ImportModule(module_name);
    PyObject *found;

    if (module == NULL) return NULL;
    found = PyObject_GetAttrString(module, name);
    Py_DECREF(module);
    return found;
}

#define ENCODE "bsonx._py.json_encode"
#define DECODE "bsonx._py.json_decode"

static int fill(bx_json *j)
{
    PyObject *options = import_name("bsonx._py.json_options", "JSONOptions");

    if (options == NULL) return -1;
    if (!PyType_Check(options)) {
        PyErr_SetString(PyExc_TypeError, "JSONOptions must be a class");
        Py_DECREF(options);
        return -1;
    }
    j->JSONOptions = (PyTypeObject *)options;
    if ((j->encode_value = import_name(ENCODE, "default")) == NULL ||
        (j->dumps = import_name(ENCODE, "json_dumps")) == NULL ||
        (j->object_hook = import_name(DECODE, "object_hook")) == NULL ||
        (j->regex_flags = import_name(DECODE, "_regex_flags")) == NULL ||
        (j->loads = import_name(DECODE, "json_loads")) == NULL) {
        return -1;
    }
#define X(name, text)                                                                             \
    if ((j->s_##name = PyUnicode_InternFromString(text)) == NULL) return -1;
    BX_JSON_NAMES(X)
#undef X
    return 0;
}

bx_json *bx_json_new(bx_state *st)
{
    bx_json *j = PyMem_Calloc(1, sizeof *j);

    if (j == NULL) {
        PyErr_NoMemory();
        return NULL;
    }
    j->st = st;
    if (fill(j) < 0) {
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
#define X(name, text) Py_XDECREF(j->s_##name);
    BX_JSON_NAMES(X)
#undef X
    PyMem_Free(j);
}
