/* Reading a stream of Arrow arrays. */
#include "arrow/reader.h"

#include "arrow/schema.h"
#include "core/atomics.h"

struct bx_arrow_reader {
    bx_state *st;
    struct ArrowArrayStream stream; /* released: there is none */
    struct ArrowSchema schema;      /* of an array that came alone; released: there is none */
    struct ArrowArray array;        /* the one at hand; released: there is none */
    bx_column *root;                /* NULL before there is a plan */
    PyObject *plan;                 /* keeps what `root` points to */
    bool bound;
    int64_t row;                    /* of the array at hand, the next */
    int64_t rows;                   /* of the arrays before */
    PyObject *failure;              /* waits for the next call */
    int busy;                       /* somebody is in here */
    int closed;
};

/* ---- making one ---- */

static bx_arrow_reader *new_reader(bx_state *st)
{
    bx_arrow_reader *r = PyMem_Calloc(1, sizeof(bx_arrow_reader));

    if (r == NULL) {
        PyErr_NoMemory();
    } else {
        r->st = st;
    }
    return r;
}

/* What is in a capsule, moved out of it; -1 with an exception. */
#define MOVE_OUT(type, name)                                                                      \
    static int move_##type(bx_state *st, PyObject *capsule, struct type *to)                      \
    {                                                                                             \
        struct type *from = PyCapsule_GetPointer(capsule, name);                                  \
                                                                                                  \
        if (from == NULL) return -1;                                                              \
        if (from->release == NULL) {                                                              \
            return bx_arrow_error(st, Py_None, Py_None,                                           \
                                  PyUnicode_FromString("the capsule " name " is used up"));       \
        }                                                                                         \
        *to = *from;                                                                              \
        from->release = NULL;                                                                     \
        return 0;                                                                                 \
    }

MOVE_OUT(ArrowArrayStream, BX_ARROW_STREAM)
MOVE_OUT(ArrowSchema, BX_ARROW_SCHEMA)
MOVE_OUT(ArrowArray, BX_ARROW_ARRAY)

bx_arrow_reader *bx_arrow_reader_of_stream(bx_state *st, PyObject *capsule)
{
    bx_arrow_reader *r = new_reader(st);

    if (r != NULL && move_ArrowArrayStream(st, capsule, &r->stream) < 0) {
        bx_arrow_reader_free(r);
        return NULL;
    }
    return r;
}

bx_arrow_reader *bx_arrow_reader_of_array(bx_state *st, PyObject *schema, PyObject *array)
{
    bx_arrow_reader *r = new_reader(st);

    if (r != NULL && (move_ArrowSchema(st, schema, &r->schema) < 0 ||
                      move_ArrowArray(st, array, &r->array) < 0)) {
        bx_arrow_reader_free(r);
        return NULL;
    }
    return r;
}

/* ---- ending ---- */

/* Releasing may take its time, wait for threads, and want the interpreter: not while we have it. */
#define RELEASE(what)                                                                             \
    do {                                                                                          \
        if ((what).release != NULL) {                                                             \
            Py_BEGIN_ALLOW_THREADS;                                                               \
            (what).release(&(what));                                                              \
            Py_END_ALLOW_THREADS;                                                                 \
            (what).release = NULL;                                                                \
        }                                                                                         \
    } while (0)

static void release_all(bx_arrow_reader *r)
{
    PyObject *exception = bx_take_exception();

    RELEASE(r->array);
    RELEASE(r->schema);
    RELEASE(r->stream);
    if (exception != NULL) bx_raise_exception(exception);
}

/* Let nobody else in. -1 with an exception if somebody is. */
static int enter(bx_arrow_reader *r)
{
    if (bx_exchange_int(&r->busy, 1) == 0) return 0;
    PyErr_SetString(PyExc_RuntimeError, "the Arrow data are being read already");
    return -1;
}

static void leave(bx_arrow_reader *r)
{
    if (bx_load_int(&r->closed)) release_all(r);
    bx_store_int(&r->busy, 0);
}

void bx_arrow_reader_close(bx_arrow_reader *r)
{
    bx_store_int(&r->closed, 1);
    if (bx_exchange_int(&r->busy, 1) == 0) leave(r);
}

void bx_arrow_reader_free(bx_arrow_reader *r)
{
    if (r == NULL) return;
    release_all(r);
    bx_column_free(r->root);
    Py_XDECREF(r->plan);
    Py_XDECREF(r->failure);
    PyMem_Free(r);
}

/* ---- the producer ---- */

