/* CodecOptions read into a struct, and the structs read last. */
#include "core/options.h"

#include "typed/typed.h"
#include "raw/raw_document.h"

static int options_traverse(bx_options *self, visitproc visit, void *arg)
{
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(self->codec_options);
    Py_VISIT(self->document_class);
    Py_VISIT(self->tzinfo);
    Py_VISIT(self->encoders);
    Py_VISIT(self->decoders);
    Py_VISIT(self->fallback);
    Py_VISIT(self->plan);
    Py_VISIT(self->raw_over);
    Py_VISIT(self->nested);
    return 0;
}

/* There is no tp_clear: the struct is immutable while a codec call reads it. A cycle through it is
 * broken at the state's cache or at the dicts it holds. */
static void options_dealloc(bx_options *self)
{
    PyTypeObject *type = Py_TYPE(self);

    PyObject_GC_UnTrack(self);
    Py_XDECREF(self->codec_options);
    Py_XDECREF(self->document_class);
    Py_XDECREF(self->tzinfo);
    Py_XDECREF(self->encoders);
    Py_XDECREF(self->decoders);
    Py_XDECREF(self->fallback);
    Py_XDECREF(self->plan);
    Py_XDECREF(self->raw_over);
    Py_XDECREF(self->nested);
    Py_XDECREF(self->errors_object);
    type->tp_free((PyObject *)self);
    Py_DECREF(type);
}

static PyType_Slot options_slots[] = {
    {Py_tp_dealloc, options_dealloc},
    {Py_tp_traverse, options_traverse},
    {0, NULL},
};

static PyType_Spec options_spec = {
    .name = "bsonx._native._Options",
    .basicsize = sizeof(bx_options),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .slots = options_slots,
};

PyTypeObject *bx_options_type(PyObject *module)
{
    return (PyTypeObject *)PyType_FromModuleAndSpec(module, &options_spec, NULL);
}

/* Fields of the CodecOptions named tuple. */
enum {
    FIELD_DOCUMENT_CLASS,
    FIELD_TZ_AWARE,
    FIELD_UUID_REPRESENTATION,
    FIELD_ERROR_HANDLER,
    FIELD_TZINFO,
    FIELD_TYPE_REGISTRY,
    FIELD_DATETIME_CONVERSION,
    FIELD_COUNT
};

/* A class with typed fields has a plan; mapping classes have none. */
static int read_plan(bx_state *st, bx_options *self, PyObject *document_class)
{
    int status = bx_plan_of_class(st, document_class, &self->plan);

    if (status <= 0) return status;
    self->document_kind = BX_CLASS_DICT;
    self->nested = PyDict_New();
    return self->nested == NULL ? -1 : 0;
}

static int read_profile(bx_state *st, bx_options *self)
{
    PyObject *profile = PyObject_GetAttr(self->codec_options, st->s_profile);

    if (profile == NULL) return -1;
    self->extended = profile != Py_None;
    Py_DECREF(profile);
    return 0;
}

static int read_raw_class(bx_state *st, bx_options *self, PyObject *value)
{
    int native;

    if (bx_getattr_optional(value, st->s_over, &self->raw_over) < 0) return -1;
    native = bx_raw_is_native(st, value, self->raw_over);
    self->raw_native = native > 0;
    return native < 0 ? -1 : 0;
}

static int read_document_class(bx_state *st, bx_options *self, PyObject *value)
{
    PyObject *marker;
    long code = 0;
    int found;

    self->document_class = Py_NewRef(value);
    self->document_kind = BX_CLASS_OTHER;
    if (value == (PyObject *)&PyDict_Type) {
        self->document_kind = BX_CLASS_DICT;
        return 0;
    }
    found = bx_getattr_optional(value, st->s_type_marker, &marker);
    if (found < 0) return -1;
    if (found && PyLong_CheckExact(marker)) code = PyLong_AsLong(marker);
    Py_XDECREF(marker);
    if (code == -1 && PyErr_Occurred()) PyErr_Clear();
    if (code != BX_MARK_RAW) return read_plan(st, self, value);
    self->document_kind = BX_CLASS_RAW;
    return read_raw_class(st, self, value);
}

static int read_error_handler(bx_options *self, PyObject *value)
{
    if (value == Py_None) return 0;
    self->errors = PyUnicode_AsUTF8(value);
    if (self->errors == NULL) return -1;
    if (strcmp(self->errors, "strict") == 0) {
        self->errors = NULL;
    } else {
        self->errors_object = Py_NewRef(value);
    }
    return 0;
}

static int read_int(PyObject *value, int *out)
{
    long number = PyLong_AsLong(value);

    if (number == -1 && PyErr_Occurred()) return -1;
    *out = (int)number;
    return 0;
}

/* Store codec.method under codec.key in *map, if the codec has both. */
static int add_codec(PyObject **map, PyObject *codec, PyObject *key_name, PyObject *method_name)
{
    PyObject *key = NULL, *method = NULL;
    int status = bx_getattr_optional(codec, key_name, &key);

    if (status > 0) status = bx_getattr_optional(codec, method_name, &method);
    if (status > 0) {
        if (*map == NULL) *map = PyDict_New();
        status = *map == NULL ? -1 : PyDict_SetItem(*map, key, method);
    }
    Py_XDECREF(key);
    Py_XDECREF(method);
    return status < 0 ? -1 : 0;
}

