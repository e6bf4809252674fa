/* Documents of an iterator. In front of each there is room for an `_id`: after encoding, either that
 * is written there, or the document moves up. */
#include "core/encode_documents.h"

#ifdef _WIN32
#include <windows.h>
#else
#include <time.h>
#endif

#include "core/documents.h"
#include "core/encode.h"
#include "core/errors.h"
#include "core/skip.h"

typedef struct {
    const bx_documents_wanted *wanted;
    bx_encoder e;
    uint32_t *ends;
    size_t count, room;
    size_t made; /* documents that have got an `_id` */
    PyObject *rejects;
    Py_ssize_t taken;
} batch;

/* ---- whether bytes are a document ---- */

static bool is_document(const uint8_t *p, const uint8_t *end, int depth);

static bool is_string(const uint8_t *p, const uint8_t *end)
{
    return end - p > 4 && end[-1] == 0;
}

static bool is_scoped_code(const uint8_t *p, const uint8_t *end, int depth)
{
    const uint8_t *code = p + 4, *scope;

    if (end - p < 4) return false;
    scope = bx_value_end(BX_STRING, code, end);
    return scope != NULL && is_string(code, scope) && is_document(scope, end, depth);
}

static bool is_value(const bx_element *element, int depth)
{
    switch (*element->element) {
    case BX_STRING:
    case BX_CODE:
    case BX_SYMBOL:
        return is_string(element->value, element->next);
    case BX_DBPOINTER:
        return is_string(element->value, element->next - 12);
    case BX_DOCUMENT:
    case BX_ARRAY:
        return is_document(element->value, element->next, depth + 1);
    case BX_CODE_W_SCOPE:
        return is_scoped_code(element->value, element->next, depth + 1);
    case BX_BOOL:
        return *element->value <= 1;
    default:
        return true;
    }
}

static bool is_document(const uint8_t *p, const uint8_t *end, int depth)
{
    bx_element element;

    if (depth > BX_MAX_DEPTH || end - p < 5 || bx_load32(p) != (size_t)(end - p) || end[-1] != 0) {
        return false;
    }
    end--;
    for (p += 4; p < end; p = element.next) {
        if (bx_skip(p, end, &element) != BX_SKIP_OK || !is_value(&element, depth)) return false;
    }
    return true;
}

/* Whether a good document has an `_id`, not necessarily as its first element. */
static bool has_id(const uint8_t *p, const uint8_t *end)
{
    bx_element element;

    for (p += 4, end--; p < end; p = element.next) {
        if (end - p > 4 && memcmp(p + 1, "_id", 4) == 0) return true;
        if (bx_skip(p, end, &element) != BX_SKIP_OK) break;
    }
    return false;
}

/* ---- one item ---- */

static int put_bytes(bx_encoder *e, PyObject *item)
{
    Py_buffer view;
    int status;

    if (PyObject_GetBuffer(item, &view, PyBUF_SIMPLE) < 0) return -1;
    status = bx_writer_reserve(&e->w, (size_t)view.len);
    if (status == 0) bx_put_bytes(&e->w, view.buf, (size_t)view.len);
    PyBuffer_Release(&view);
    return status;
}

/* Encode an item; what is none of our encoder's work is looked through. */
static int put_item(bx_encoder *e, PyObject *item)
{
    size_t start = bx_writer_size(&e->w);
    bool is_bytes = PyBytes_Check(item) || PyByteArray_Check(item) || PyMemoryView_Check(item);

    if ((is_bytes ? put_bytes(e, item) : bx_encode_document(e, item)) < 0) return -1;
    if (PyDict_CheckExact(item) || is_document(e->w.base + start, e->w.p, 0)) return 0;
    PyErr_SetString(e->st->InvalidBSON, "not a BSON document");
    return -1;
}

/* The document at `start` has room for an `_id` in front. */
static int settle_id(batch *b, size_t start)
{
    bx_encoder *e = &b->e;
    uint8_t *front = e->w.base + start, *document = front + BX_ID_ELEMENT;
    size_t size = (size_t)(e->w.p - document);

    if (b->wanted->first_id == NULL || has_id(document, e->w.p)) {
        memmove(front, document, size);
        e->w.p -= BX_ID_ELEMENT;
        return 0;
    }
    if (size > INT32_MAX - BX_ID_ELEMENT) return bx_encode_too_large(e);
    bx_store32(front, (uint32_t)(size + BX_ID_ELEMENT));
    memcpy(front + 4, "\x07_id", 5);
    bx_put_numbered_id(front + 9, b->wanted->first_id, b->count);
    b->made++;
    return 0;
}

