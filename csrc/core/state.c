#include "core/state.h"

#include "core/dict_layout.h"
#include "core/keycache.h"
#include "core/options.h"
#include "json/json.h"
#include "raw/raw_document.h"
#include "typed/typed.h"
#include "types/storage.h"
#include "types/types.h"

static int state_traverse(PyObject *module, visitproc visit, void *arg)
{
    bx_state *st = PyModule_GetState(module);
    int status;

    if (st == NULL) return 0;
#define X(name) Py_VISIT(st->name);
    BX_OWN_TYPES(X)
#undef X
#define X(name, module, attribute) Py_VISIT(st->name);
    BX_CLASSES(X)
    BX_OBJECTS(X)
#undef X
    Py_VISIT(st->min_key);
    Py_VISIT(st->max_key);
    Py_VISIT(st->safe_uuid_unknown);
    Py_VISIT((PyObject *)st->default_options);
    Py_VISIT((PyObject *)st->default_raw_options);
    for (int i = 0; i < BX_LOCALS; i++) {
        for (int j = 0; j < BX_OPTIONS_CACHE; j++) {
            Py_VISIT((PyObject *)st->locals[i].options[j]);
        }
    }
    status = bx_json_traverse(st->json, visit, arg);
    return status != 0 ? status : bx_typed_traverse(st->typed, visit, arg);
}

static int state_clear(PyObject *module)
{
    bx_state *st = PyModule_GetState(module);
    bx_typed *typed;
    bx_json *json;

    if (st == NULL) return 0;
    st->bound = 0;
    Py_CLEAR(st->default_options);
    Py_CLEAR(st->default_raw_options);
    for (int i = 0; i < BX_LOCALS; i++) {
        for (int j = 0; j < BX_OPTIONS_CACHE; j++) Py_CLEAR(st->locals[i].options[j]);
    }
    /* Giving objects back may run the collector, which must not come by here any more. */
    typed = st->typed;
    json = st->json;
    st->typed = NULL;
    st->json = NULL;
    bx_typed_free(typed);
    bx_json_free(json);
    Py_CLEAR(st->min_key);
    Py_CLEAR(st->max_key);
    Py_CLEAR(st->safe_uuid_unknown);
#define X(name, module, attribute) Py_CLEAR(st->name);
    BX_CLASSES(X)
    BX_OBJECTS(X)
#undef X
#define X(name) Py_CLEAR(st->name);
    BX_OWN_TYPES(X)
#undef X
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
    PyMem_Free(st->oids);
    st->oids = NULL;
    for (int i = 0; i < BX_LOCALS; i++) {
        bx_keycache_free(st->locals[i].keys);
        st->locals[i].keys = NULL;
    }
}

static int state_exec(PyObject *module);

static PyModuleDef_Slot state_slots[] = {
    {Py_mod_exec, state_exec},
#if PY_VERSION_HEX >= 0x030C0000
    {Py_mod_multiple_interpreters, Py_MOD_PER_INTERPRETER_GIL_SUPPORTED},
#endif
#if PY_VERSION_HEX >= 0x030D0000
    {Py_mod_gil, Py_MOD_GIL_NOT_USED},
#endif
    {0, NULL},
};

static struct PyModuleDef state_def = {
    PyModuleDef_HEAD_INIT,
    .m_name = "bsonx._native",
    .m_size = sizeof(bx_state),
    .m_slots = state_slots,
    .m_traverse = state_traverse,
    .m_clear = state_clear,
    .m_free = state_free,
};

/* In CPython 3.12, an interpreter with a GIL of its own has datetime in Python only. */
static int load_datetime(bx_state *st)
{
    st->datetime = PyCapsule_Import(PyDateTime_CAPSULE_NAME, 0);
    if (st->datetime != NULL) return 0;
    if (PyErr_ExceptionMatches(PyExc_AttributeError)) {
        PyErr_SetString(PyExc_ImportError,
                        "bsonx._native needs datetime in C, which this interpreter has not");
    }
    return -1;
}

