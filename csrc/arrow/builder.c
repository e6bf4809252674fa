/* Columns built of BSON documents. */
#include "arrow/builder.h"

#include "core/atomics.h"
#include "core/errors.h"
#include "core/skip.h"
#include "core/take.h"
#include "core/utf8.h"

struct bx_arrow_builder {
    bx_state *st;
    PyObject *plan;
    bx_builder root;
    int64_t rows;   /* of all that was finished before */
    int64_t size;   /* bytes of BSON since */
    bool strict, lenient;
    int busy;       /* somebody is in here */
    bool failed;    /* an exception has left columns of different lengths */
    const bx_builder *bad; /* the column of a value that cannot be put */
    uint8_t bad_type;
    const uint8_t *unknown; /* or the name of a field that has no column; its size */
    size_t unknown_size;
    PyObject *unknown_in;
};

/* ---- memory ---- */

int bx_memory_grow(bx_memory *m, size_t more)
{
    size_t room = m->p == NULL ? m->before + m->before / 16 : 2 * m->room;
    uint8_t *p;

    if (more > PY_SSIZE_T_MAX / 4 || m->size > PY_SSIZE_T_MAX / 4) {
        PyErr_NoMemory();
        return -1;
    }
    if (room < 64) room = 64;
    if (room < m->size + more) room = m->size + more;
    p = PyMem_RawRealloc(m->p, room);
    if (p == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    m->p = p;
    m->room = room;
    return 0;
}

static void memory_free(bx_memory *m)
{
    PyMem_RawFree(m->p);
    memset(m, 0, sizeof(*m));
}

/* ---- plans ---- */

static void clear(bx_builder *c)
{
    for (int i = 0; i < c->n_children; i++) clear(&c->children[i]);
    PyMem_Free(c->children);
    memory_free(&c->validity);
    memory_free(&c->values);
    memory_free(&c->data);
}

static bool has_offsets(const bx_builder *c)
{
    return c->kind == BX_A_TEXT || c->kind == BX_A_BINARY || c->kind == BX_A_LIST ||
           c->kind == BX_A_MAP;
}

/* Empty it: offsets begin with a zero. */
static int begin(bx_builder *c)
{
    c->length = c->nulls = 0;
    c->expected = 0;
    if (has_offsets(c)) {
        if (bx_memory_reserve(&c->values, 8) < 0) return -1;
        memset(c->values.p, 0, 8);
        c->values.size = c->a == 64 ? 8 : 4;
    }
    for (int i = 0; i < c->n_children; i++) {
        if (begin(&c->children[i]) < 0) return -1;
    }
    return 0;
}

/* A column of a plan that was checked (bx_column_new). */
static int fill(bx_builder *c, const bx_column *plan)
{
    c->kind = plan->kind;
    c->a = plan->a;
    c->b = plan->b;
    c->name = plan->name;
    c->name_size = plan->name_size;
    c->path = plan->path;
    if (plan->n_children == 0) return 0;
    c->children = PyMem_Calloc((size_t)plan->n_children, sizeof(bx_builder));
    if (c->children == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    c->n_children = plan->n_children;
    for (int i = 0; i < plan->n_children; i++) {
        if (fill(&c->children[i], &plan->children[i]) < 0) return -1;
    }
    return 0;
}

bx_arrow_builder *bx_arrow_builder_new(bx_state *st, PyObject *plan, bool strict, bool lenient)
{
    bx_column *column = bx_column_new(plan);
    bx_arrow_builder *b = column == NULL ? NULL : PyMem_Calloc(1, sizeof(bx_arrow_builder));

    if (b != NULL) {
        b->st = st;
        b->strict = strict;
        b->lenient = lenient;
        b->plan = Py_NewRef(plan);
        if (bx_bind(st) < 0 || fill(&b->root, column) < 0 || begin(&b->root) < 0) {
            bx_arrow_builder_free(b);
            b = NULL;
        }
    } else if (column != NULL) {
        PyErr_NoMemory();
    }
    bx_column_free(column);
    return b;
}

void bx_arrow_builder_free(bx_arrow_builder *b)
{
    if (b == NULL) return;
    clear(&b->root);
    Py_XDECREF(b->plan);
    PyMem_Free(b);
}

int64_t bx_arrow_builder_rows(const bx_arrow_builder *b)
{
    return b->root.length;
}

int64_t bx_arrow_builder_size(const bx_arrow_builder *b)
{
    return b->size;
}

/* ---- nulls ---- */

/* Say of `n` values behind the others whether they are there. */
static int say(bx_builder *c, bool there, int64_t n)
{
    size_t size = (size_t)((c->length + n + 7) / 8);

    if (c->validity.size == 0 && there) return 0;
    if (c->validity.size < size) {
        /* Of those before, if nothing was said, all are there. */
        uint8_t fill_with = c->validity.size == 0 ? 0xFF : 0;
        size_t before = c->validity.size;

        if (bx_memory_reserve(&c->validity, size - before) < 0) return -1;
        memset(c->validity.p + before, 0, size - before);
        if (fill_with && c->length > 0) {
            memset(c->validity.p, 0xFF, (size_t)(c->length / 8));
            if (c->length % 8) c->validity.p[c->length / 8] = (uint8_t)((1 << c->length % 8) - 1);
        }
        c->validity.size = size;
    }
    if (there) {
        for (int64_t i = c->length; i < c->length + n; i++) {
            c->validity.p[i >> 3] |= (uint8_t)(1 << (i & 7));
        }
    } else {
        c->nulls += n;
    }
    return 0;
}

/* `n` nulls. Columns within a document get theirs when they are wanted or at the end. */
static int put_nulls(bx_builder *c, int64_t n)
{
    if (n <= 0) return 0;
    if (c->kind == BX_A_NULL) {
        c->nulls += n;
        c->length += n;
        return 0;
    }
    if (say(c, false, n) < 0 || bx_build_zeros(c, n) < 0) return -1;
    c->length += n;
    if (c->kind == BX_A_FIXED_LIST) {
        return put_nulls(&c->children[0], c->length * c->a - c->children[0].length);
    }
    return 0;
}

/* Bring a column to a length. */
BX_INLINE int pad(bx_builder *c, int64_t length)
{
    return BX_LIKELY(c->length >= length) ? 0 : put_nulls(c, length - c->length);
}

/* ---- values ---- */

static int put_value(bx_arrow_builder *b, bx_builder *c, uint8_t type, const uint8_t *v,
                     const uint8_t *next);

/* The column of a field: mostly the one behind that of the field before. */
BX_INLINE bx_builder *find(bx_builder *c, const uint8_t *name, size_t size)
{
    int n = c->n_children;

    for (int i = 0, k = c->expected; i < n; i++, k++) {
        bx_builder *child;

        if (k >= n) k -= n;
        child = &c->children[k];
        if (child->name_size == size && memcmp(child->name, name, size) == 0) {
            c->expected = k + 1;
            return child;
        }
    }
    return NULL;
}

static int put_fields(bx_arrow_builder *b, bx_builder *c, const uint8_t *p, const uint8_t *last)
{
    c->expected = 0;
    while (p < last) {
        bx_element element;
        bx_builder *child;
        int status;

        if (BX_UNLIKELY(bx_skip(p, last, &element) != BX_SKIP_OK)) return BX_BUILD_BROKEN;
        p = element.next;
        child = find(c, element.name, (size_t)(element.value - element.name));
        if (child == NULL) {
            if (!b->strict) continue;
            b->unknown = element.name;
            b->unknown_size = (size_t)(element.value - element.name) - 1;
            b->unknown_in = c->path;
            return BX_BUILD_MISFIT;
        }
        /* Of two of one name the first counts. */
        if (BX_UNLIKELY(child->length > c->length)) continue;
        if (pad(child, c->length) < 0) return BX_BUILD_EXCEPTION;
        status = put_value(b, child, *element.element, element.value, element.next);
        if (status < 0) return status;
    }
    return BX_BUILD_OK;
}

static int put_struct(bx_arrow_builder *b, bx_builder *c, const uint8_t *v, const uint8_t *next)
{
    const uint8_t *last;
    const uint8_t *p = bx_take_document(&v, next, &last);

    return p == NULL ? BX_BUILD_BROKEN : put_fields(b, c, p + 4, last);
}

static int put_offset(bx_builder *c, int64_t offset)
{
    size_t width = c->a == 64 ? 8 : 4;
    int32_t short_offset = (int32_t)offset;

    if (width == 4 && short_offset != offset) {
        PyErr_SetString(PyExc_OverflowError,
                        "one column has too many values for lists that are not large");
        return BX_BUILD_EXCEPTION;
    }
    if (bx_memory_reserve(&c->values, width) < 0) return BX_BUILD_EXCEPTION;
    memcpy(c->values.p + c->values.size, width == 8 ? (const void *)&offset : &short_offset, width);
    c->values.size += width;
    return BX_BUILD_OK;
}

/* How many elements there are; -1 for broken ones. */
static int64_t count_elements(const uint8_t *p, const uint8_t *last)
{
    bx_element element;
    int64_t n = 0;

    for (; p < last; p = element.next, n++) {
        if (bx_skip(p, last, &element) != BX_SKIP_OK) return -1;
    }
    return n;
}

static int put_list(bx_arrow_builder *b, bx_builder *c, const uint8_t *v, const uint8_t *next)
{
    const uint8_t *last;
    const uint8_t *p = bx_take_document(&v, next, &last);
    bx_element element;

    if (p == NULL) return BX_BUILD_BROKEN;
    p += 4;
    if (c->kind == BX_A_FIXED_LIST) {
        int64_t n = count_elements(p, last);

        if (n != c->a) return n < 0 ? BX_BUILD_BROKEN : BX_BUILD_MISFIT;
    }
    for (; p < last; p = element.next) {
        int status;

        if (BX_UNLIKELY(bx_skip(p, last, &element) != BX_SKIP_OK)) return BX_BUILD_BROKEN;
        status = put_value(b, &c->children[0], *p, element.value, element.next);
        if (status < 0) return status;
    }
    return c->kind == BX_A_FIXED_LIST ? BX_BUILD_OK : put_offset(c, c->children[0].length);
}

static int put_map(bx_arrow_builder *b, bx_builder *c, const uint8_t *v, const uint8_t *next)
{
    bx_builder *pairs = &c->children[0];
    const uint8_t *last;
    const uint8_t *p = bx_take_document(&v, next, &last);
    bx_element element;

    if (p == NULL) return BX_BUILD_BROKEN;
    for (p += 4; p < last; p = element.next) {
        bx_builder *keys = &pairs->children[0];
        size_t size;
        int status;

        if (BX_UNLIKELY(bx_skip(p, last, &element) != BX_SKIP_OK)) return BX_BUILD_BROKEN;
        size = (size_t)(element.value - element.name) - 1;
        if (!bx_is_text(element.name, size)) return BX_BUILD_BROKEN;
        if (bx_memory_reserve(&keys->data, size + 1) < 0) return BX_BUILD_EXCEPTION;
        memcpy(keys->data.p + keys->data.size, element.name, size);
        keys->data.size += size;
        if (put_offset(keys, (int64_t)keys->data.size) < 0) return BX_BUILD_EXCEPTION;
        keys->length++;
        status = put_value(b, &pairs->children[1], *p, element.value, element.next);
        if (status < 0) return status;
        pairs->length++;
    }
    return put_offset(c, pairs->length);
}

/* A value that is not null. */
BX_INLINE int put_known(bx_arrow_builder *b, bx_builder *c, uint8_t type, const uint8_t *v,
                        const uint8_t *next)
{
    switch (c->kind) {
    case BX_A_STRUCT: return type == BX_DOCUMENT ? put_struct(b, c, v, next) : BX_BUILD_MISFIT;
    case BX_A_MAP: return type == BX_DOCUMENT ? put_map(b, c, v, next) : BX_BUILD_MISFIT;
    case BX_A_LIST:
    case BX_A_FIXED_LIST: return type == BX_ARRAY ? put_list(b, c, v, next) : BX_BUILD_MISFIT;
    default: return bx_build_value(c, type, v, next);
    }
}

static int put_value(bx_arrow_builder *b, bx_builder *c, uint8_t type, const uint8_t *v,
                     const uint8_t *next)
{
    int status;

    if (type == BX_NULL || type == BX_UNDEFINED) return put_nulls(c, 1);
    status = put_known(b, c, type, v, next);
    if (BX_UNLIKELY(status < 0)) {
        if (status != BX_BUILD_MISFIT || b->bad != NULL || b->unknown != NULL) return status;
        if (b->lenient) return put_nulls(c, 1);
        b->bad = c;
        b->bad_type = type;
        return status;
    }
    if (c->validity.size > 0 && say(c, true, 1) < 0) return BX_BUILD_EXCEPTION;
    c->length++;
    return BX_BUILD_OK;
}

/* ---- errors ---- */

static const char *name_of_type(uint8_t type)
{
    static const char *const names[] = {
        [BX_DOUBLE] = "a double", [BX_STRING] = "a string", [BX_DOCUMENT] = "a document",
        [BX_ARRAY] = "an array", [BX_BINARY] = "binary data", [BX_OBJECTID] = "an ObjectId",
        [BX_BOOL] = "a bool", [BX_DATETIME] = "a date", [BX_REGEX] = "a regular expression",
        [BX_DBPOINTER] = "a DBPointer", [BX_CODE] = "code", [BX_SYMBOL] = "a symbol",
        [BX_CODE_W_SCOPE] = "code with scope", [BX_INT32] = "an int32",
        [BX_TIMESTAMP] = "a timestamp", [BX_INT64] = "an int64", [BX_DECIMAL128] = "a decimal",
    };

    if (type == BX_MINKEY) return "MinKey";
    return type < sizeof(names) / sizeof(names[0]) && names[type] != NULL ? names[type] : "MaxKey";
}

static PyObject *path_of_unknown(bx_arrow_builder *b)
{
    PyObject *name = bx_text(b->unknown, (Py_ssize_t)b->unknown_size, "replace");
    PyObject *path = NULL;

    if (name == NULL) return NULL;
    path = PyUnicode_GET_LENGTH(b->unknown_in) == 0
               ? Py_NewRef(name)
               : PyUnicode_FromFormat("%U.%U", b->unknown_in, name);
    Py_DECREF(name);
    return path;
}

static BX_COLD int fail(bx_arrow_builder *b, int status)
{
    int64_t row = b->rows + b->root.length;
    PyObject *number, *path, *text;

    b->failed = true;
    if (status == BX_BUILD_EXCEPTION) return -1;
    if (status == BX_BUILD_BROKEN) {
        bx_invalid_bson(b->st, 0, "document %lld is no BSON", (long long)row);
        return -1;
    }
    number = PyLong_FromLongLong(row);
    if (b->unknown != NULL) {
        path = path_of_unknown(b);
        text = PyUnicode_FromString("the schema has no such field");
    } else {
        path = Py_NewRef(b->bad->path);
        text = PyUnicode_FromFormat("%s does not fit its type", name_of_type(b->bad_type));
    }
    if (number != NULL && path != NULL) {
        bx_arrow_error(b->st, path, number, text);
    } else {
        Py_XDECREF(text);
    }
    Py_XDECREF(number);
    Py_XDECREF(path);
    return -1;
}

/* ---- documents ---- */

/* Let nobody else in, nor anybody after a failure. -1 with an exception. */
static int enter(bx_arrow_builder *b)
{
    if (bx_exchange_int(&b->busy, 1) != 0) {
        PyErr_SetString(PyExc_RuntimeError, "the columns are being built already");
        return -1;
    }
    if (!b->failed) return 0;
    bx_store_int(&b->busy, 0);
    PyErr_SetString(PyExc_RuntimeError, "the columns are broken by an error before");
    return -1;
}

static Py_ssize_t append(bx_arrow_builder *b, PyObject *documents)
{
    bx_documents_in in;
    const uint8_t *p, *last;
    int64_t before = b->root.length;
    int status;

    if (bx_documents_in_open(b->st, documents, &in) < 0) return -1;
    while ((status = bx_documents_in_next(&in, &p, &last)) > 0) {
        status = put_fields(b, &b->root, p, last);
        if (status < 0) {
            fail(b, status);
            break;
        }
        b->root.length++;
        b->size += last + 1 - p + 4;
    }
    bx_documents_in_close(&in);
    return status < 0 ? -1 : (Py_ssize_t)(b->root.length - before);
}

Py_ssize_t bx_arrow_builder_append(bx_arrow_builder *b, PyObject *documents)
{
    Py_ssize_t count;

    if (enter(b) < 0) return -1;
    count = append(b, documents);
    bx_store_int(&b->busy, 0);
    return count;
}

/* ---- the end ---- */

/* Give a buffer's memory to an array. */
static void give(bx_memory *m, void **to)
{
    *to = m->p;
    *m = (bx_memory){.before = m->size};
}

static bx_arrow_data *finish(bx_builder *c)
{
    bx_arrow_data *data = bx_arrow_data_new(c->n_children);

    if (data == NULL) {
        PyErr_NoMemory();
        return NULL;
    }
    data->length = c->length;
    data->nulls = c->nulls;
    if (c->kind != BX_A_NULL) {
        give(&c->validity, &data->buffers[data->n_buffers++]);
        if (c->kind != BX_A_STRUCT && c->kind != BX_A_FIXED_LIST) {
            give(&c->values, &data->buffers[data->n_buffers++]);
        }
        if (c->kind == BX_A_TEXT || c->kind == BX_A_BINARY) {
            give(&c->data, &data->buffers[data->n_buffers++]);
        }
    }
    for (int i = 0; i < c->n_children; i++) {
        bx_builder *child = &c->children[i];

        if ((c->kind == BX_A_STRUCT && pad(child, c->length) < 0) ||
            (data->children[i] = finish(child)) == NULL) {
            bx_arrow_data_drop(data);
            return NULL;
        }
    }
    return data;
}

PyObject *bx_arrow_builder_finish(bx_arrow_builder *b)
{
    bx_arrow_data *data;

    if (enter(b) < 0) return NULL;
    b->rows += b->root.length;
    b->size = 0;
    data = finish(&b->root);
    if (data == NULL || begin(&b->root) < 0) {
        b->failed = true;
        bx_arrow_data_drop(data);
        data = NULL;
    }
    bx_store_int(&b->busy, 0);
    return data == NULL ? NULL : bx_arrow_data_object(data);
}
