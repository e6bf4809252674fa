/* BSON documents to text: containers, keys, and the calls. Nesting is kept in the writer, not on the C
 * stack. */
#include "json/from_bson.h"

#include "core/decode.h"
#include "core/pylong.h"
#include "core/take.h"
#include "core/utf8.h"
#include "json/encode.h"
#include "json/text.h"

int bx_shower_grow(bx_shower *s, size_t size)
{
    PyThreadState *thread = s->thread;
    int status;

    if (thread != NULL) PyEval_RestoreThread(thread);
    status = bx_writer_grow(&s->w, size);
    if (thread != NULL) s->thread = PyEval_SaveThread();
    return status;
}

/* ---- text ---- */

/* Where a part of text of at most 256 bytes ends that ends with a character. */
static const uint8_t *part_end(const uint8_t *p, const uint8_t *end)
{
    if (end - p <= 256) return end;
    for (end = p + 256; (*end & 0xC0) == 0x80; end--) continue;
    return end;
}

static BX_NOINLINE int show_characters(bx_shower *s, const uint8_t *p, const uint8_t *end)
{
    while (p < end) {
        const uint8_t *stop = part_end(p, end);

        if (bx_shower_reserve(s, 6 * (size_t)(stop - p)) < 0) return -1;
        s->w.p = bx_json_write_utf8(s->w.p, p, (size_t)(stop - p), s->ascii);
        p = stop;
    }
    return bx_shower_reserve(s, 1);
}

int bx_show_text(bx_shower *s, const uint8_t *text, size_t size)
{
    size_t done;

    if (bx_shower_reserve(s, size + 2) < 0) return -1;
    bx_put_u8(&s->w, '"');
    done = bx_json_copy_plain(s->w.p, text, size, true);
    s->w.p += done;
    if (BX_UNLIKELY(done < size)) {
        if (!bx_utf8_is_valid(text + done, size - done)) return 0;
        if (show_characters(s, text + done, text + size) < 0) return -1;
    }
    bx_put_u8(&s->w, '"');
    return 1;
}

/* ---- keys ---- */

static bool is_name(const uint8_t *name, size_t size, const char *wanted)
{
    return size == strlen(wanted) && memcmp(name, wanted, size) == 0;
}

/* A document with $ref and $id is decoded to a reference, which puts its fields in an order of its
 * own. False where that could show, or where the class of references has a word in it. */
static BX_NOINLINE bool check_reference(bx_shown *top, uint8_t type, const uint8_t *name,
                                        size_t size)
{
    if (is_name(name, size, "$ref")) {
        top->reference = top->count == 0;
        return top->reference;
    }
    if (!top->reference) return true;
    if (is_name(name, size, "$id")) return top->count == 1;
    if (is_name(name, size, "$db")) return top->count == 2 && type == BX_STRING;
    return top->count > 1 && !is_name(name, size, "items") && !is_name(name, size, "__iter__");
}

/* The key at s->p, behind the type of its element: 1, 0, -1. */
BX_INLINE int show_key(bx_shower *s, uint8_t type)
{
    bx_shown *top = s->top;
    const uint8_t *name = s->p;
    const uint8_t *nul = memchr(name, 0, (size_t)(top->last - name));
    size_t size;
    int status;

    if (BX_UNLIKELY(nul == NULL)) return 0;
    size = (size_t)(nul - name);
    s->p = nul + 1;
    if (BX_UNLIKELY(!bx_note_key(&s->keys, top->keys, s->document, (size_t)(name - s->document),
                                 size))) {
        return 0;
    }
    if (top->kind == BX_SHOWN_PART && BX_UNLIKELY(*name == '$' || top->reference) &&
        !check_reference(top, type, name, size)) {
        return 0;
    }
    status = bx_show_text(s, name, size);
    if (BX_UNLIKELY(status <= 0)) return status;
    if (bx_shower_reserve(s, 2) < 0) return -1;
    BX_SHOW(s, ": ");
    return 1;
}

/* Array items are named by their position, which nobody checks. */
BX_INLINE bool skip_name(bx_shower *s)
{
    const uint8_t *p = s->p, *last = s->top->last;

    while (p < last && *p != 0) p++;
    s->p = p + 1;
    return p < last;
}

/* ---- containers ---- */