/* Raise what a producer says of its failure: `status` is an errno. */
static BX_COLD int producer_failed(bx_arrow_reader *r, const char *what, int status)
{
    const char *told = NULL;
    PyObject *message, *text;

    if (r->stream.get_last_error != NULL) told = r->stream.get_last_error(&r->stream);
    if (told == NULL) {
        message = PyUnicode_FromFormat("the producer gives no %s: error %d", what, status);
        return bx_arrow_error(r->st, Py_None, Py_None, message);
    }
    text = PyUnicode_DecodeUTF8(told, (Py_ssize_t)strlen(told), "replace");
    if (text == NULL) return -1;
    message = PyUnicode_FromFormat("the producer gives no %s: %U", what, text);
    Py_DECREF(text);
    return bx_arrow_error(r->st, Py_None, Py_None, message);
}

static PyObject *read_fields(bx_arrow_reader *r)
{
    struct ArrowSchema schema = {0};
    PyObject *fields;
    int status;

    if (r->schema.release != NULL) return bx_arrow_fields(r->st, &r->schema);
    if (r->stream.release == NULL) {
        bx_arrow_error(r->st, Py_None, Py_None, PyUnicode_FromString("the Arrow data are closed"));
        return NULL;
    }
    Py_BEGIN_ALLOW_THREADS;
    status = r->stream.get_schema(&r->stream, &schema);
    Py_END_ALLOW_THREADS;
    if (status != 0) {
        producer_failed(r, "schema", status);
        return NULL;
    }
    fields = bx_arrow_fields(r->st, &schema);
    if (schema.release != NULL) {
        PyObject *exception = bx_take_exception();

        RELEASE(schema);
        if (exception != NULL) bx_raise_exception(exception);
    }
    return fields;
}

PyObject *bx_arrow_reader_fields(bx_arrow_reader *r)
{
    PyObject *fields;

    if (enter(r) < 0) return NULL;
    fields = read_fields(r);
    leave(r);
    return fields;
}

int bx_arrow_reader_set_plan(bx_arrow_reader *r, PyObject *plan)
{
    bx_column *root;

    if (enter(r) < 0) return -1;
    root = bx_column_new(plan);
    if (root != NULL && root->kind != BX_A_STRUCT) {
        bx_column_free(root);
        root = NULL;
        PyErr_SetString(PyExc_ValueError, "documents are made of a struct");
    }
    if (root != NULL) {
        bx_column_free(r->root);
        Py_XSETREF(r->plan, Py_NewRef(plan));
        r->root = root;
        r->bound = false;
    }
    leave(r);
    return root == NULL ? -1 : 0;
}

/* Have an array at hand with rows left. 1, or 0 at the end, or -1 with an exception. */
static int find_rows(bx_arrow_reader *r)
{
    for (;;) {
        int status;

        if (r->array.release != NULL) {
            if (!r->bound) {
                if (bx_column_bind(r->st, r->root, &r->array) < 0) return -1;
                r->bound = true;
                r->row = 0;
            }
            if (r->row < r->array.length) return 1;
            r->rows += r->array.length;
            r->row = 0;
            r->bound = false;
            RELEASE(r->array);
        }
        if (r->stream.release == NULL) return 0;
        memset(&r->array, 0, sizeof(r->array));
        Py_BEGIN_ALLOW_THREADS;
        status = r->stream.get_next(&r->stream, &r->array);
        Py_END_ALLOW_THREADS;
        if (status != 0) {
            r->array.release = NULL;
            return producer_failed(r, "more rows", status);
        }
        if (PyErr_CheckSignals() < 0) return -1;
        if (r->array.release == NULL) return 0;
    }
}

/* ---- documents ---- */

static int put_id(bx_row_writer *w, bx_column *root, int64_t i, const bx_arrow_reading *reading)
{
    bx_column *id = reading->id < 0 ? NULL : &root->children[reading->id];

    if (id != NULL && !bx_row_is_null(id, i)) {
        return bx_row_put_named(w, id, i, (const uint8_t *)"_id", 4);
    }
    if (id != NULL && reading->id_needed) {
        w->bad = id;
        w->problem = PyUnicode_FromString("it is to be the _id, and is null");
        return w->problem == NULL ? BX_ROW_EXCEPTION : BX_ROW_VALUE;
    }
    return reading->add_ids ? bx_documents_put_new_id(&w->documents, w->st) : BX_ROW_OK;
}

static int put_row(bx_row_writer *w, bx_column *root, int64_t row, const bx_arrow_reading *reading)
{
    int64_t i = row + root->offset;
    int status;

    if (bx_documents_begin(&w->documents) < 0) return BX_ROW_EXCEPTION;
    if (bx_is_null_at(root, i)) {
        w->bad = root;
        w->problem = PyUnicode_FromString("the row is null");
        return w->problem == NULL ? BX_ROW_EXCEPTION : BX_ROW_VALUE;
    }
    if ((status = put_id(w, root, i, reading)) < 0) return status;
    for (int k = 0; k < root->n_children; k++) {
        if (k == reading->id) continue;
        if ((status = bx_row_put(w, &root->children[k], i)) < 0) return status;
    }
    return bx_documents_end(&w->documents);
}

