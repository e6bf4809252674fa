/* Records of text to documents: lines, or the values of an array or of a sequence. The GIL is given up
 * meanwhile; the text is a bytes object, which nobody changes. */
#include "json/records.h"

#include "json/to_bson.h"

typedef struct {
    bx_reader *r;
    const bx_records_arguments *arguments;
    const uint8_t *text, *end; /* all of it */
    const uint8_t *at;
    int64_t line;
    int state;
    int64_t *lines; /* of each document */
    size_t room;
    PyObject *rejects;
} records;

/* ---- results ---- */

static BX_COLD int grow_lines(records *b)
{
    size_t room = b->room == 0 ? 256 : 2 * b->room;
    int64_t *lines = PyMem_RawRealloc(b->lines, room * sizeof *lines);

    if (lines == NULL) {
        bx_reader_lock(b->r);
        PyErr_NoMemory();
        return -1;
    }
    b->lines = lines;
    b->room = room;
    return 0;
}

/* The document that was written last comes from the record at hand. */
BX_INLINE int note_line(records *b, int64_t line)
{
    size_t index = b->r->out.count - 1;

    if (BX_UNLIKELY(index >= b->room) && grow_lines(b) < 0) return -1;
    b->lines[index] = line;
    return 0;
}

static bool is_full(const records *b)
{
    return b->r->out.count >= (size_t)b->arguments->max_documents ||
           bx_writer_size(&b->r->out.w) >= (size_t)b->arguments->max_bytes;
}

/* ---- what the pure implementation reads ---- */

/* Append a whole document, whose `_id` is first if it has one; -1 with an exception. */
static int append_document(records *b, PyObject *document)
{
    bx_documents *out = &b->r->out;
    const uint8_t *data;
    size_t size;

    if (!PyBytes_Check(document) || PyBytes_GET_SIZE(document) < 5) {
        PyErr_SetString(PyExc_TypeError, "convert() must return a BSON document");
        return -1;
    }
    data = (const uint8_t *)PyBytes_AS_STRING(document);
    size = (size_t)PyBytes_GET_SIZE(document);
    if (bx_documents_begin(out) < 0) return -1;
    if (b->r->make_ids && (size < 9 || memcmp(data + 5, "_id", 4) != 0) &&
        bx_documents_put_new_id(out, b->r->st) < 0) {
        return -1;
    }
    if (bx_writer_reserve(&out->w, size) < 0) return -1;
    bx_put_bytes(&out->w, data + 4, size - 5);
    return bx_documents_end(out);
}

static int reject(records *b, const uint8_t *start, const uint8_t *end)
{
    PyObject *exception = bx_take_exception();
    PyObject *place = Py_BuildValue("LnnN", (long long)b->line, (Py_ssize_t)(start - b->text),
                                    (Py_ssize_t)(end - b->text), exception);
    int status = place == NULL ? -1 : PyList_Append(b->rejects, place);

    Py_XDECREF(place);
    return status;
}

/* A record that was not understood here: 1 it is a document after all, 0 it is rejected, -1. */
static BX_COLD int convert_slowly(records *b, const uint8_t *start, const uint8_t *end)
{
    PyObject *text, *document = NULL;
    int status = -1;

    bx_reader_lock(b->r);
    text = PyBytes_FromStringAndSize((const char *)start, end - start);
    if (text != NULL) document = PyObject_CallOneArg(b->arguments->convert, text);
    if (document != NULL) {
        status = append_document(b, document) < 0 ? -1 : 1;
    } else if (text != NULL && PyErr_ExceptionMatches(PyExc_Exception)) {
        status = reject(b, start, end);
    }
    Py_XDECREF(text);
    Py_XDECREF(document);
    bx_reader_unlock(b->r);
    return status;
}

/* The document at `start`, as far as `end` at most: 1, *stop is behind it; 0, -1. */
BX_INLINE int read_document(records *b, const uint8_t *start, const uint8_t *end,
                            const uint8_t **stop)
{
    int status;

    b->r->at.p = start;
    b->r->at.end = end;
    bx_skip_space(&b->r->at);
    if (BX_UNLIKELY(*b->r->at.p != '{')) return 0;
    status = bx_reader_document(b->r);
    *stop = b->r->at.p;
    if (BX_LIKELY(status >= 0)) return status;
    bx_reader_lock(b->r);
    if (PyErr_ExceptionMatches(b->r->st->InvalidDocument)) {
        PyErr_Clear(); /* too large, also if it is so together with the others */
        status = 0;
    }
    bx_reader_unlock(b->r);
    return status;
}

/* ---- lines ---- */

static bool starts_with_mark(const uint8_t *p, const uint8_t *end)
{
    return end - p >= 3 && memcmp(p, "\xEF\xBB\xBF", 3) == 0;
}

