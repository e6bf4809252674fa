/* Statements of encoded documents. */
#include "core/statements.h"

#include "core/skip.h"
#include "core/writer.h"

/* One name of a key, and what a document has there. */
typedef struct {
    const char *name; /* with dots */
    size_t size;
    bool is_id;
    bx_element found;
} part;

typedef struct {
    bx_writer w;
    bx_statement_kind kind;
    part *parts;
    size_t count;
    const uint8_t *start, *end; /* the document's elements */
} maker;

#define NO_KEY "the record has no '%s'"
#define ARRAY_KEY "the key '%s' must not be an array"
#define NULL_KEY "the key '%s' must not be null"
#define HAS_ID "the record has an _id"
#define OPERATORS "names of fields that begin with $ would be taken for operators"

/* ---- finding keys ---- */

BX_INLINE size_t name_size(const bx_element *element)
{
    return (size_t)(element->value - element->name) - 1;
}

static bool has_name(const bx_element *element, const char *name, size_t size)
{
    return name_size(element) == size && memcmp(element->name, name, size) == 0;
}

/* The element at the end of a path, within elements. */
static bool find(const uint8_t *p, const uint8_t *end, const char *path, size_t size,
                 bx_element *out)
{
    const char *dot = memchr(path, '.', size);
    size_t n = dot == NULL ? size : (size_t)(dot - path);

    for (; p < end; p = out->next) {
        if (bx_skip(p, end, out) != BX_SKIP_OK) return false;
        if (!has_name(out, path, n)) continue;
        if (dot == NULL) return true;
        if (*out->element != BX_DOCUMENT || out->next - out->value < 5) return false;
        return find(out->value + 4, out->next - 1, dot + 1, size - n - 1, out);
    }
    return false;
}

/* NULL, or what is wrong with the document's key; `*at` is the part of it. */
static const char *find_key(maker *m, part **at)
{
    for (size_t i = 0; i < m->count; i++) {
        part *p = *at = &m->parts[i];

        if (!find(m->start, m->end, p->name, p->size, &p->found)) return NO_KEY;
        if (m->kind == BX_AS_ID) continue;
        /* A query for these would find other documents as well. */
        if (*p->found.element == BX_ARRAY) return ARRAY_KEY;
        if (*p->found.element == BX_NULL && !p->is_id) return NULL_KEY;
    }
    return NULL;
}

static uint32_t hash_bytes(uint32_t hash, const uint8_t *data, size_t size)
{
    for (size_t i = 0; i < size; i++) hash = (hash ^ data[i]) * 16777619u;
    return hash;
}

/* Numbers that are equal are hashed alike, whatever their type. */
static uint32_t hash_value(uint32_t hash, const bx_element *element)
{
    uint8_t type = *element->element;
    uint8_t bytes[9] = {BX_INT64};
    double number;

    if (type == BX_INT32) {
        bx_store64(bytes + 1, (uint64_t)(int64_t)(int32_t)bx_load32(element->value));
        return hash_bytes(hash, bytes, 9);
    }
    if (type == BX_DOUBLE) {
        number = bx_load_double(element->value);
        if (number >= -9.2e18 && number <= 9.2e18 && number == (double)(int64_t)number) {
            bx_store64(bytes + 1, (uint64_t)(int64_t)number);
            return hash_bytes(hash, bytes, 9);
        }
    }
    hash = hash_bytes(hash, &type, 1);
    return hash_bytes(hash, element->value, (size_t)(element->next - element->value));
}

static uint32_t group(const maker *m)
{
    uint32_t hash = 2166136261u;

    for (size_t i = 0; i < m->count; i++) hash = hash_value(hash, &m->parts[i].found);
    return hash;
}

/* ---- writing ---- */

static int put(bx_writer *w, const void *data, size_t size)
{
    if (bx_writer_reserve(w, size) < 0) return -1;
    bx_put_bytes(w, data, size);
    return 0;
}

/* Type and name of an element. */
static int put_name(bx_writer *w, uint8_t type, const void *name, size_t size)
{
    if (bx_writer_reserve(w, size + 2) < 0) return -1;
    bx_put_u8(w, type);
    bx_put_bytes(w, name, size);
    bx_put_u8(w, 0);
    return 0;
}

