/* The GIL is given up while rows are read; the text is a bytes object, which nobody changes. */
#include "csv/read.h"

#include "core/documents.h"
#include "core/utf8.h"
#include "csv/rows.h"
#include "csv/values.h"

/* What any value but text takes beside its name. */
#define SMALL_VALUE 32

typedef struct {
    const bx_csv_plan *plan;
    const bx_csv_read_arguments *arguments;
    bx_state *st;
    bx_documents out;
    const uint8_t *text, *at, *end;
    int64_t line;
    bx_csv_field *fields;
    int64_t *lines; /* of each document */
    size_t room;
    uint8_t *scratch; /* a field whose quotes are not doubled any more */
    size_t scratch_size;
    Py_ssize_t own; /* documents that brought their `_id` */
    PyObject *rejects;
    PyThreadState *thread; /* of the caller while it has no GIL, or NULL */
} rows;

static void unlock(rows *r)
{
    if (r->thread == NULL) r->thread = PyEval_SaveThread();
}

static void lock(rows *r)
{
    PyThreadState *thread = r->thread;

    r->thread = NULL;
    if (thread != NULL) PyEval_RestoreThread(thread);
}

/* ---- output ---- */

static BX_COLD int grow(rows *r, size_t size)
{
    int status;

    lock(r);
    status = bx_writer_grow(&r->out.w, size);
    if (status == 0) unlock(r);
    return status;
}

BX_INLINE int reserve(rows *r, size_t size)
{
    if (BX_UNLIKELY((size_t)(r->out.w.end - r->out.w.p) < size)) return grow(r, size);
    return 0;
}

static int no_memory(rows *r)
{
    lock(r);
    PyErr_NoMemory();
    return -1;
}

static int end_document(rows *r)
{
    int status;

    if (reserve(r, 1) < 0) return -1;
    if (BX_LIKELY(r->out.count < r->out.room)) return bx_documents_end(&r->out);
    lock(r);
    status = bx_documents_end(&r->out);
    if (status == 0) unlock(r);
    return status;
}

static int note_line(rows *r)
{
    size_t index = r->out.count - 1;

    if (BX_UNLIKELY(index >= r->room)) {
        size_t room = r->room == 0 ? 256 : 2 * r->room;
        int64_t *lines = PyMem_RawRealloc(r->lines, room * sizeof *lines);

        if (lines == NULL) return no_memory(r);
        r->lines = lines;
        r->room = room;
    }
    r->lines[index] = r->line;
    return 0;
}

static BX_COLD int reject(rows *r, const uint8_t *stop)
{
    PyObject *place;
    int status = -1;

    lock(r);
    place = Py_BuildValue("Lnn", (long long)r->line, (Py_ssize_t)(r->at - r->text),
                          (Py_ssize_t)(stop - r->text));
    if (place != NULL) status = PyList_Append(r->rejects, place);
    Py_XDECREF(place);
    if (status == 0) unlock(r);
    return status;
}

/* ---- values: 1 written, 0 the row is bad, -1 with an exception and the GIL ---- */

/* The text of a field as it is meant. */
static int resolve(rows *r, bx_csv_field *field)
{
    uint8_t *out;
    const uint8_t *p = field->text, *end = p + field->size;

    if (BX_LIKELY(!field->doubled)) return 1;
    if (field->size >= r->scratch_size) {
        uint8_t *scratch = PyMem_RawRealloc(r->scratch, field->size + 1);

        if (scratch == NULL) return no_memory(r);
        r->scratch = scratch;
        r->scratch_size = field->size + 1;
    }
    for (out = r->scratch; p < end; p++) {
        *out++ = *p;
        if (*p == '"') p++;
    }
    *out = 0;
    field->text = r->scratch;
    field->size = (size_t)(out - r->scratch);
    return 1;
}

BX_INLINE void put_head(rows *r, uint8_t type, const uint8_t *name, size_t size)
{
    bx_put_u8(&r->out.w, type);
    bx_put_bytes(&r->out.w, name, size);
}

static int put_text(rows *r, const uint8_t *name, size_t name_size, const bx_csv_field *field)
{
    if (reserve(r, SMALL_VALUE + name_size + field->size) < 0) return -1;
    put_head(r, BX_STRING, name, name_size);
    bx_put_u32(&r->out.w, (uint32_t)field->size + 1);
    bx_put_bytes(&r->out.w, field->text, field->size);
    bx_put_u8(&r->out.w, 0);
    return 1;
}