/* Whether a text of which more follows may begin with a mark that is cut off. */
static bool may_be_mark(const uint8_t *p, const uint8_t *end)
{
    return p < end && end - p < 3 && memcmp(p, "\xEF\xBB\xBF", (size_t)(end - p)) == 0;
}

/* As bytes.strip() sees it. */
static bool is_blank(const uint8_t *p, const uint8_t *end)
{
    while (p < end && (*p == ' ' || (*p >= '\t' && *p <= '\r'))) p++;
    return p == end;
}

/* The record of the line that ends at `end`: 1, 0 there is no document in it, -1. */
static int read_line(records *b, const uint8_t *end)
{
    const uint8_t *start = b->at, *stop;
    int status;

    if (BX_UNLIKELY(b->line == 1) && starts_with_mark(start, end)) start += 3;
    status = read_document(b, start, end, &stop);
    if (BX_LIKELY(status > 0)) {
        bx_skip_space(&b->r->at);
        if (BX_LIKELY(b->r->at.p == end)) return note_line(b, b->line) < 0 ? -1 : 1;
        bx_documents_drop(&b->r->out);
        status = 0;
    }
    if (status == 0) {
        if (is_blank(start, end)) return 0;
        status = convert_slowly(b, start, end);
        if (status > 0 && note_line(b, b->line) < 0) return -1;
    }
    return status;
}

static int read_lines(records *b)
{
    while (b->at < b->end && !is_full(b)) {
        const uint8_t *end = memchr(b->at, '\n', (size_t)(b->end - b->at));
        const uint8_t *next = end == NULL ? b->end : end + 1;

        if (end == NULL) {
            if (!b->arguments->final) break;
            end = b->end;
        }
        if (read_line(b, end) < 0) return -1;
        b->at = next;
        b->line++;
    }
    return 0;
}

/* ---- values ---- */

static void advance(records *b, const uint8_t *to)
{
    const uint8_t *p = b->at;

    while (p < to && (p = memchr(p, '\n', (size_t)(to - p))) != NULL) {
        b->line++;
        p++;
    }
    b->at = to;
}

/* Pass over blanks: whether there is anything else. */
static bool skip_blanks(records *b)
{
    const uint8_t *p = b->at;

    for (; p < b->end && (*p == ' ' || *p == '\n' || *p == '\r' || *p == '\t'); p++) {
        b->line += *p == '\n';
    }
    b->at = p;
    return p < b->end;
}

/* Go to the beginning of the next value; false where there is none in this buffer. */
static bool seek_value(records *b)
{
    while (skip_blanks(b)) {
        uint8_t byte = *b->at;

        switch (b->state) {
        case BX_STREAM_SEQUENCE: return true;
        case BX_STREAM_ARRAY:
            if (byte != ']') return true;
            b->state = BX_STREAM_END;
            break;
        case BX_STREAM_AFTER_ITEM:
            if (byte != ']' && byte != ',') return true;
            b->state = byte == ',' ? BX_STREAM_ARRAY : BX_STREAM_END;
            break;
        case BX_STREAM_START:
            b->state = byte == '[' ? BX_STREAM_ARRAY
                                   : byte == '{' ? BX_STREAM_SEQUENCE : BX_STREAM_BAD_START;
            if (byte != '[') continue;
            break;
        case BX_STREAM_BAD_START: return false;
        default: b->state = BX_STREAM_BAD_END; return false;
        }
        b->at++;
    }
    return false;
}

/* Behind the string at `p`, or NULL. */
static const uint8_t *string_end(const uint8_t *p, const uint8_t *end)
{
    for (p++; p < end; p++) {
        if (*p == '"') return p + 1;
        if (*p == '\\' && ++p == end) break;
    }
    return NULL;
}

/* Where the object, array or string ends that begins at `p`, however bad it is; NULL: behind `end`. */
static const uint8_t *container_end(const uint8_t *p, const uint8_t *end)
{
    size_t depth = 0;

    while (p < end) {
        switch (*p) {
        case '"':
            p = string_end(p, end);
            if (p == NULL) return NULL;
            if (depth == 0) return p;
            continue;
        case '{':
        case '[': depth++; break;
        case '}':
        case ']':
            if (--depth == 0) return p + 1;
            break;
        default: break;
        }
        p++;
    }
    return NULL;
}

/* The same for other values; a byte is passed in any case. */
static const uint8_t *scalar_end(const uint8_t *p, const uint8_t *end)
{
    for (p++; p < end; p++) {
        if (*p == ' ' || (*p >= '\t' && *p <= '\r') || memchr(",][{}", *p, 5) != NULL) return p;
    }
    return NULL;
}

static const uint8_t *value_end(const records *b)
{
    bool contains = *b->at == '{' || *b->at == '[' || *b->at == '"';
    const uint8_t *end = contains ? container_end(b->at, b->end) : scalar_end(b->at, b->end);

    return end == NULL && b->arguments->final ? b->end : end;
}