/* Begin a document: where its size goes, -1 with an exception. */
static Py_ssize_t open_document(bx_writer *w)
{
    return bx_writer_reserve(w, 4) < 0 ? -1 : (Py_ssize_t)bx_put_size_later(w);
}

/* Begin a document or an array that is an element. */
static Py_ssize_t open_element(bx_writer *w, uint8_t type, const char *name)
{
    return put_name(w, type, name, strlen(name)) < 0 ? -1 : open_document(w);
}

static int close_document(bx_writer *w, Py_ssize_t at)
{
    if (at < 0 || bx_writer_reserve(w, 1) < 0) return -1;
    bx_put_u8(w, 0);
    bx_patch_u32(w, (size_t)at, (uint32_t)(bx_writer_size(w) - (size_t)at));
    return 0;
}

static int put_value_of(bx_writer *w, const bx_element *from, const void *name, size_t size)
{
    if (put_name(w, *from->element, name, size) < 0) return -1;
    return put(w, from->value, (size_t)(from->next - from->value));
}

static int put_text(bx_writer *w, const char *name, const char *text)
{
    size_t size = strlen(text);

    if (put_name(w, BX_STRING, name, strlen(name)) < 0) return -1;
    if (bx_writer_reserve(w, size + 5) < 0) return -1;
    bx_put_u32(w, (uint32_t)size + 1);
    bx_put_bytes(w, text, size + 1);
    return 0;
}

/* One part of the key, as a query finds what is equal to it. */
static int put_part(bx_writer *w, const part *p)
{
    uint8_t type = *p->found.element;
    Py_ssize_t at;

    if (type != BX_DOCUMENT && type != BX_REGEX) {
        return put_value_of(w, &p->found, p->name, p->size);
    }
    if (put_name(w, BX_DOCUMENT, p->name, p->size) < 0 || (at = open_document(w)) < 0) return -1;
    return put_value_of(w, &p->found, "$eq", 3) < 0 ? -1 : close_document(w, at);
}

static int put_query(maker *m)
{
    Py_ssize_t at = open_element(&m->w, BX_DOCUMENT, "q");

    for (size_t i = 0; at >= 0 && i < m->count; i++) {
        if (put_part(&m->w, &m->parts[i]) < 0) return -1;
    }
    return close_document(&m->w, at);
}

static bool is_key(const maker *m, const bx_element *element)
{
    for (size_t i = 0; i < m->count; i++) {
        if (has_name(element, m->parts[i].name, m->parts[i].size)) return true;
    }
    return false;
}

/* The document's elements but those of the key. */
static int put_others(maker *m)
{
    bx_element element;

    for (const uint8_t *p = m->start; p < m->end; p = element.next) {
        if (bx_skip(p, m->end, &element) != BX_SKIP_OK) break;
        if (is_key(m, &element)) continue;
        if (put(&m->w, p, (size_t)(element.next - p)) < 0) return -1;
    }
    return 0;
}

/* What an update of fields must know of the document. */
typedef struct {
    bool any; /* fields beside the key */
    bool odd; /* names that $set would take for something else */
} others;

static others look_at_others(const maker *m)
{
    others found = {false, false};
    bx_element element;

    for (const uint8_t *p = m->start; p < m->end; p = element.next) {
        if (bx_skip(p, m->end, &element) != BX_SKIP_OK) break;
        if (is_key(m, &element)) continue;
        found.any = true;
        if (*element.name == '$' || memchr(element.name, '.', name_size(&element)) != NULL) {
            found.odd = true;
        }
    }
    return found;
}

/* u: {$set: {...}} */
static int put_set(maker *m)
{
    bx_writer *w = &m->w;
    Py_ssize_t outer = open_element(w, BX_DOCUMENT, "u");
    Py_ssize_t inner = outer < 0 ? -1 : open_element(w, BX_DOCUMENT, "$set");

    if (inner < 0 || put_others(m) < 0 || close_document(w, inner) < 0) return -1;
    return close_document(w, outer);
}

/* u: {$setOnInsert: {key}}, where there is nothing to set. */
static int put_key_alone(maker *m)
{
    bx_writer *w = &m->w;
    Py_ssize_t outer = open_element(w, BX_DOCUMENT, "u");
    Py_ssize_t inner = outer < 0 ? -1 : open_element(w, BX_DOCUMENT, "$setOnInsert");

    for (size_t i = 0; inner >= 0 && i < m->count; i++) {
        if (put_value_of(w, &m->parts[i].found, m->parts[i].name, m->parts[i].size) < 0) return -1;
    }
    return inner < 0 || close_document(w, inner) < 0 ? -1 : close_document(w, outer);
}

