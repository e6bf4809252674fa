/* RawDocument: what the public RawBSONDocument is made of. */
#include "raw/raw_document.h"

#include "core/errors.h"
#include "types/types.h"

/* ---- the buffer ---- */

/* What a buffer object holds, as part of an immutable bytes object. */
typedef struct {
    PyObject *owner; /* exactly bytes, a new reference */
    const uint8_t *data;
    Py_ssize_t size;
} held_buffer;

static void hold_bytes(held_buffer *held, PyObject *bytes)
{
    held->owner = bytes;
    held->data = (const uint8_t *)PyBytes_AS_STRING(bytes);
    held->size = PyBytes_GET_SIZE(bytes);
}

bool bx_shows_bytes(const Py_buffer *view)
{
    const char *data = view->buf, *first;

    if (view->obj == NULL || !PyBytes_CheckExact(view->obj) || !view->readonly ||
        !PyBuffer_IsContiguous(view, 'C')) {
        return false;
    }
    first = PyBytes_AS_STRING(view->obj);
    return data >= first && view->len <= PyBytes_GET_SIZE(view->obj) - (data - first);
}

/* Hold on to the bytes of a buffer; one that may change is copied. -1 with an exception. */
static int hold_buffer(held_buffer *held, PyObject *data)
{
    PyObject *view, *bytes;

    if (BX_LIKELY(PyBytes_CheckExact(data))) {
        hold_bytes(held, Py_NewRef(data));
        return 0;
    }
    view = PyMemoryView_FromObject(data);
    if (view == NULL) return -1;
    if (bx_shows_bytes(PyMemoryView_GET_BUFFER(view))) {
        const Py_buffer *buffer = PyMemoryView_GET_BUFFER(view);

        held->owner = Py_NewRef(buffer->obj);
        held->data = buffer->buf;
        held->size = buffer->len;
        Py_DECREF(view);
        return 0;
    }
    bytes = PyBytes_FromObject(view);
    Py_DECREF(view);
    if (bytes == NULL) return -1;
    hold_bytes(held, bytes);
    return 0;
}

/* ---- the parts of a document ---- */

/* References to the parts of a document: another thread may replace them at any time. */
typedef struct {
    bx_span at;
    PyObject *fields; /* or NULL */
    bx_options *options;
    bx_state *st;
} held_parts;

static void raw_release(held_parts *parts)
{
    Py_XDECREF(parts->at.owner);
    Py_XDECREF(parts->fields);
    Py_XDECREF((PyObject *)parts->options);
}

/* Take hold of the parts; -1 with AttributeError, naming `what`, if __init__ has not run. */
static int raw_hold(bx_raw_document *self, held_parts *parts, const char *what)
{
    Py_BEGIN_CRITICAL_SECTION(self);
    parts->at = self->at;
    parts->fields = Py_XNewRef(self->fields);
    parts->options = (bx_options *)Py_XNewRef((PyObject *)self->options);
    Py_XINCREF(parts->at.owner);
    Py_END_CRITICAL_SECTION();
    if (BX_UNLIKELY(parts->at.owner == NULL || parts->options == NULL)) {
        raw_release(parts);
        PyErr_Format(PyExc_AttributeError, "'%.100s' object has no attribute '%s'",
                     Py_TYPE(self)->tp_name, what);
        return -1;
    }
    parts->st = PyType_GetModuleState(Py_TYPE(parts->options));
    return 0;
}

/* Give a document its parts, whose references are taken. */
static void raw_fill(bx_raw_document *self, const bx_span *at, bx_options *options)
{
    bx_raw_document old;

    Py_BEGIN_CRITICAL_SECTION(self);
    old.at = self->at;
    old.fields = self->fields;
    old.options = self->options;
    self->at = *at;
    self->fields = NULL;
    self->options = options;
    Py_END_CRITICAL_SECTION();
    Py_XDECREF(old.at.owner);
    Py_XDECREF(old.fields);
    Py_XDECREF((PyObject *)old.options);
}

/* ---- what a document keeps ---- */

/* Bytes around a document that it may keep alive, beyond as many as it has itself. */
#define SLACK 1024

/* The same span of `bytes`, which are those of the document alone. Takes the reference. */
static bx_span alone(const bx_span *at, PyObject *bytes)
{
    const uint8_t *data = (const uint8_t *)PyBytes_AS_STRING(bytes);

    return (bx_span){bytes, data, data, at->size, at->origin + (at->start - at->base)};
}

/* The span with a reference of its own: to the owner or, where the document is small beside it, to
 * a copy of its bytes. -1 with MemoryError. */
