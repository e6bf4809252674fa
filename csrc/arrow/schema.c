/* Schemas: of Arrow's structs tuples, and the reverse. */
#include "arrow/schema.h"

#include "arrow/column.h"

/* ---- reading ---- */

/* An int32 of the metadata, in this machine's byte order. */
static int32_t int_at(const char *p)
{
    int32_t v;

    memcpy(&v, p, 4);
    return v;
}

/* How long metadata are: a count, then for each pair two texts, each behind its size. They carry no
 * size of their own; -1 for what cannot be. */
static Py_ssize_t metadata_size(const char *p)
{
    int64_t size = 4;
    int32_t pairs = int_at(p);

    if (pairs < 0) return -1;
    for (int64_t i = 0; i < 2 * (int64_t)pairs; i++) {
        int32_t n = int_at(p + size);

        if (n < 0) return -1;
        size += 4 + (int64_t)n;
        if (size > INT32_MAX) return -1;
    }
    return (Py_ssize_t)size;
}

static PyObject *metadata_of(bx_state *st, const struct ArrowSchema *schema)
{
    Py_ssize_t size;

    if (schema->metadata == NULL) Py_RETURN_NONE;
    size = metadata_size(schema->metadata);
    if (size < 0) {
        bx_arrow_error(st, Py_None, Py_None, PyUnicode_FromString("a schema has broken metadata"));
        return NULL;
    }
    return PyBytes_FromStringAndSize(schema->metadata, size);
}

static PyObject *refuse(bx_state *st, const char *text)
{
    bx_arrow_error(st, Py_None, Py_None, PyUnicode_FromString(text));
    return NULL;
}

static PyObject *field_of(bx_state *st, const struct ArrowSchema *schema, int depth);

static PyObject *children_of(bx_state *st, const struct ArrowSchema *schema, int depth)
{
    PyObject *children = PyTuple_New((Py_ssize_t)schema->n_children);

    for (int64_t i = 0; children != NULL && i < schema->n_children; i++) {
        const struct ArrowSchema *child = schema->children[i];
        PyObject *field = child == NULL ? refuse(st, "a schema lacks a field")
                                        : field_of(st, child, depth + 1);

        if (field == NULL) {
            Py_CLEAR(children);
        } else {
            PyTuple_SET_ITEM(children, (Py_ssize_t)i, field);
        }
    }
    return children;
}

static PyObject *field_of(bx_state *st, const struct ArrowSchema *schema, int depth)
{
    PyObject *metadata, *children, *dictionary;

    if (schema->release == NULL || schema->format == NULL) {
        return refuse(st, "the schema has been released");
    }
    if (depth > BX_ARROW_DEPTH) return refuse(st, "the schema is nested too deep");
    if (schema->n_children < 0 || schema->n_children > INT32_MAX / 64 ||
        (schema->n_children > 0 && schema->children == NULL)) {
        return refuse(st, "the number of fields of a schema cannot be");
    }
    metadata = metadata_of(st, schema);
    children = metadata == NULL ? NULL : children_of(st, schema, depth);
    if (children == NULL) {
        Py_XDECREF(metadata);
        return NULL;
    }
    dictionary = schema->dictionary == NULL ? Py_NewRef(Py_None)
                                            : field_of(st, schema->dictionary, depth + 1);
    if (dictionary == NULL) {
        Py_DECREF(metadata);
        Py_DECREF(children);
        return NULL;
    }
    return Py_BuildValue("ssNLNN", schema->format, schema->name == NULL ? "" : schema->name,
                         metadata, (long long)schema->flags, children, dictionary);
}

PyObject *bx_arrow_fields(bx_state *st, const struct ArrowSchema *schema)
{
    PyObject *field = field_of(st, schema, 0);

    if (field == NULL && PyErr_ExceptionMatches(PyExc_UnicodeDecodeError)) {
        PyErr_Clear();
        return refuse(st, "a name of the schema is not UTF-8");
    }
    return field;
}

PyObject *bx_arrow_fields_of_capsule(bx_state *st, PyObject *capsule)
{
    const struct ArrowSchema *schema = PyCapsule_GetPointer(capsule, BX_ARROW_SCHEMA);

    return schema == NULL ? NULL : bx_arrow_fields(st, schema);
}

/* ---- writing ---- */

/* What one schema owns beside its children. */
typedef struct {
    char *format, *name, *metadata;
} owned;

/* Children may have been moved elsewhere; what is left of them is released. Needs no
 * interpreter. */