/* The value at b->at: 1 it is passed, 0 the buffer cuts it off, -1. */
static int read_value(records *b)
{
    const uint8_t *end;
    int status = read_document(b, b->at, b->end, &end);

    /* No object is the beginning of another one: what was read is all of it. */
    if (BX_UNLIKELY(status == 0)) {
        end = value_end(b);
        if (end == NULL) return 0;
        status = convert_slowly(b, b->at, end);
    }
    if (status < 0 || (status > 0 && note_line(b, b->line) < 0)) return -1;
    advance(b, end);
    if (b->state == BX_STREAM_ARRAY) b->state = BX_STREAM_AFTER_ITEM;
    return 1;
}

static int read_values(records *b)
{
    int status = 1;

    if (b->state == BX_STREAM_START) {
        if (starts_with_mark(b->at, b->end)) b->at += 3;
        if (!b->arguments->final && may_be_mark(b->at, b->end)) return 0;
    }
    while (status > 0 && !is_full(b) && seek_value(b)) status = read_value(b);
    return status < 0 ? -1 : 0;
}

/* ---- the call ---- */

/* Room for what the text becomes, so that large batches need not be moved while they grow. */
static int reserve_output(records *b)
{
    size_t size = (size_t)(b->end - b->at);

    if (size > (size_t)b->arguments->max_bytes) size = (size_t)b->arguments->max_bytes;
    return size < BX_WRITER_STACK ? 0 : bx_writer_reserve(&b->r->out.w, size + size / 4);
}

static int open_records(records *b)
{
    const bx_records_arguments *a = b->arguments;
    Py_ssize_t size;

    if (!PyBytes_Check(a->data)) {
        PyErr_SetString(PyExc_TypeError, "data must be bytes");
        return -1;
    }
    if (a->start < 0 || a->start > PyBytes_GET_SIZE(a->data)) {
        PyErr_SetString(PyExc_ValueError, "the position is outside the data");
        return -1;
    }
    b->text = (const uint8_t *)PyBytes_AS_STRING(a->data);
    b->at = b->text + a->start;
    b->end = b->text + PyBytes_GET_SIZE(a->data);
    b->line = a->line;
    b->state = a->state;
    if (a->first_id != Py_None) {
        if (!PyBytes_Check(a->first_id) || PyBytes_GET_SIZE(a->first_id) != 12) {
            PyErr_SetString(PyExc_ValueError, "the first id must have 12 bytes");
            return -1;
        }
        b->r->make_ids = true;
        bx_documents_number_ids(&b->r->out, (const uint8_t *)PyBytes_AS_STRING(a->first_id));
    }
    if (a->id_field != Py_None) {
        b->r->id_field = (const uint8_t *)PyUnicode_AsUTF8AndSize(a->id_field, &size);
        if (b->r->id_field == NULL) return -1;
        b->r->id_field_size = (size_t)size;
    }
    b->rejects = PyList_New(0);
    return b->rejects == NULL ? -1 : reserve_output(b);
}

/* (documents, ends, lines, rejects, ids made, position, line), and the state of values. */
static PyObject *result(records *b, bool has_state)
{
    size_t count = b->r->out.count, made = b->r->out.made;
    PyObject *lines = PyBytes_FromStringAndSize((const char *)b->lines,
                                                (Py_ssize_t)(count * sizeof *b->lines));
    PyObject *documents = lines == NULL ? NULL : bx_documents_finish(&b->r->out);
    PyObject *parts;

    if (documents == NULL) {
        Py_XDECREF(lines);
        return NULL;
    }
    parts = Py_BuildValue(has_state ? "OONOnnLi" : "OONOnnL", PyTuple_GET_ITEM(documents, 0),
                          PyTuple_GET_ITEM(documents, 1), lines, b->rejects, (Py_ssize_t)made,
                          (Py_ssize_t)(b->at - b->text), (long long)b->line, b->state);
    Py_DECREF(documents);
    return parts;
}

static PyObject *read_records(bx_state *st, const bx_records_arguments *arguments,
                              int (*read)(records *), bool has_state)
{
    records b = {.arguments = arguments};
    PyObject *parts = NULL;
    int status;

    if (bx_bind(st) < 0 || (b.r = bx_reader_new(st)) == NULL) return NULL;
    status = open_records(&b);
    if (status == 0) {
        bx_reader_unlock(b.r);
        status = read(&b);
        bx_reader_lock(b.r);
    }
    if (status == 0) parts = result(&b, has_state);
    Py_XDECREF(b.rejects);
    PyMem_RawFree(b.lines);
    bx_reader_free(b.r);
    return parts;
}

PyObject *bx_json_read_lines(bx_state *st, const bx_records_arguments *arguments)
{
    return read_records(st, arguments, read_lines, false);
}

PyObject *bx_json_read_values(bx_state *st, const bx_records_arguments *arguments)
{
    return read_records(st, arguments, read_values, true);
}