static int read_codecs(bx_state *st, bx_options *self, PyObject *registry)
{
    PyObject *codecs = PyObject_GetAttr(registry, st->s_codecs);
    PyObject *sequence;
    int status = 0;

    if (codecs == NULL) return -1;
    sequence = PySequence_Fast(codecs, "the codecs of a TypeRegistry must be a sequence");
    Py_DECREF(codecs);
    if (sequence == NULL) return -1;
    for (Py_ssize_t i = 0; status == 0 && i < PySequence_Fast_GET_SIZE(sequence); i++) {
        PyObject *codec = PySequence_Fast_GET_ITEM(sequence, i);

        status = add_codec(&self->encoders, codec, st->s_python_type, st->s_transform_python);
        if (status == 0) {
            status = add_codec(&self->decoders, codec, st->s_bson_type, st->s_transform_bson);
        }
    }
    Py_DECREF(sequence);
    return status;
}

static int read_registry(bx_state *st, bx_options *self, PyObject *registry)
{
    if (registry == Py_None) return 0;
    if (read_codecs(st, self, registry) < 0) return -1;
    self->fallback = PyObject_GetAttr(registry, st->s_fallback_encoder);
    if (self->fallback == NULL) return -1;
    if (self->fallback == Py_None) Py_CLEAR(self->fallback);
    return 0;
}

static int read_fields(bx_state *st, bx_options *self, PyObject *fields)
{
    PyObject *tzinfo = PyTuple_GET_ITEM(fields, FIELD_TZINFO);
    int aware = PyObject_IsTrue(PyTuple_GET_ITEM(fields, FIELD_TZ_AWARE));

    if (aware < 0) return -1;
    self->tz_aware = aware != 0;
    if (tzinfo != Py_None) self->tzinfo = Py_NewRef(tzinfo);
    if (read_document_class(st, self, PyTuple_GET_ITEM(fields, FIELD_DOCUMENT_CLASS)) < 0 ||
        read_int(PyTuple_GET_ITEM(fields, FIELD_UUID_REPRESENTATION),
                 &self->uuid_representation) < 0 ||
        read_error_handler(self, PyTuple_GET_ITEM(fields, FIELD_ERROR_HANDLER)) < 0 ||
        read_registry(st, self, PyTuple_GET_ITEM(fields, FIELD_TYPE_REGISTRY)) < 0 ||
        read_int(PyTuple_GET_ITEM(fields, FIELD_DATETIME_CONVERSION),
                 &self->datetime_conversion) < 0) {
        return -1;
    }
    return 0;
}

bx_options *bx_options_compile(bx_state *st, PyObject *codec_options)
{
    bx_options *self;

    /* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): every module has its state */
    if (!PyObject_TypeCheck(codec_options, st->CodecOptions) || !PyTuple_Check(codec_options) ||
        PyTuple_GET_SIZE(codec_options) < FIELD_COUNT) {
        PyErr_SetString(PyExc_TypeError, "codec_options must be an instance of CodecOptions");
        return NULL;
    }
    self = (bx_options *)st->Options->tp_alloc(st->Options, 0);
    if (self == NULL) return NULL;
    self->codec_options = Py_NewRef(codec_options);
    if (read_fields(st, self, codec_options) < 0 || read_profile(st, self) < 0) {
        Py_DECREF(self);
        return NULL;
    }
    return self;
}

/* New options with another document class: NULL with an exception. */
static bx_options *compile_nested(bx_state *st, const bx_options *options, PyObject *document_class)
{
    PyObject *method = PyObject_GetAttr(options->codec_options, st->s_with_options);
    PyObject *arguments = method == NULL ? NULL : PyDict_New();
    PyObject *none = arguments == NULL ? NULL : PyTuple_New(0);
    PyObject *codec_options = NULL;
    bx_options *nested = NULL;

    if (none != NULL && PyDict_SetItem(arguments, st->s_document_class, document_class) == 0) {
        codec_options = PyObject_Call(method, none, arguments);
    }
    if (codec_options != NULL) nested = bx_options_compile(st, codec_options);
    Py_XDECREF(codec_options);
    Py_XDECREF(none);
    Py_XDECREF(arguments);
    Py_XDECREF(method);
    return nested;
}

bx_options *bx_options_nested(bx_state *st, const bx_options *options, PyObject *document_class)
{
    bx_options *nested =
        (bx_options *)PyDict_GetItemWithError(options->nested, document_class);
    bx_options *kept;

    if (BX_LIKELY(nested != NULL) || PyErr_Occurred()) return nested;
    nested = compile_nested(st, options, document_class);
    if (nested == NULL) return NULL;
    /* Another thread may have been first: what is in the dict stays, and is kept by it. */
    kept = (bx_options *)PyDict_SetDefault(options->nested, document_class, (PyObject *)nested);
    Py_DECREF((PyObject *)nested);
    return kept;
}

static bx_options *find_cached(const bx_local *local, PyObject *codec_options)
{
    for (int i = 0; i < BX_OPTIONS_CACHE; i++) {
        bx_options *self = local->options[i];

        if (self != NULL && self->codec_options == codec_options) {
            return (bx_options *)Py_NewRef((PyObject *)self);
        }
    }
    return NULL;
}

/* Keep the options in the place of the oldest ones. */
static void keep(bx_state *st, bx_options *self)
{
    bx_local *local = bx_options_cache_acquire(st);
    bx_options **slot, *evicted;

    if (local == NULL) return;
    slot = &local->options[local->options_next++ % BX_OPTIONS_CACHE];
    evicted = *slot;
    *slot = (bx_options *)Py_NewRef((PyObject *)self);
    bx_options_cache_release(local);
    Py_XDECREF((PyObject *)evicted);
}

bx_options *bx_options_lookup(bx_state *st, PyObject *codec_options)
{
    bx_local *local = bx_options_cache_acquire(st);
    bx_options *self = NULL;

    if (local != NULL) {
        self = find_cached(local, codec_options);
        bx_options_cache_release(local);
    }
    if (self != NULL) return self;
    self = bx_options_compile(st, codec_options);
    if (self != NULL) keep(st, self);
    return self;
}