/* What Python makes of a value: its type and its bytes. */
static BX_COLD int put_slowly(rows *r, size_t index, const uint8_t *name, size_t name_size,
                              const bx_csv_field *field)
{
    PyObject *made;
    int status = -1;

    lock(r);
    made = PyObject_CallFunction(r->plan->slow, "ny#", (Py_ssize_t)index, (const char *)field->text,
                                 (Py_ssize_t)field->size);
    if (made == NULL) {
        if (!PyErr_ExceptionMatches(PyExc_ValueError)) return -1;
        PyErr_Clear();
        status = 0;
    } else if (!PyBytes_Check(made) || PyBytes_GET_SIZE(made) == 0) {
        PyErr_SetString(PyExc_TypeError, "a value must be bytes of BSON");
    } else {
        size_t size = (size_t)PyBytes_GET_SIZE(made) - 1;
        const uint8_t *value = (const uint8_t *)PyBytes_AS_STRING(made);

        if (bx_writer_reserve(&r->out.w, SMALL_VALUE + name_size + size) == 0) {
            put_head(r, *value, name, name_size);
            bx_put_bytes(&r->out.w, value + 1, size);
            status = 1;
        }
    }
    Py_XDECREF(made);
    if (status >= 0) unlock(r);
    return status;
}

static void put_value(rows *r, const uint8_t *name, size_t name_size, const bx_csv_value *value)
{
    bx_writer *w = &r->out.w;

    switch (value->kind) {
    case BX_VALUE_INT:
        if (value->is.integer >= INT32_MIN && value->is.integer <= INT32_MAX) {
            put_head(r, BX_INT32, name, name_size);
            bx_put_u32(w, (uint32_t)(int32_t)value->is.integer);
        } else {
            put_head(r, BX_INT64, name, name_size);
            bx_put_u64(w, (uint64_t)value->is.integer);
        }
        break;
    case BX_VALUE_DOUBLE:
        put_head(r, BX_DOUBLE, name, name_size);
        bx_store_double(w->p, value->is.number);
        w->p += 8;
        break;
    case BX_VALUE_BOOL:
        put_head(r, BX_BOOL, name, name_size);
        bx_put_u8(w, value->is.integer != 0);
        break;
    case BX_VALUE_DATE:
        put_head(r, BX_DATETIME, name, name_size);
        bx_put_u64(w, (uint64_t)value->is.integer);
        break;
    case BX_VALUE_DECIMAL:
        put_head(r, BX_DECIMAL128, name, name_size);
        bx_put_u64(w, value->is.words[0]);
        bx_put_u64(w, value->is.words[1]);
        break;
    default:
        put_head(r, BX_OBJECTID, name, name_size);
        bx_put_bytes(w, value->is.bytes, 12);
        break;
    }
}

/* Whether the field is a null; `bare` is set to its text without the blanks around it. */
static bool is_null(const bx_csv_column *column, const bx_csv_field *field, bx_csv_field *bare)
{
    *bare = *field;
    if (column->kind != BX_CSV_STR) {
        while (bare->size > 0 && bx_csv_is_blank(*bare->text)) {
            bare->text++;
            bare->size--;
        }
        while (bare->size > 0 && bx_csv_is_blank(bare->text[bare->size - 1])) bare->size--;
        if (bare->size != field->size && bx_csv_is_null(column, field->text, field->size)) return true;
    }
    return bx_csv_is_null(column, bare->text, bare->size);
}

/* The element of a column, under a name; 2: it is null, and not written. */
static int put_field(rows *r, size_t index, const uint8_t *name, size_t name_size)
{
    const bx_csv_column *column = &r->plan->columns[index];
    bx_csv_field field = r->fields[index], bare;
    bx_csv_value value;

    if (resolve(r, &field) < 0) return -1;
    if (is_null(column, &field, &bare)) return 2;
    if (column->kind == BX_CSV_STR) return put_text(r, name, name_size, &field);
    bx_csv_convert(column->kind, bare.text, bare.size, r->plan->point, &value);
    if (value.kind == BX_VALUE_TEXT) return put_text(r, name, name_size, &field);
    if (BX_UNLIKELY(value.kind == BX_VALUE_BAD)) return 0;
    if (BX_UNLIKELY(value.kind == BX_VALUE_SLOW)) {
        return put_slowly(r, index, name, name_size, &field);
    }
    if (reserve(r, SMALL_VALUE + name_size) < 0) return -1;
    put_value(r, name, name_size, &value);
    return 1;
}

/* ---- documents ---- */

static int put_id(rows *r, bool *own)
{
    const bx_csv_plan *plan = r->plan;

    *own = false;
    if (plan->id_column >= 0) {
        int status = put_field(r, (size_t)plan->id_column, (const uint8_t *)"_id", 4);

        *own = status == 1;
        if (status < 2) return status;
        if (plan->id_needed) return 0;
    }
    if (r->out.first_id == NULL) return 1;
    return bx_documents_put_new_id(&r->out, r->st) < 0 ? -1 : 1; /* there is room for it */
}