/* u: [{$replaceWith: {$mergeObjects: ["$$ROOT", {$literal: {...}}]}}] */
static int put_pipeline(maker *m)
{
    bx_writer *w = &m->w;
    Py_ssize_t stages, stage, with, objects, literal, fields;

    if ((stages = open_element(w, BX_ARRAY, "u")) < 0 ||
        (stage = open_element(w, BX_DOCUMENT, "0")) < 0 ||
        (with = open_element(w, BX_DOCUMENT, "$replaceWith")) < 0 ||
        (objects = open_element(w, BX_ARRAY, "$mergeObjects")) < 0 ||
        put_text(w, "0", "$$ROOT") < 0 || (literal = open_element(w, BX_DOCUMENT, "1")) < 0 ||
        (fields = open_element(w, BX_DOCUMENT, "$literal")) < 0 || put_others(m) < 0) {
        return -1;
    }
    if (close_document(w, fields) < 0 || close_document(w, literal) < 0 ||
        close_document(w, objects) < 0 || close_document(w, with) < 0 ||
        close_document(w, stage) < 0) {
        return -1;
    }
    return close_document(w, stages);
}

static int put_merge(maker *m)
{
    others found = look_at_others(m);

    if (!found.any) return put_key_alone(m);
    return found.odd ? put_pipeline(m) : put_set(m);
}

static int put_whole(maker *m)
{
    const uint8_t *document = m->start - 4;

    if (put_name(&m->w, BX_DOCUMENT, "u", 1) < 0) return -1;
    return put(&m->w, document, (size_t)(m->end + 1 - document));
}

static int put_limit(maker *m)
{
    bool one = m->count == 1 && m->parts[0].is_id;

    if (put_name(&m->w, BX_INT32, "limit", 5) < 0 || bx_writer_reserve(&m->w, 4) < 0) return -1;
    bx_put_u32(&m->w, one ? 1 : 0);
    return 0;
}

static int put_statement(maker *m)
{
    Py_ssize_t at = open_document(&m->w);
    int status;

    if (at < 0 || put_query(m) < 0) return -1;
    status = m->kind == BX_DELETE  ? put_limit(m)
             : m->kind == BX_MERGE ? put_merge(m)
                                   : put_whole(m);
    if (status < 0) return -1;
    if (m->kind == BX_UPSERT || m->kind == BX_MERGE) {
        if (put_name(&m->w, BX_BOOL, "upsert", 6) < 0 || put(&m->w, "\1", 1) < 0) return -1;
    }
    return close_document(&m->w, at);
}

static int put_as_id(maker *m)
{
    Py_ssize_t at = open_document(&m->w);

    if (at < 0 || put_value_of(&m->w, &m->parts[0].found, "_id", 3) < 0) return -1;
    if (put_others(m) < 0) return -1;
    return close_document(&m->w, at);
}

/* ---- one document ---- */

static bool begins_with_dollar(const maker *m)
{
    bx_element element;

    for (const uint8_t *p = m->start; p < m->end; p = element.next) {
        if (bx_skip(p, m->end, &element) != BX_SKIP_OK) break;
        if (*element.name == '$') return true;
    }
    return false;
}

/* NULL, or what is wrong with a document. */
static const char *look(maker *m, part **at)
{
    bx_element id;
    const char *problem;

    if (m->kind == BX_AS_ID && find(m->start, m->end, "_id", 3, &id)) return HAS_ID;
    problem = find_key(m, at);
    if (problem != NULL) return problem;
    *at = NULL;
    if ((m->kind == BX_UPSERT || m->kind == BX_REPLACE) && begins_with_dollar(m)) return OPERATORS;
    return NULL;
}

static int reject(PyObject *rejects, Py_ssize_t index, const char *problem, const part *at)
{
    PyObject *text =
        at == NULL ? PyUnicode_FromString(problem) : PyUnicode_FromFormat(problem, at->name);
    PyObject *entry = text == NULL ? NULL : Py_BuildValue("nN", index, text);
    int status = entry == NULL ? -1 : PyList_Append(rejects, entry);

    Py_XDECREF(entry);
    return status;
}