static void release(struct ArrowSchema *schema)
{
    owned *own = schema->private_data;

    for (int64_t i = 0; i < schema->n_children; i++) {
        if (schema->children[i] == NULL) continue;
        if (schema->children[i]->release != NULL) schema->children[i]->release(schema->children[i]);
        PyMem_RawFree(schema->children[i]);
    }
    if (schema->dictionary != NULL) {
        if (schema->dictionary->release != NULL) schema->dictionary->release(schema->dictionary);
        PyMem_RawFree(schema->dictionary);
    }
    PyMem_RawFree(schema->children);
    if (own != NULL) {
        PyMem_RawFree(own->format);
        PyMem_RawFree(own->name);
        PyMem_RawFree(own->metadata);
        PyMem_RawFree(own);
    }
    schema->release = NULL;
}

static char *copy(const char *from, size_t size)
{
    char *to = PyMem_RawMalloc(size);

    if (to != NULL) memcpy(to, from, size);
    return to;
}

/* The texts of one schema. -1 without an exception if memory is short. */
static int fill_texts(struct ArrowSchema *out, const char *format, const char *name,
                      const char *metadata, Py_ssize_t size)
{
    owned *own = out->private_data = PyMem_RawCalloc(1, sizeof(owned));

    if (own == NULL) return -1;
    out->format = own->format = copy(format, strlen(format) + 1);
    out->name = own->name = copy(name, strlen(name) + 1);
    out->metadata = own->metadata = metadata == NULL ? NULL : copy(metadata, (size_t)size);
    return own->format == NULL || own->name == NULL || (metadata != NULL && own->metadata == NULL)
               ? -1
               : 0;
}

static int fill(PyObject *field, struct ArrowSchema *out, int depth);

static struct ArrowSchema *new_child(PyObject *field, int depth)
{
    struct ArrowSchema *child = PyMem_RawCalloc(1, sizeof(struct ArrowSchema));

    if (child == NULL) {
        PyErr_NoMemory();
    } else if (fill(field, child, depth) < 0) {
        PyMem_RawFree(child);
        child = NULL;
    }
    return child;
}

static int fill_children(PyObject *children, PyObject *dictionary, struct ArrowSchema *out,
                         int depth)
{
    Py_ssize_t n = PyTuple_GET_SIZE(children);

    if (n > 0) {
        out->children = PyMem_RawCalloc((size_t)n, sizeof(struct ArrowSchema *));
        if (out->children == NULL) {
            PyErr_NoMemory();
            return -1;
        }
    }
    for (Py_ssize_t i = 0; i < n; i++) {
        out->children[i] = new_child(PyTuple_GET_ITEM(children, i), depth + 1);
        if (out->children[i] == NULL) return -1;
        out->n_children = i + 1;
    }
    if (dictionary == Py_None) return 0;
    out->dictionary = new_child(dictionary, depth + 1);
    return out->dictionary == NULL ? -1 : 0;
}

/* Whatever happens, `out` is whole or empty. */
static int fill(PyObject *field, struct ArrowSchema *out, int depth)
{
    const char *format, *name, *metadata;
    Py_ssize_t size;
    long long flags;
    PyObject *children, *dictionary;

    memset(out, 0, sizeof(*out));
    if (!PyTuple_Check(field) || depth > BX_ARROW_DEPTH) {
        PyErr_SetString(PyExc_ValueError, "not a field of a schema");
        return -1;
    }
    if (!PyArg_ParseTuple(field, "ssz#LO!O", &format, &name, &metadata, &size, &flags,
                          &PyTuple_Type, &children, &dictionary)) {
        return -1;
    }
    out->flags = flags;
    out->release = release;
    if (fill_texts(out, format, name, metadata, size) < 0) {
        PyErr_NoMemory();
    } else if (fill_children(children, dictionary, out, depth) == 0) {
        return 0;
    }
    release(out);
    return -1;
}

int bx_arrow_fill_schema(PyObject *field, struct ArrowSchema *out)
{
    return fill(field, out, 0);
}

static void drop_capsule(PyObject *capsule)
{
    struct ArrowSchema *schema = PyCapsule_GetPointer(capsule, BX_ARROW_SCHEMA);

    if (schema == NULL) {
        PyErr_Clear();
        return;
    }
    if (schema->release != NULL) schema->release(schema);
    PyMem_RawFree(schema);
}

PyObject *bx_arrow_schema_capsule(PyObject *field)
{
    struct ArrowSchema *schema = new_child(field, 0);
    PyObject *capsule;

    if (schema == NULL) return NULL;
    capsule = PyCapsule_New(schema, BX_ARROW_SCHEMA, drop_capsule);
    if (capsule == NULL) {
        schema->release(schema);
        PyMem_RawFree(schema);
    }
    return capsule;
}