static int keep_span(const bx_span *at, bx_span *own)
{
    PyObject *bytes;

    *own = *at;
    if (PyBytes_GET_SIZE(at->owner) - at->size <= at->size + SLACK) {
        Py_INCREF(own->owner);
        return 0;
    }
    bytes = PyBytes_FromStringAndSize((const char *)at->start, at->size);
    if (bytes == NULL) return -1;
    *own = alone(at, bytes);
    return 0;
}

/* ---- construction ---- */

static BX_COLD int refuse(bx_state *st, const held_buffer *held)
{
    if (held->size < 5) {
        bx_invalid_bson(st, 0, "not enough data for a BSON document");
    } else if ((int32_t)bx_load32(held->data) != held->size) {
        bx_invalid_bson(st, 0, "invalid object length");
    } else {
        bx_invalid_bson(st, held->size - 1, "bad eoo");
    }
    return -1;
}

static BX_COLD void wrong_class(PyObject *document_class)
{
    PyErr_Format(PyExc_TypeError,
                 "RawBSONDocument cannot use CodecOptions with document class %S",
                 document_class);
}

/* Whether a class has the marker of raw documents; -1 with an exception. */
static int is_raw_class(bx_state *st, PyObject *document_class)
{
    PyObject *marker;
    int found = bx_getattr_optional(document_class, st->s_type_marker, &marker);
    int same = 0;

    if (found > 0) {
        PyObject *raw_marker = PyLong_FromLong(BX_MARK_RAW);

        same = raw_marker == NULL ? -1 : PyObject_RichCompareBool(marker, raw_marker, Py_EQ);
        Py_XDECREF(raw_marker);
        Py_DECREF(marker);
    }
    return found < 0 ? -1 : same;
}

/* TypeError for an object in place of CodecOptions: for its document class, if that is wrong. */
static BX_COLD bx_options *wrong_options(bx_state *st, PyObject *codec_options)
{
    PyObject *document_class = PyObject_GetAttr(codec_options, st->s_document_class);
    int raw;

    if (document_class == NULL) return NULL;
    raw = is_raw_class(st, document_class);
    if (raw == 0) wrong_class(document_class);
    Py_DECREF(document_class);
    return raw <= 0 ? NULL : bx_options_get(st, codec_options);
}

/* The options of a new document: a new reference, NULL with an exception. */
static bx_options *read_options(bx_state *st, PyObject *self, PyObject *codec_options)
{
    bx_options *options;

    if (codec_options == Py_None) {
        PyObject *defaults = PyObject_GetAttr(self, st->s_default_raw);

        if (defaults == NULL) return NULL;
        options = bx_options_get(st, defaults);
        Py_DECREF(defaults);
        return options;
    }
    if (BX_UNLIKELY(!PyObject_TypeCheck(codec_options, st->CodecOptions))) {
        return wrong_options(st, codec_options);
    }
    options = bx_options_get(st, codec_options);
    if (options != NULL && options->document_kind != BX_CLASS_RAW) {
        wrong_class(PyTuple_GET_ITEM(codec_options, 0));
        Py_CLEAR(options);
    }
    return options;
}

/* __init__ with its arguments told apart. */
static int initialize(bx_state *st, PyObject *self, PyObject *data, PyObject *codec_options)
{
    bx_options *options = NULL;
    held_buffer held;
    bx_span own;
    int status = -1;

    if (hold_buffer(&held, data) < 0) return -1;
    if (held.size < 5 || (int32_t)bx_load32(held.data) != held.size ||
        held.data[held.size - 1] != 0) {
        refuse(st, &held);
    } else if ((options = read_options(st, self, codec_options)) != NULL) {
        bx_span at = {held.owner, held.data, held.data, held.size, 0};

        status = keep_span(&at, &own);
        if (status == 0) {
            raw_fill((bx_raw_document *)self, &own, options);
        } else {
            Py_DECREF((PyObject *)options);
        }
    }
    Py_DECREF(held.owner);
    return status;
}

static int raw_init(PyObject *self, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"bson_bytes", "codec_options", NULL};
    bx_state *st = bx_state_of_type(Py_TYPE(self));
    PyObject *data, *codec_options = Py_None;

    if (st == NULL || bx_bind(st) < 0) return -1;
    if (BX_LIKELY(kwargs == NULL && PyTuple_GET_SIZE(args) == 1)) {
        data = PyTuple_GET_ITEM(args, 0);
    } else if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O|O:RawBSONDocument", names, &data,
                                            &codec_options)) {
        return -1;
    }
    return initialize(st, self, data, codec_options);
}