/* ---- all of them ---- */

typedef struct {
    uint32_t *ends, *groups;
    size_t count;
} output;

static int make_one(maker *m, output *out, PyObject *rejects, Py_ssize_t index)
{
    part *at = NULL;
    const char *problem = look(m, &at);

    if (problem != NULL) return reject(rejects, index, problem, at);
    if (m->kind == BX_AS_ID && put_as_id(m) < 0) return -1;
    if (m->kind != BX_AS_ID && m->kind != BX_GROUP && put_statement(m) < 0) return -1;
    out->groups[out->count] = group(m);
    out->ends[out->count++] = (uint32_t)bx_writer_size(&m->w);
    return 0;
}

static int make_all(maker *m, output *out, PyObject *rejects, PyObject *data, PyObject *ends)
{
    const uint8_t *base = (const uint8_t *)PyBytes_AS_STRING(data);
    const char *table = PyBytes_AS_STRING(ends);
    Py_ssize_t count = PyBytes_GET_SIZE(ends) / (Py_ssize_t)sizeof(uint32_t);
    uint32_t start = 0, end;

    for (Py_ssize_t i = 0; i < count; i++, start = end) {
        memcpy(&end, table + (size_t)i * sizeof end, sizeof end);
        if (end > (size_t)PyBytes_GET_SIZE(data) || end < start || end - start < 5) {
            PyErr_SetString(PyExc_ValueError, "the ends do not fit the data");
            return -1;
        }
        m->start = base + start + 4;
        m->end = base + end - 1;
        if (make_one(m, out, rejects, i) < 0) return -1;
    }
    return 0;
}

static part *read_parts(PyObject *keys)
{
    Py_ssize_t count = PyTuple_GET_SIZE(keys);
    part *parts = PyMem_Calloc((size_t)(count ? count : 1), sizeof *parts);

    if (parts == NULL) {
        PyErr_NoMemory();
        return NULL;
    }
    for (Py_ssize_t i = 0; i < count; i++) {
        Py_ssize_t size;

        parts[i].name = PyUnicode_AsUTF8AndSize(PyTuple_GET_ITEM(keys, i), &size);
        if (parts[i].name == NULL) {
            PyMem_Free(parts);
            return NULL;
        }
        parts[i].size = (size_t)size;
        parts[i].is_id = size == 3 && memcmp(parts[i].name, "_id", 3) == 0;
    }
    return parts;
}

static PyObject *numbers(const uint32_t *array, size_t count)
{
    return PyBytes_FromStringAndSize((const char *)array, (Py_ssize_t)(count * sizeof *array));
}

static PyObject *finish(maker *m, const output *out, PyObject *rejects)
{
    PyObject *ends = numbers(out->ends, out->count), *groups = numbers(out->groups, out->count);
    PyObject *statements = bx_writer_finish(&m->w), *result = NULL;

    if (ends != NULL && groups != NULL && statements != NULL) {
        result = PyTuple_Pack(4, statements, ends, groups, rejects);
    }
    Py_XDECREF(ends);
    Py_XDECREF(groups);
    Py_XDECREF(statements);
    return result;
}

PyObject *bx_encode_statements(bx_state *st, PyObject *data, PyObject *ends, int kind,
                               PyObject *keys)
{
    maker m = {.kind = (bx_statement_kind)kind, .count = (size_t)PyTuple_GET_SIZE(keys)};
    size_t room = (size_t)PyBytes_GET_SIZE(ends);
    output out = {PyMem_Malloc(room + 1), PyMem_Malloc(room + 1), 0};
    PyObject *rejects = PyList_New(0), *result = NULL;

    bx_writer_init(&m.w, st->InvalidDocument);
    m.parts = read_parts(keys);
    if (out.ends == NULL || out.groups == NULL) {
        PyErr_NoMemory();
    } else if (rejects != NULL && m.parts != NULL &&
               make_all(&m, &out, rejects, data, ends) == 0) {
        result = finish(&m, &out, rejects);
    }
    bx_writer_abandon(&m.w);
    Py_XDECREF(rejects);
    PyMem_Free(m.parts);
    PyMem_Free(out.ends);
    PyMem_Free(out.groups);
    return result;
}