/* Note the pending exception of an item. -1 where it is none that an item can be blamed for. */
static int reject(batch *b, PyObject *item)
{
    PyObject *exception, *entry;
    int status;

    if (!PyErr_ExceptionMatches(PyExc_Exception) || PyErr_ExceptionMatches(PyExc_MemoryError)) {
        return -1;
    }
    exception = bx_take_exception();
    if (PyException_SetTraceback(exception, Py_None) < 0) PyErr_Clear();
    entry = Py_BuildValue("nNO", b->taken, exception, item);
    if (entry == NULL) return -1;
    status = PyList_Append(b->rejects, entry);
    Py_DECREF(entry);
    return status;
}

static int take(batch *b, PyObject *item)
{
    bx_encoder *e = &b->e;
    size_t start = bx_writer_size(&e->w);
    int status = bx_writer_reserve(&e->w, BX_ID_ELEMENT + 5);

    if (status < 0) return -1;
    e->w.p += BX_ID_ELEMENT;
    status = put_item(e, item);
    if (status == 0) status = settle_id(b, start);
    if (status == 0) return bx_note_end(&b->ends, &b->count, &b->room, bx_writer_size(&e->w));
    e->w.p = e->w.base + start;
    e->extended = e->options->extended; /* inside an instance they may have been others */
    e->uuid_representation = e->options->uuid_representation;
    e->check_keys = false;
    return reject(b, item);
}

/* ---- all of them ---- */

/* Memory that is taken at once is not copied when it grows, and touched only as far as it is used.
 * There is some more of it for the last document, which may go beyond the limit. */
#define MOST_AT_ONCE ((size_t)16 << 20)

static int take_memory(batch *b)
{
    size_t size = (size_t)b->wanted->max_bytes;

    if (b->wanted->max_bytes < BX_WRITER_STACK) return 0;
    if (size > MOST_AT_ONCE) size = MOST_AT_ONCE;
    return bx_writer_reserve(&b->e.w, size + size / 16);
}

static double now(void)
{
#ifdef _WIN32
    return (double)GetTickCount64() * 1e-3;
#else
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
#endif
}

static bool is_full(const batch *b, double end)
{
    const bx_documents_wanted *wanted = b->wanted;

    return b->taken >= wanted->max_count ||
           bx_writer_size(&b->e.w) >= (size_t)wanted->max_bytes ||
           (wanted->seconds >= 0 && now() >= end);
}

/* A new reference to what tells how the iterator stands; NULL with an exception. */
static PyObject *take_all(batch *b)
{
    iternextfunc next = Py_TYPE(b->wanted->iterator)->tp_iternext;
    double end = b->wanted->seconds >= 0 ? now() + b->wanted->seconds : 0;

    do {
        PyObject *item = next(b->wanted->iterator);
        int status;

        if (item == NULL) {
            if (!PyErr_Occurred()) Py_RETURN_TRUE;
            if (PyErr_ExceptionMatches(PyExc_StopIteration)) {
                PyErr_Clear();
                Py_RETURN_TRUE;
            }
            return PyErr_ExceptionMatches(PyExc_Exception) ? bx_take_exception() : NULL;
        }
        status = take(b, item);
        Py_DECREF(item);
        if (status < 0) return NULL;
        b->taken++;
    } while (!is_full(b, end));
    Py_RETURN_NONE;
}

static PyObject *finish(batch *b, PyObject *stand)
{
    PyObject *ends = PyBytes_FromStringAndSize((const char *)b->ends,
                                               (Py_ssize_t)(b->count * sizeof(uint32_t)));
    PyObject *data = bx_encoder_finish(&b->e);
    PyObject *result = NULL;

    if (ends != NULL && data != NULL) {
        result = Py_BuildValue("OOOOnO", data, ends, b->made == b->count ? Py_True : Py_False,
                               b->rejects, b->taken, stand);
    }
    Py_XDECREF(ends);
    Py_XDECREF(data);
    return result;
}

PyObject *bx_encode_documents(bx_state *st, const bx_documents_wanted *wanted)
{
    batch b = {.wanted = wanted};
    PyObject *result = NULL, *stand = NULL;
    bx_options *options;

    if (!PyIter_Check(wanted->iterator)) {
        PyErr_Format(PyExc_TypeError, "an iterator is needed, not %R",
                     (PyObject *)Py_TYPE(wanted->iterator));
        return NULL;
    }
    options = bx_options_hold(st, wanted->codec_options);
    if (options == NULL) return NULL;
    bx_encoder_init(&b.e, st, options, false);
    b.rejects = PyList_New(0);
    if (b.rejects != NULL && take_memory(&b) == 0) stand = take_all(&b);
    if (stand != NULL) {
        result = finish(&b, stand);
    } else {
        bx_encoder_abandon(&b.e);
    }
    Py_XDECREF(stand);
    Py_XDECREF(b.rejects);
    PyMem_Free(b.ends);
    bx_options_release(st, options);
    return result;
}