PyObject *bx_raw_document_new(const bx_options *options, const bx_span *at)
{
    PyTypeObject *type = (PyTypeObject *)options->document_class;
    bx_raw_document *self = (bx_raw_document *)type->tp_alloc(type, 0);

    if (self == NULL) return NULL;
    if (keep_span(at, &self->at) < 0) {
        self->at.owner = NULL;
        Py_DECREF(self);
        return NULL;
    }
    self->options = (bx_options *)Py_NewRef((PyObject *)options);
    return (PyObject *)self;
}

/* A new document of a class that object.__new__ makes without arguments. */
static PyObject *new_instance(PyObject *cls)
{
    PyObject *none = PyTuple_New(0);
    PyObject *self;

    if (none == NULL) return NULL;
    self = PyBaseObject_Type.tp_new((PyTypeObject *)cls, none, NULL);
    Py_DECREF(none);
    return self;
}

static PyObject *over(bx_state *st, PyObject *cls, const bx_span *at, PyObject *codec_options)
{
    bx_options *options = bx_options_get(st, codec_options);
    PyObject *self = options == NULL ? NULL : new_instance(cls);
    bx_span own;

    if (self == NULL || keep_span(at, &own) < 0) {
        Py_XDECREF(self);
        Py_XDECREF((PyObject *)options);
        return NULL;
    }
    raw_fill((bx_raw_document *)self, &own, options);
    return self;
}

/* Called with the class, the data, the two positions and the options. */
static PyObject *raw_over(PyObject *Py_UNUSED(module), PyObject *args)
{
    PyObject *cls, *data, *codec_options, *self = NULL;
    Py_ssize_t start, end;
    held_buffer held;
    bx_state *st;

    if (!PyArg_ParseTuple(args, "O!OnnO:_over", &PyType_Type, &cls, &data, &start, &end,
                          &codec_options)) {
        return NULL;
    }
    st = bx_state_of_type((PyTypeObject *)cls);
    if (st == NULL || bx_bind(st) < 0) return NULL;
    if (!PyType_IsSubtype((PyTypeObject *)cls, st->RawDocument)) {
        PyErr_Format(PyExc_TypeError, "%R is no class of raw documents", cls);
        return NULL;
    }
    if (hold_buffer(&held, data) < 0) return NULL;
    if (start < 0 || end < start || end > held.size) {
        PyErr_SetString(PyExc_ValueError, "the document is outside the data");
    } else {
        bx_span at = {held.owner, held.data, held.data + start, end - start, 0};

        self = over(st, cls, &at, codec_options);
    }
    Py_DECREF(held.owner);
    return self;
}

/* ---- reading ---- */

/* Whether `at` is all of its owner. */
static bool is_whole(const bx_span *at)
{
    return at->size == PyBytes_GET_SIZE(at->owner);
}

/* Put bytes of their own under a document, unless another thread has replaced its parts. */
static void raw_narrow(bx_raw_document *self, const bx_span *from, PyObject *bytes)
{
    PyObject *old = NULL;

    Py_BEGIN_CRITICAL_SECTION(self);
    if (self->at.owner == from->owner && self->at.start == from->start &&
        self->at.size == from->size) {
        old = self->at.owner;
        self->at = alone(from, Py_NewRef(bytes));
    }
    Py_END_CRITICAL_SECTION();
    Py_XDECREF(old);
}

static PyObject *raw_get_raw(PyObject *self, void *Py_UNUSED(closure))
{
    held_parts parts;
    PyObject *bytes;

    if (raw_hold((bx_raw_document *)self, &parts, "_at") < 0) return NULL;
    if (is_whole(&parts.at)) {
        bytes = Py_NewRef(parts.at.owner);
    } else {
        /* From now on keep these bytes alone: those they came from may be many more. */
        bytes = PyBytes_FromStringAndSize((const char *)parts.at.start, parts.at.size);
        if (bytes != NULL) raw_narrow((bx_raw_document *)self, &parts.at, bytes);
    }
    raw_release(&parts);
    return bytes;
}

static PyObject *raw_get_options(PyObject *self, void *Py_UNUSED(closure))
{
    held_parts parts;
    PyObject *options;

    if (raw_hold((bx_raw_document *)self, &parts, "_options") < 0) return NULL;
    options = Py_NewRef(parts.options->codec_options);
    raw_release(&parts);
    return options;
}

/* One field: 1 and a new reference, 0 if there is none, -1 with an exception. */
static int raw_lookup(PyObject *self, PyObject *name, PyObject **value)
{
    held_parts parts;
    int found;

    if (raw_hold((bx_raw_document *)self, &parts, "_fields") < 0) return -1;
    found = parts.fields != NULL ? bx_dict_get(parts.fields, name, value)
                                 : bx_raw_get(parts.st, parts.options, &parts.at, name, value);
    raw_release(&parts);
    return found;
}