/* Forget what there is of a row. */
static void drop_row(bx_documents *d)
{
    if (bx_writer_size(&d->w) > (d->count == 0 ? 0 : d->ends[d->count - 1])) bx_documents_drop(d);
}

/* Raise the problem of a row, or note it. */
static int row_failed(bx_arrow_reader *r, bx_row_writer *w, int status, int64_t row,
                      const bx_arrow_reading *reading, PyObject **rejects)
{
    PyObject *number, *item, *told;

    drop_row(&w->documents);
    if (status == BX_ROW_EXCEPTION) return -1;
    number = PyLong_FromLongLong(r->rows + row);
    if (number == NULL) {
        Py_CLEAR(w->problem);
        return -1;
    }
    if (status == BX_ROW_ARRAY || !reading->collect) {
        bx_arrow_error(w->st, w->bad->path, number, w->problem);
        w->problem = NULL;
        Py_DECREF(number);
        return -1;
    }
    if (reading->describe == NULL) {
        item = Py_BuildValue("NON", number, w->bad->path, w->problem);
    } else {
        told = PyObject_CallFunction(reading->describe, "nL", (Py_ssize_t)(intptr_t)&r->array,
                                     (long long)row);
        item = Py_BuildValue("NONN", number, w->bad->path, w->problem, told);
    }
    w->problem = NULL;
    if (item == NULL) return -1;
    if (*rejects == NULL && (*rejects = PyList_New(0)) == NULL) {
        Py_DECREF(item);
        return -1;
    }
    status = PyList_Append(*rejects, item);
    Py_DECREF(item);
    return status;
}

/* Rows of the arrays until there are enough: how many there were. With an exception: -1 - so
 * many. */
static int64_t put_rows(bx_arrow_reader *r, bx_row_writer *w, const bx_arrow_reading *reading,
                        PyObject **rejects)
{
    int64_t seen = 0;
    int found = 1;

    while (seen < reading->max_documents &&
           bx_writer_size(&w->documents.w) < (size_t)reading->max_bytes &&
           (found = find_rows(r)) > 0) {
        int64_t row = r->row++;
        int status = put_row(w, r->root, row, reading);

        if (status < 0 &&
            row_failed(r, w, status, row, reading, rejects) < 0) {
            r->row--;
            return -1 - seen;
        }
        seen++;
    }
    return found < 0 ? -1 - seen : seen;
}

static PyObject *read_rows(bx_arrow_reader *r, const bx_arrow_reading *reading)
{
    bx_row_writer w = {.st = r->st, .omit_nulls = reading->omit_nulls,
                       .uint64_decimal = reading->uint64_decimal};
    PyObject *rejects = NULL, *documents, *result = NULL;
    int64_t seen;
    int own_ids;

    if (r->failure != NULL) {
        bx_raise_exception(r->failure);
        r->failure = NULL;
        return NULL;
    }
    if (r->root == NULL || reading->id >= r->root->n_children || reading->id < -1) {
        PyErr_SetString(PyExc_ValueError, "there is no such column, or no plan");
        return NULL;
    }
    bx_documents_init(&w.documents, r->st);
    bx_documents_number_ids(&w.documents, reading->first_id);
    seen = put_rows(r, &w, reading, &rejects);
    if (seen < -1 && PyErr_ExceptionMatches(PyExc_Exception)) {
        /* What was good before comes first. */
        r->failure = bx_take_exception();
        seen = -1 - seen;
    }
    if (seen <= 0) {
        bx_documents_abandon(&w.documents);
        Py_XDECREF(rejects);
        return seen < 0 ? NULL : Py_NewRef(Py_None);
    }
    own_ids = bx_documents_own_ids(&w.documents);
    documents = bx_documents_finish(&w.documents);
    if (documents != NULL) {
        result = Py_BuildValue("OOLLOO", PyTuple_GET_ITEM(documents, 0),
                               PyTuple_GET_ITEM(documents, 1), (long long)(r->rows + r->row - seen),
                               (long long)(r->rows + r->row), own_ids ? Py_True : Py_False,
                               rejects == NULL ? Py_None : rejects);
        Py_DECREF(documents);
    }
    Py_XDECREF(rejects);
    return result;
}

PyObject *bx_arrow_reader_read(bx_arrow_reader *r, const bx_arrow_reading *reading)
{
    PyObject *result;

    if (enter(r) < 0) return NULL;
    if (bx_load_int(&r->closed)) {
        bx_arrow_error(r->st, Py_None, Py_None, PyUnicode_FromString("the Arrow data are closed"));
        result = NULL;
    } else {
        result = bx_bind(r->st) < 0 ? NULL : read_rows(r, reading);
    }
    leave(r);
    return result;
}