int bx_show_open(bx_shower *s, const uint8_t *end, bx_shown_kind kind)
{
    const uint8_t *p = s->p, *last;
    bx_shown *next = s->top + 1;

    if (bx_take_document(&p, end, &last) == NULL) return 0;
    if (BX_UNLIKELY(s->top == s->open + BX_MAX_DEPTH)) return 0;
    if (bx_shower_reserve(s, 1) < 0) return -1;
    bx_put_u8(&s->w, kind == BX_SHOWN_ARRAY ? '[' : '{');
    s->p += 4;
    next->last = last;
    next->keys = (uint32_t)s->keys.count;
    next->count = 0;
    next->kind = kind;
    next->reference = false;
    s->top = next;
    return 1;
}

static int show_close(bx_shower *s)
{
    const bx_shown *top = s->top;

    if (bx_shower_reserve(s, 2) < 0) return -1;
    s->p = top->last + 1;
    s->top--;
    if (top->kind == BX_SHOWN_ARRAY) {
        bx_put_u8(&s->w, ']');
        return 1;
    }
    if (top->reference && top->count < 2) return 0; /* a document after all: rare */
    if (!bx_forget_keys(&s->keys, top->keys, s->document)) return 0;
    bx_put_u8(&s->w, '}');
    if (top->kind == BX_SHOWN_SCOPE) bx_put_u8(&s->w, '}');
    return 1;
}

/* The element at s->p: 1, 0, -1. */
BX_INLINE int show_element(bx_shower *s)
{
    bx_shown *top = s->top;
    uint8_t type = *s->p++;
    int status = 1;

    if (top->count > 0) {
        if (bx_shower_reserve(s, 2) < 0) return -1;
        BX_SHOW(s, ", ");
    }
    if (top->kind == BX_SHOWN_ARRAY) {
        if (BX_UNLIKELY(!skip_name(s))) return 0;
    } else {
        status = show_key(s, type);
        if (BX_UNLIKELY(status <= 0)) return status;
    }
    top->count++;
    return bx_show_value(s, type, top->last);
}

/* The document at s->p, which must end at or before `end`: 1 and s->p is behind it, 0, -1. */
static int show_document(bx_shower *s, const uint8_t *end)
{
    int status;

    s->top = s->open;
    s->keys.count = 0;
    s->document = s->p;
    status = bx_show_open(s, end, BX_SHOWN_DOCUMENT);
    while (BX_LIKELY(status > 0) && s->top > s->open) {
        status = s->p == s->top->last ? show_close(s) : show_element(s);
    }
    return status;
}

/* ---- options ---- */

/* 1, 0 it is none from 0 to `most`, -1. */
static int read_number(PyObject *options, PyObject *name, int most, int *number)
{
    PyObject *value = PyObject_GetAttr(options, name);
    int64_t wide = -1;
    int known;

    if (value == NULL) return -1;
    known = PyLong_Check(value) && bx_long_as_int64(value, &wide) && wide >= 0 && wide <= most;
    Py_DECREF(value);
    *number = (int)wide;
    return known;
}

static int read_truth(PyObject *options, PyObject *name, bool *truth)
{
    int value = bx_json_read_truth(options, name);

    *truth = value > 0;
    return value < 0 ? -1 : 1;
}

/* Whether values are decoded as the writer takes them to be. */
static bool decodes_plainly(bx_state *st, const bx_options *codec)
{
    bool plain_class = codec->document_kind == BX_CLASS_DICT ||
                       codec->document_class == (PyObject *)st->SON;
    bool plain_date = codec->datetime_conversion == BX_DATETIME_OBJECT ||
                      codec->datetime_conversion == BX_DATETIME_MS ||
                      codec->datetime_conversion == BX_DATETIME_AUTO;

    return plain_class && plain_date && codec->decoders == NULL && codec->errors == NULL &&
           (codec->tzinfo == NULL || codec->tzinfo == st->utc) && codec->plan == NULL;
}