static PyObject *raw_subscript(PyObject *self, PyObject *name)
{
    PyObject *value, *args;
    int found = raw_lookup(self, name, &value);

    if (BX_LIKELY(found > 0)) return value;
    if (found == 0 && (args = PyTuple_Pack(1, name)) != NULL) {
        PyErr_SetObject(PyExc_KeyError, args);
        Py_DECREF(args);
    }
    return NULL;
}

/* raw_lookup through the __getitem__ of the class, where any KeyError says that there is none. */
static int raw_lookup_in_class(PyObject *self, PyObject *name, PyObject **value)
{
    int found;

    if (BX_LIKELY(Py_TYPE(self)->tp_as_mapping->mp_subscript == raw_subscript)) {
        found = raw_lookup(self, name, value);
    } else {
        *value = PyObject_GetItem(self, name);
        found = *value == NULL ? -1 : 1;
    }
    if (found >= 0 || !PyErr_ExceptionMatches(PyExc_KeyError)) return found;
    PyErr_Clear();
    return 0;
}

static int raw_contains(PyObject *self, PyObject *name)
{
    PyObject *value;
    int found = raw_lookup_in_class(self, name, &value);

    if (found > 0) Py_DECREF(value);
    return found;
}

static PyObject *raw_get(PyObject *self, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"key", "default", NULL};
    PyObject *name, *otherwise = Py_None, *value;
    int found;

    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O|O:get", names, &name, &otherwise)) {
        return NULL;
    }
    found = raw_lookup_in_class(self, name, &value);
    if (found == 0) return Py_NewRef(otherwise);
    return found > 0 ? value : NULL;
}

/* Keep the fields; those of another thread, which were first, stay. Takes the reference, gives the
 * one to use. */
static PyObject *raw_keep_fields(bx_raw_document *self, PyObject *fields)
{
    PyObject *spare = NULL;

    Py_BEGIN_CRITICAL_SECTION(self);
    if (self->fields == NULL) {
        self->fields = Py_NewRef(fields);
    } else {
        spare = fields;
        fields = Py_NewRef(self->fields);
    }
    Py_END_CRITICAL_SECTION();
    Py_XDECREF(spare);
    return fields;
}

static PyObject *raw_inflate(PyObject *self, PyObject *Py_UNUSED(ignored))
{
    held_parts parts;
    PyObject *fields;

    if (raw_hold((bx_raw_document *)self, &parts, "_fields") < 0) return NULL;
    if (parts.fields != NULL) {
        fields = Py_NewRef(parts.fields);
    } else {
        fields = bx_raw_elements(parts.st, parts.options, &parts.at);
        if (fields != NULL) fields = raw_keep_fields((bx_raw_document *)self, fields);
    }
    raw_release(&parts);
    return fields;
}

/* ---- for the encoder and the decoder ---- */

int bx_raw_is_native(bx_state *st, PyObject *document_class, PyObject *over_method)
{
    PyTypeObject *type = (PyTypeObject *)document_class;
    PyObject *own;
    bool same;

    if (over_method == NULL || !PyType_Check(document_class) ||
        !PyType_IsSubtype(type, st->RawDocument) || (type->tp_flags & Py_TPFLAGS_IS_ABSTRACT)) {
        return 0;
    }
    own = PyObject_GetAttr((PyObject *)st->RawDocument, st->s_over);
    if (own == NULL) return -1;
    same = PyMethod_Check(own) && PyMethod_Check(over_method) &&
           PyMethod_GET_FUNCTION(own) == PyMethod_GET_FUNCTION(over_method) &&
           PyMethod_GET_SELF(over_method) == document_class;
    Py_DECREF(own);
    return same;
}

/* Whether a subclass has the attribute `raw` of RawDocument; -1 with an exception. */
static int has_plain_raw(bx_state *st, PyTypeObject *type)
{
    PyObject *found, *own;
    bool same;

    if (type == st->RawBSONDocument) return 1;
    found = PyObject_GetAttr((PyObject *)type, st->s_raw);
    if (found == NULL) return -1;
    own = PyObject_GetAttr((PyObject *)st->RawDocument, st->s_raw);
    same = found == own;
    Py_DECREF(found);
    if (own == NULL) return -1;
    Py_DECREF(own);
    return same;
}