static int put_fields(rows *r)
{
    const bx_csv_plan *plan = r->plan;

    for (size_t i = 0; i < plan->count; i++) {
        const bx_csv_column *column = &plan->columns[i];
        int status;

        if (column->kind == BX_CSV_SKIP || (Py_ssize_t)i == plan->id_column) continue;
        status = put_field(r, i, column->name, column->name_size);
        if (BX_UNLIKELY(status <= 0)) return status;
        if (status == 2 && !plan->omit_nulls) {
            if (reserve(r, SMALL_VALUE + column->name_size) < 0) return -1;
            put_head(r, BX_NULL, column->name, column->name_size);
        }
    }
    return 1;
}

/* The document of the row that ends at `stop`: 1, 0 it is bad, -1. */
static int put_document(rows *r, const uint8_t *stop)
{
    size_t size = (size_t)(stop - r->at);
    bool own;
    int status;

    if (BX_UNLIKELY(!bx_is_ascii(r->at, size)) && !bx_utf8_is_valid(r->at, size)) return 0;
    if (reserve(r, SMALL_VALUE + BX_ID_ELEMENT) < 0 || bx_documents_begin(&r->out) < 0) return -1;
    status = put_id(r, &own);
    if (status > 0) status = put_fields(r);
    if (status == 0) bx_documents_drop(&r->out);
    if (status <= 0) return status;
    r->own += own;
    return end_document(r) < 0 || note_line(r) < 0 ? -1 : 1;
}

static bool is_full(const rows *r)
{
    return r->out.count >= (size_t)r->arguments->most ||
           bx_writer_size(&r->out.w) >= (size_t)r->arguments->most_bytes;
}

static int read_rows(rows *r)
{
    while (r->at < r->end && !is_full(r)) {
        const uint8_t *stop = r->end;
        int64_t lines = 0;
        bx_csv_row row =
            bx_csv_cut(r->plan, r->at, r->end, r->arguments->at_end, r->fields, &stop, &lines);
        int status = 1;

        if (row == BX_ROW_INCOMPLETE) break;
        if (row == BX_ROW_GOOD) {
            status = put_document(r, stop);
        } else if (row == BX_ROW_BAD) {
            status = 0;
        }
        if (BX_UNLIKELY(status == 0)) status = reject(r, stop);
        if (status < 0) return -1;
        r->at = stop;
        r->line += lines;
    }
    return 0;
}

/* ---- the call ---- */

static int begin(rows *r)
{
    const bx_csv_read_arguments *a = r->arguments;
    Py_ssize_t size;

    r->plan = bx_csv_plan_of(a->plan);
    if (r->plan == NULL) return -1;
    size = PyBytes_GET_SIZE(a->data);
    if (a->start < 0 || a->start > size || a->most < 0 || a->most_bytes < 0) {
        PyErr_SetString(PyExc_ValueError, "no such place in the text");
        return -1;
    }
    r->text = (const uint8_t *)PyBytes_AS_STRING(a->data);
    r->at = r->text + a->start;
    r->end = r->text + size;
    r->line = a->line;
    if (a->first_id != Py_None) {
        if (!PyBytes_Check(a->first_id) || PyBytes_GET_SIZE(a->first_id) != 12) {
            PyErr_SetString(PyExc_ValueError, "an id has 12 bytes");
            return -1;
        }
        bx_documents_number_ids(&r->out, (const uint8_t *)PyBytes_AS_STRING(a->first_id));
    }
    r->fields = PyMem_Calloc(r->plan->count + 1, sizeof *r->fields);
    if (r->fields == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    r->rejects = PyList_New(0);
    return r->rejects == NULL ? -1 : 0;
}

/* Ends the documents. */
static PyObject *result(rows *r)
{
    Py_ssize_t size = (Py_ssize_t)(r->out.count * sizeof *r->lines);
    PyObject *lines = PyBytes_FromStringAndSize((const char *)r->lines, size);
    PyObject *documents = bx_documents_finish(&r->out), *found = NULL;

    if (lines != NULL && documents != NULL) {
        found = Py_BuildValue("OOOOnLn", PyTuple_GET_ITEM(documents, 0),
                              PyTuple_GET_ITEM(documents, 1), lines, r->rejects,
                              (Py_ssize_t)(r->at - r->text), (long long)r->line, r->own);
    }
    Py_XDECREF(lines);
    Py_XDECREF(documents);
    return found;
}

PyObject *bx_csv_read(bx_state *st, const bx_csv_read_arguments *arguments)
{
    rows r = {.arguments = arguments, .st = st};
    PyObject *found = NULL;
    int status;

    bx_documents_init(&r.out, st);
    status = begin(&r);
    if (status == 0) {
        unlock(&r);
        status = read_rows(&r);
        lock(&r);
    }
    if (status == 0) {
        found = result(&r);
    } else {
        bx_documents_abandon(&r.out);
    }
    PyMem_Free(r.fields);
    PyMem_RawFree(r.lines);
    PyMem_RawFree(r.scratch);
    Py_XDECREF(r.rejects);
    return found;
}