/* 1, 0 if only the pure implementation knows what to make of them, -1. */
static int read_options(bx_shower *s, bx_json *j, PyObject *options)
{
    bx_options *codec;
    int status = 1;

    if (!PyObject_TypeCheck(options, j->JSONOptions)) return 0;
    codec = bx_options_hold(j->st, options);
    if (codec == NULL) {
        if (!PyErr_ExceptionMatches(PyExc_Exception)) return -1;
        PyErr_Clear();
        return 0;
    }
    if (!decodes_plainly(j->st, codec)) status = 0;
    s->uuids = codec->uuid_representation;
    bx_options_release(j->st, codec);
    if (status > 0) status = read_number(options, j->s_json_mode, BX_JSON_CANONICAL, &s->mode);
    if (status > 0) {
        status = read_number(options, j->s_datetime_representation, BX_JSON_DATE_ISO8601,
                             &s->dates);
    }
    if (status > 0) status = read_truth(options, j->s_strict_number_long, &s->strict_number_long);
    if (status > 0) status = read_truth(options, j->s_strict_uuid, &s->strict_uuid);
    return status;
}

/* ---- the calls ---- */

/* A new writer: NULL with an exception, or without one for the pure implementation. */
static bx_shower *new_shower(bx_json *j, PyObject *options, bool ascii)
{
    bx_shower *s;

    if (bx_bind(j->st) < 0) return NULL;
    s = PyMem_RawMalloc(sizeof *s);
    if (s == NULL) {
        PyErr_NoMemory();
        return NULL;
    }
    s->st = j->st;
    s->ascii = ascii;
    s->thread = NULL;
    s->keys = (bx_noted_keys){NULL, NULL, 0, 0};
    if (read_options(s, j, options) <= 0) {
        PyMem_RawFree(s);
        return NULL;
    }
    bx_writer_init(&s->w, NULL);
    return s;
}

static void free_shower(bx_shower *s)
{
    bx_writer_abandon(&s->w);
    bx_noted_keys_free(&s->keys);
    PyMem_RawFree(s);
}

static PyObject *none_unless_error(void)
{
    return PyErr_Occurred() ? NULL : Py_NewRef(Py_None);
}

static PyObject *as_str(bx_shower *s)
{
    Py_ssize_t size = (Py_ssize_t)bx_writer_size(&s->w);
    PyObject *text;

    if (!s->ascii) return PyUnicode_DecodeUTF8((const char *)s->w.base, size, NULL);
    text = PyUnicode_New(size, 127);
    if (text != NULL) memcpy(PyUnicode_DATA(text), s->w.base, (size_t)size);
    return text;
}

PyObject *bx_json_from_bson(bx_json *j, PyObject *data, PyObject *options, bool ascii)
{
    bx_shower *s = new_shower(j, options, ascii);
    PyObject *text = NULL;
    bx_input input;
    int status;

    if (s == NULL) return none_unless_error();
    if (bx_input_open(&input, data, j->st->default_options) < 0) {
        free_shower(s);
        return NULL;
    }
    s->p = input.data;
    status = show_document(s, input.data + input.size);
    if (status > 0 && s->p == input.data + input.size) {
        text = as_str(s);
    } else if (status >= 0) {
        text = Py_NewRef(Py_None);
    }
    bx_input_close(&input);
    free_shower(s);
    return text;
}

/* Documents from s->p on, as lines: 1, 0 if s->p is at one that is left to the pure implementation,
 * -1. */
static int show_lines(bx_shower *s, const uint8_t *end)
{
    while (s->p < end) {
        const uint8_t *start = s->p;
        size_t size = bx_writer_size(&s->w);
        int status = show_document(s, end);

        if (BX_LIKELY(status > 0)) {
            if (bx_shower_reserve(s, 1) < 0) return -1;
            bx_put_u8(&s->w, '\n');
            continue;
        }
        s->p = start;
        s->w.p = s->w.base + size;
        return status;
    }
    return 1;
}

PyObject *bx_json_write_lines(bx_json *j, PyObject *data, Py_ssize_t start, PyObject *options,
                              bool ascii)
{
    const uint8_t *base = (const uint8_t *)PyBytes_AS_STRING(data);
    const uint8_t *end = base + PyBytes_GET_SIZE(data);
    bx_shower *s = new_shower(j, options, ascii);
    PyObject *lines = NULL;
    int status;

    if (s == NULL) return none_unless_error();
    s->p = base + start;
    s->thread = PyEval_SaveThread();
    status = show_lines(s, end);
    PyEval_RestoreThread(s->thread);
    s->thread = NULL;
    if (status >= 0) lines = bx_writer_finish(&s->w);
    if (lines != NULL) {
        lines = Py_BuildValue("Nn", lines, (Py_ssize_t)(s->p - base));
    }
    free_shower(s);
    return lines;
}