static int state_exec(PyObject *module)
{
    bx_state *st = PyModule_GetState(module);
    int known;

    st->module = module;
#define X(name, text)                                                                             \
    if ((st->s_##name = PyUnicode_InternFromString(text)) == NULL) return -1;
    BX_NAMES(X)
#undef X
    known = bx_dict_layout_known();
    if (known < 0) return -1;
    st->dict_layout_known = known;
    if (load_datetime(st) < 0) return -1;
    if (!BX_FREE_THREADED && (st->locals[0].keys = bx_keycache_new()) == NULL) return -1;
    if ((st->ObjectId = bx_objectid_type(module)) == NULL) return -1;
    if ((st->Timestamp = bx_timestamp_type(module)) == NULL) return -1;
    if ((st->Decimal128 = bx_decimal128_type(module)) == NULL) return -1;
    if ((st->DatetimeMS = bx_datetime_ms_type(module)) == NULL) return -1;
    if ((st->Int64 = bx_int64_type(module)) == NULL) return -1;
    if (bx_int64_check_layout(st) < 0) return -1;
    if ((st->BinaryStorage = bx_binary_storage(module)) == NULL) return -1;
    if ((st->CodeStorage = bx_code_storage(module)) == NULL) return -1;
    if ((st->RegexStorage = bx_regex_storage(module)) == NULL) return -1;
    if ((st->RawDocument = bx_raw_document_type(module)) == NULL) return -1;
    if ((st->Options = bx_options_type(module)) == NULL) return -1;
#define X(name) bx_share((PyObject *)st->name);
    BX_OWN_TYPES(X)
#undef X
    return 0;
}

PyObject *bx_core_new(PyObject *spec)
{
    PyObject *core = PyModule_FromDefAndSpec(&state_def, spec);

    if (core == NULL) return NULL;
    if (PyModule_ExecDef(core, &state_def) < 0) Py_CLEAR(core);
    return core;
}

bx_state *bx_core_state(PyObject *core)
{
    return PyModule_GetState(core);
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

    if (bx_load_pointer(slot) != NULL) return 0;
    found = import_attribute(module_name, name);
    if (found != NULL && !PyType_Check(found)) {
        PyErr_Format(PyExc_TypeError, "%s.%s must be a class", module_name, name);
        Py_CLEAR(found);
    }
    return bx_publish(slot, found);
}

static int import_object(PyObject **slot, const char *module_name, const char *name)
{
    if (bx_load_pointer(slot) != NULL) return 0;
    return bx_publish(slot, import_attribute(module_name, name));
}

/* Whether instances of a Python class have the fields that the codec reads and fills. */
static int check_storage(PyTypeObject *cls, PyTypeObject *storage)
{
    if (PyType_IsSubtype(cls, storage) && cls->tp_basicsize == storage->tp_basicsize) return 0;
    PyErr_Format(PyExc_TypeError, "%R must be a class of %R", cls, storage);
    return -1;
}

static int make_instance(PyObject **slot, PyTypeObject *cls)
{
    if (bx_load_pointer(slot) != NULL) return 0;
    return bx_publish(slot, PyObject_CallNoArgs((PyObject *)cls));
}

static int compile_options(bx_state *st, bx_options **slot, PyObject *codec_options)
{
    if (bx_load_pointer(slot) != NULL) return 0;
    return bx_publish(slot, (PyObject *)bx_options_compile(st, codec_options));
}

/* Several threads may be here at once, and imports may come here again: what each finds is the
 * same, and the first to find it publishes it. */
int bx_bind_slow(bx_state *st)
{
#define X(name, module, attribute)                                                                \
    if (import_class(&st->name, module, attribute) < 0) return -1;
    BX_CLASSES(X)
#undef X
#define X(name, module, attribute)                                                                \
    if (import_object(&st->name, module, attribute) < 0) return -1;
    BX_OBJECTS(X)
#undef X
    if (check_storage(st->Binary, st->BinaryStorage) < 0 ||
        check_storage(st->Code, st->CodeStorage) < 0 ||
        check_storage(st->Regex, st->RegexStorage) < 0 ||
        make_instance(&st->min_key, st->MinKey) < 0 ||
        make_instance(&st->max_key, st->MaxKey) < 0) {
        return -1;
    }
    if (st->safe_uuid_unknown == NULL) {
        PyObject *unknown = PyObject_GetAttrString((PyObject *)st->SafeUUID, "unknown");

        if (bx_publish(&st->safe_uuid_unknown, unknown) < 0) return -1;
    }
    if (compile_options(st, &st->default_options, st->default_codec_options) < 0 ||
        compile_options(st, &st->default_raw_options, st->default_raw_codec_options) < 0) {
        return -1;
    }
    bx_store_int(&st->bound, 1);
    return 0;
}