int bx_raw_bytes(bx_state *st, PyObject *document, bx_span *at)
{
    held_parts parts;
    int plain;

    if (!PyObject_TypeCheck(document, st->RawDocument)) return 0;
    plain = has_plain_raw(st, Py_TYPE(document));
    if (plain <= 0) return plain;
    if (raw_hold((bx_raw_document *)document, &parts, "_at") < 0) return -1;
    *at = parts.at;
    Py_INCREF(at->owner);
    raw_release(&parts);
    return 1;
}

/* ---- pickling ---- */

static PyObject *raw_getstate(PyObject *self, PyObject *Py_UNUSED(ignored))
{
    bx_state *st = bx_state_of_type(Py_TYPE(self));
    PyObject *bytes = st == NULL ? NULL : PyObject_GetAttr(self, st->s_raw);
    PyObject *options = bytes == NULL ? NULL : PyObject_GetAttr(self, st->s_raw_options);
    PyObject *state = options == NULL ? NULL : PyTuple_Pack(2, bytes, options);

    Py_XDECREF(bytes);
    Py_XDECREF(options);
    return state;
}

static PyObject *raw_setstate(PyObject *self, PyObject *state)
{
    bx_state *st = bx_state_of_type(Py_TYPE(self));
    PyObject *init = st == NULL ? NULL : PyObject_GetAttr(self, st->s_init);
    PyObject *args = init == NULL ? NULL : PySequence_Tuple(state);
    PyObject *result = args == NULL ? NULL : PyObject_Call(init, args, NULL);

    Py_XDECREF(init);
    Py_XDECREF(args);
    if (result == NULL) return NULL;
    Py_DECREF(result);
    Py_RETURN_NONE;
}

/* ---- the type ---- */

static int raw_traverse(PyObject *object, visitproc visit, void *arg)
{
    bx_raw_document *self = (bx_raw_document *)object;

    Py_VISIT(Py_TYPE(object));
    Py_VISIT(self->fields);
    Py_VISIT((PyObject *)self->options);
    return 0;
}

static int raw_clear(PyObject *object)
{
    bx_raw_document *self = (bx_raw_document *)object;

    Py_CLEAR(self->fields);
    Py_CLEAR(self->options);
    return 0;
}

static void raw_dealloc(PyObject *object)
{
    bx_raw_document *self = (bx_raw_document *)object;
    PyTypeObject *type = Py_TYPE(object);

    PyObject_GC_UnTrack(object);
    raw_clear(object);
    Py_CLEAR(self->at.owner);
    type->tp_free(object);
    Py_DECREF(type);
}

static PyMethodDef methods[] = {
    {"__getstate__", raw_getstate, METH_NOARGS, NULL},
    {"__setstate__", raw_setstate, METH_O, NULL},
    {"_inflate", raw_inflate, METH_NOARGS, "Return all fields, decoded once."},
    {"get", (PyCFunction)(void (*)(void))raw_get, METH_VARARGS | METH_KEYWORDS,
     "get($self, key, default=None)\n--\n\nReturn the field, or the default if there is none."},
    {NULL, NULL, 0, NULL},
};

static PyMethodDef over_method = {
    "_over", raw_over, METH_VARARGS,
    "Return the document between two positions of a buffer; ValueError if they lie outside."};

static PyGetSetDef properties[] = {
    {"raw", raw_get_raw, NULL, "The bytes of the document.", NULL},
    {"_options", raw_get_options, NULL, NULL, NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

static const char doc[] =
    "RawDocument(bson_bytes, codec_options=None)\n--\n\n"
    "The bytes of one document, somewhere in a buffer, and the options to read them with.\n\n"
    "``bson_bytes`` is bytes-like and holds exactly one document (InvalidBSON otherwise);\n"
    "``codec_options`` must have a raw document class (TypeError otherwise).";

static PyType_Slot slots[] = {
    {Py_tp_doc, (void *)doc},
    {Py_tp_init, raw_init},
    {Py_tp_dealloc, raw_dealloc},
    {Py_tp_traverse, raw_traverse},
    {Py_tp_clear, raw_clear},
    {Py_tp_methods, methods},
    {Py_tp_getset, properties},
    {Py_mp_subscript, raw_subscript},
    {Py_sq_contains, raw_contains},
    {0, NULL},
};

static PyType_Spec spec = {
    .name = "bsonx._impl.RawDocument",
    .basicsize = sizeof(bx_raw_document),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC,
    .slots = slots,
};

PyTypeObject *bx_raw_document_type(PyObject *module)
{
    PyTypeObject *type = (PyTypeObject *)PyType_FromModuleAndSpec(module, &spec, NULL);

    if (type != NULL && bx_add_classmethod(type, &over_method) < 0) Py_CLEAR(type);
    return type;
}
