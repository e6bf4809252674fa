#include "core/state.h"

#include "core/keycache.h"
#include "core/options.h"
#include "typed/plan.h"
#include "raw/raw_document.h"
#include "types/types.h"

static int state_traverse(PyObject *module, visitproc visit, void *arg)
{
    bx_state *st = PyModule_GetState(module);

    if (st == NULL) return 0;
    Py_VISIT(st->ObjectId);
    Py_VISIT(st->Timestamp);
    Py_VISIT(st->Decimal128);
    Py_VISIT(st->DatetimeMS);
    Py_VISIT(st->Int64);
    Py_VISIT(st->RawDocument);
    Py_VISIT(st->Options);
#define X(name, module, attribute) Py_VISIT(st->name);
    BX_CLASSES(X)
    BX_OBJECTS(X)
#undef X
    Py_VISIT(st->safe_uuid_unknown);
    Py_VISIT((PyObject *)st->default_options);
    Py_VISIT((PyObject *)st->default_raw_options);
    for (int i = 0; i < BX_OPTIONS_CACHE; i++) Py_VISIT((PyObject *)st->options_cache[i]);
    return bx_typed_traverse(st->typed, visit, arg);
}

static int state_clear(PyObject *module)
{
    bx_state *st = PyModule_GetState(module);

    if (st == NULL) return 0;
    st->bound = false;
    Py_CLEAR(st->default_options);
    Py_CLEAR(st->default_raw_options);
    for (int i = 0; i < BX_OPTIONS_CACHE; i++) Py_CLEAR(st->options_cache[i]);
    bx_typed_free(st->typed);
    st->typed = NULL;
    Py_CLEAR(st->safe_uuid_unknown);
#define X(name, module, attribute) Py_CLEAR(st->name);
    BX_CLASSES(X)
    BX_OBJECTS(X)
#undef X
    Py_CLEAR(st->ObjectId);
    Py_CLEAR(st->Timestamp);
    Py_CLEAR(st->Decimal128);
    Py_CLEAR(st->DatetimeMS);
    Py_CLEAR(st->Int64);
    Py_CLEAR(st->RawDocument);
    Py_CLEAR(st->Options);
    return 0;
}

static void state_free(void *module)
{
    bx_state *st = PyModule_GetState((PyObject *)module);

    if (st == NULL) return;
    state_clear((PyObject *)module);
#define X(name, text) Py_CLEAR(st->s_##name);
    BX_NAMES(X)
#undef X
    bx_keycache_free(st->keys);
    st->keys = NULL;
}

static struct PyModuleDef state_def = {
    PyModuleDef_HEAD_INIT,
    .m_name = "bsonx._state",
    .m_size = sizeof(bx_state),
    .m_traverse = state_traverse,
    .m_clear = state_clear,
    .m_free = state_free,
};

static int state_init(bx_state *st, PyObject *module)
{
    st->module = module;
#define X(name, text)                                                                             \
    if ((st->s_##name = PyUnicode_InternFromString(text)) == NULL) return -1;
    BX_NAMES(X)
#undef X
    st->datetime = PyCapsule_Import(PyDateTime_CAPSULE_NAME, 0);
    if (st->datetime == NULL) return -1;
    if ((st->keys = bx_keycache_new()) == NULL) return -1;
    if ((st->ObjectId = bx_objectid_type(module)) == NULL) return -1;
    if ((st->Timestamp = bx_timestamp_type(module)) == NULL) return -1;
    if ((st->Decimal128 = bx_decimal128_type(module)) == NULL) return -1;
    if ((st->DatetimeMS = bx_datetime_ms_type(module)) == NULL) return -1;
    if ((st->Int64 = bx_int64_type(module)) == NULL) return -1;
    if ((st->RawDocument = bx_raw_document_type(module)) == NULL) return -1;
    if ((st->Options = bx_options_type(module)) == NULL) return -1;
    return 0;
}

PyObject *bx_module_create(void)
{
    PyObject *module = PyModule_Create(&state_def);

    if (module == NULL) return NULL;
    if (state_init(PyModule_GetState(module), module) < 0) {
        Py_DECREF(module);
        return NULL;
    }
    return module;
}

bx_state *bx_module_state(PyObject *module)
{
    return PyModule_GetState(module);
}

bx_state *bx_state_of_type(PyTypeObject *type)
{
    PyObject *module = PyType_GetModuleByDef(type, &state_def);

    return module == NULL ? NULL : PyModule_GetState(module);
}

static PyObject *import_attribute(const char *module_name, const char *name)
{
    PyObject *module = PyImport_ImportModule(module_name);
    PyObject *attribute;

    if (module == NULL) return NULL;
    attribute = PyObject_GetAttrString(module, name);
    Py_DECREF(module);
    return attribute;
}

static int import_class(PyTypeObject **slot, const char *module_name, const char *name)
{
    PyObject *found;

    if (*slot != NULL) return 0;
    found = import_attribute(module_name, name);
    if (found == NULL) return -1;
    if (!PyType_Check(found)) {
        PyErr_Format(PyExc_TypeError, "%s.%s must be a class", module_name, name);
        Py_DECREF(found);
        return -1;
    }
    *slot = (PyTypeObject *)found;
    return 0;
}

static int compile_options(bx_state *st, bx_options **slot, PyObject *codec_options)
{
    if (*slot == NULL) *slot = bx_options_compile(st, codec_options);
    return *slot == NULL ? -1 : 0;
}

int bx_bind_slow(bx_state *st)
{
#define X(name, module, attribute)                                                                \
    if (import_class(&st->name, module, attribute) < 0) return -1;
    BX_CLASSES(X)
#undef X
#define X(name, module, attribute)                                                                \
    if (st->name == NULL && (st->name = import_attribute(module, attribute)) == NULL) return -1;
    BX_OBJECTS(X)
#undef X
    if (st->safe_uuid_unknown == NULL) {
        st->safe_uuid_unknown = PyObject_GetAttrString((PyObject *)st->SafeUUID, "unknown");
        if (st->safe_uuid_unknown == NULL) return -1;
    }
    if (compile_options(st, &st->default_options, st->default_codec_options) < 0 ||
        compile_options(st, &st->default_raw_options, st->default_raw_codec_options) < 0) {
        return -1;
    }
    st->bound = true;
    return 0;
}
