/* Documents, arrays and plain values of JSON to BSON. Nesting is kept in the reader, not on the C
 * stack. */
#include "json/to_bson.h"

#include "core/utf8.h"
#include "json/number.h"
#include "json/text.h"

/* ---- the reader ---- */

bx_reader *bx_reader_new(bx_state *st)
{
    bx_reader *r = PyMem_RawMalloc(sizeof *r);

    if (r == NULL) {
        PyErr_NoMemory();
        return NULL;
    }
    bx_documents_init(&r->out, st);
    r->st = st;
    r->id_field = NULL;
    r->id_field_size = 0;
    r->make_ids = false;
    r->trusted = false;
    r->thread = NULL;
    r->keys = (bx_noted_keys){NULL, NULL, 0, 0};
    return r;
}

void bx_reader_free(bx_reader *r)
{
    bx_documents_abandon(&r->out);
    bx_noted_keys_free(&r->keys);
    PyMem_RawFree(r);
}

void bx_reader_unlock(bx_reader *r)
{
    if (r->thread == NULL) r->thread = PyEval_SaveThread();
}

void bx_reader_lock(bx_reader *r)
{
    PyThreadState *thread = r->thread;

    r->thread = NULL;
    if (thread != NULL) PyEval_RestoreThread(thread);
}

int bx_reader_grow(bx_reader *r, size_t size)
{
    bool unlocked = r->thread != NULL;
    int status;

    bx_reader_lock(r);
    status = bx_writer_grow(&r->out.w, size);
    if (unlocked) bx_reader_unlock(r);
    return status;
}

/* ---- strings ---- */

/* Characters with escapes from `start` on, of which the first stops the plain text. */
static BX_NOINLINE int put_escaped(bx_reader *r, const uint8_t *start, const uint8_t *stop,
                                   unsigned high)
{
    for (;;) {
        size_t size = (size_t)(stop - start);
        int32_t c;

        if (high != 0 && !r->trusted && !bx_utf8_is_valid(start, size)) return 0;
        if (bx_reader_reserve(r, size + 8) < 0) return -1;
        bx_put_bytes(&r->out.w, start, size);
        if (*stop == '"') {
            r->at.p = stop + 1;
            return 1;
        }
        if (*stop != '\\' || stop >= r->at.end) return 0;
        c = bx_read_escape(&stop, r->at.end);
        if (c < 0 || (c >= 0xD800 && c <= 0xDFFF)) return 0;
        if (c == 0) r->met_nul = true;
        r->out.w.p = bx_utf8_put(r->out.w.p, (uint32_t)c);
        start = stop;
        high = 0;
        stop = bx_skip_plain(start, r->at.end, &high);
    }
}

int bx_reader_text(bx_reader *r)
{
    const uint8_t *start = r->at.p + 1;
    const uint8_t *stop;
    unsigned high = 0;
    size_t size;

    if (BX_UNLIKELY(*r->at.p != '"')) return 0;
    stop = bx_skip_plain(start, r->at.end, &high);
    if (BX_UNLIKELY(*stop != '"')) return put_escaped(r, start, stop, high);
    size = (size_t)(stop - start);
    if (BX_UNLIKELY(high != 0) && !r->trusted && !bx_utf8_is_valid(start, size)) return 0;
    if (bx_reader_reserve(r, size + 8) < 0) return -1;
    bx_copy_text(r->out.w.p, start, size);
    r->out.w.p += size;
    r->at.p = stop + 1;
    return 1;
}

int bx_reader_string(bx_reader *r)
{
    size_t start;
    int status;

    if (bx_reader_reserve(r, 8) < 0) return -1;
    start = bx_put_size_later(&r->out.w);
    status = bx_reader_text(r);
    if (BX_UNLIKELY(status <= 0)) return status;
    bx_put_u8(&r->out.w, 0);
    bx_patch_u32(&r->out.w, start, (uint32_t)(bx_writer_size(&r->out.w) - start - 4));
    return 1;
}

/* ---- keys ---- */

/* The keys of the document itself are elsewhere in the output by now. */
static void move_names(bx_reader *r, size_t count, int by)
{
    for (size_t i = 0; i < count; i++) r->keys.names[i] += (uint32_t)by;
}

/* The `_id` of the document begins at `element`, with its name: another is not needed. */
static void found_id(bx_reader *r, size_t element)
{
    if (r->out.has_made) {
        bx_documents_take_new_id(&r->out);
        move_names(r, r->keys.count, -BX_ID_ELEMENT);
        element -= BX_ID_ELEMENT;
    }
    r->id_at = element;
}

/* The `_id`, of which the output has all by now, comes first. */
static BX_NOINLINE int move_id_first(bx_reader *r)
{
    size_t first = r->out.start + 4, from = r->id_at;
    size_t size = bx_writer_size(&r->out.w) - from;
    size_t key = r->keys.count - 1;
    uint8_t *base;

    r->id_at = 0;
    if (from == first) return 1;
    if (bx_reader_reserve(r, size) < 0) return -1;
    base = r->out.w.base;
    memcpy(r->out.w.p, base + from, size);
    memmove(base + first + size, base + first, from - first);
    memcpy(base + first, r->out.w.p, size);
    move_names(r, key, (int)size);
    r->keys.names[key] = (uint32_t)first + 1;
    return 1;
}

BX_INLINE bool name_is_id(const uint8_t *name, size_t size)
{
    return size == 3 && memcmp(name, "_id", 3) == 0;
}

/* What a key of the document itself means for its `_id`: the new size of the name. */
static size_t check_id(bx_reader *r, size_t element, size_t size)
{
    uint8_t *name = r->out.w.base + element + 1;

    if (r->id_field != NULL && size == r->id_field_size && memcmp(name, r->id_field, size) == 0) {
        size = 3;
        memcpy(name, "_id", 4);
        r->out.w.p = name + 4;
    }
    return size;
}

/* Whether a key that starts with "$" is one of a document here. */
static BX_NOINLINE bool is_plain_dollar(const bx_reader *r, const uint8_t *name, size_t size)
{
    bool reference = size == 4 && memcmp(name, "$ref", 4) == 0;

    /* A reference is a document in BSON too, with the same fields in the same order. */
    if (reference) return r->top->kind == BX_OPEN_OBJECT;
    return !bx_is_wrapper_key(name, size);
}

/* The key at r->at.p: its element begins, and r->at.p is behind the colon. 1, 0, -1. */
BX_INLINE int begin_member(bx_reader *r, size_t *element)
{
    const uint8_t *name;
    size_t size, at;
    int status;

    if (bx_reader_reserve(r, 16) < 0) return -1;
    *element = at = bx_writer_size(&r->out.w);
    r->out.w.p++;
    r->met_nul = false;
    status = bx_reader_text(r);
    if (BX_UNLIKELY(status <= 0)) return status;
    if (BX_UNLIKELY(r->met_nul)) return 0;
    bx_put_u8(&r->out.w, 0);
    name = r->out.w.base + at + 1;
    size = bx_writer_size(&r->out.w) - at - 2;
    if (BX_UNLIKELY(*name == '$') && !is_plain_dollar(r, name, size)) return 0;
    if (BX_UNLIKELY(r->top->kind == BX_OPEN_TOP)) {
        size = check_id(r, at, size);
        if (name_is_id(name, size)) {
            found_id(r, at);
            *element = at = r->id_at;
        }
    }
    if (BX_UNLIKELY(!bx_note_key(&r->keys, r->top->count, r->out.w.base, at + 1, size))) return 0;
    bx_skip_space(&r->at);
    if (BX_UNLIKELY(*r->at.p != ':')) return 0;
    r->at.p++;
    bx_skip_space(&r->at);
    return 1;
}

/* The element of the next item of an array. */
BX_INLINE int begin_item(bx_reader *r, size_t *element)
{
    uint32_t index = r->top->count++;
    uint8_t *p;

    if (bx_reader_reserve(r, 24) < 0) return -1;
    *element = bx_writer_size(&r->out.w);
    p = r->out.w.p + 1;
    if (index < 10) {
        *p++ = (uint8_t)('0' + index);
    } else {
        p = bx_json_write_int(p, index);
    }
    *p = 0;
    r->out.w.p = p + 1;
    return 1;
}

/* ---- values ---- */

int bx_reader_double_slow(bx_reader *r, bx_json_span text, double *value)
{
    bool unlocked = r->thread != NULL;
    int status;

    bx_reader_lock(r);
    status = bx_double_read_slow(text.text, text.size, value);
    if (unlocked) bx_reader_unlock(r);
    return status;
}

/* There is room for the number. */
static int read_number(bx_reader *r, size_t element)
{
    bx_number n;
    int64_t number;
    double value;

    if (BX_UNLIKELY(!bx_scan_number(r->at.p, &n))) return 0;
    if (n.is_double) {
        if (BX_UNLIKELY(!bx_number_as_double(&n, &value))) {
            bx_json_span text = {r->at.p, (size_t)(n.end - r->at.p)};

            if (bx_reader_double_slow(r, text, &value) < 0) return -1;
        }
        if (BX_UNLIKELY(bx_is_lost(&n, value))) return 0;
        r->at.p = n.end;
        return bx_reader_put_double(r, element, value);
    }
    if (BX_UNLIKELY(n.digits > 19 || !bx_with_sign(n.mantissa, n.negative, &number))) return 0;
    r->at.p = n.end;
    if (BX_LIKELY(number == (int32_t)number)) {
        bx_reader_set_type(r, element, BX_INT32);
        bx_put_u32(&r->out.w, (uint32_t)number);
    } else {
        bx_reader_set_type(r, element, BX_INT64);
        bx_put_u64(&r->out.w, (uint64_t)number);
    }
    return 1;
}

static BX_NOINLINE int read_not_finite(bx_reader *r, size_t element)
{
    if (BX_SKIP_WORD(&r->at, "NaN")) return bx_reader_put_double(r, element, Py_NAN);
    if (BX_SKIP_WORD(&r->at, "Infinity")) return bx_reader_put_double(r, element, Py_HUGE_VAL);
    if (BX_SKIP_WORD(&r->at, "-Infinity")) return bx_reader_put_double(r, element, -Py_HUGE_VAL);
    return 0;
}

static int read_bool(bx_reader *r, size_t element, bool value)
{
    if (!(value ? BX_SKIP_WORD(&r->at, "true") : BX_SKIP_WORD(&r->at, "false"))) return 0;
    bx_reader_set_type(r, element, BX_BOOL);
    bx_put_u8(&r->out.w, value);
    return 1;
}

static int read_null(bx_reader *r, size_t element)
{
    if (!BX_SKIP_WORD(&r->at, "null")) return 0;
    bx_reader_set_type(r, element, BX_NULL);
    return 1;
}

/* ---- containers ---- */

int bx_reader_open(bx_reader *r, bx_open_kind kind)
{
    bx_open *next = r->top + 1;

    if (BX_UNLIKELY(r->top == r->open + BX_MAX_DEPTH)) return 0;
    if (bx_reader_reserve(r, 16) < 0) return -1;
    next->start = (uint32_t)bx_put_size_later(&r->out.w);
    next->count = kind == BX_OPEN_ARRAY ? 0 : (uint32_t)r->keys.count;
    next->kind = kind;
    r->top = next;
    return 1;
}

/* At the brace. */
static int open_object(bx_reader *r, size_t element)
{
    int status;

    r->at.p++;
    bx_skip_space(&r->at);
    if (BX_UNLIKELY(r->at.p[0] == '"' && r->at.p[1] == '$')) {
        bx_wrapper kind = bx_reader_begin_wrapper(r);

        if (r->top == r->open + BX_MAX_DEPTH) return 0; /* it counts as a level */
        if (kind != BX_NO_WRAPPER) return bx_reader_wrapper(r, element, kind);
    }
    bx_reader_set_type(r, element, BX_DOCUMENT);
    status = bx_reader_open(r, BX_OPEN_OBJECT);
    if (status > 0 && *r->at.p == '}') return 2;
    return status;
}

static int open_array(bx_reader *r, size_t element)
{
    int status;

    r->at.p++;
    bx_skip_space(&r->at);
    bx_reader_set_type(r, element, BX_ARRAY);
    status = bx_reader_open(r, BX_OPEN_ARRAY);
    if (status > 0 && *r->at.p == ']') return 2;
    return status;
}

/* Close what r->top is, at its closing bracket. */
BX_INLINE int end_container(bx_reader *r)
{
    const bx_open *top = r->top;
    bool is_array = top->kind == BX_OPEN_ARRAY;

    if (BX_UNLIKELY(*r->at.p != (is_array ? ']' : '}'))) return 0;
    r->at.p++;
    r->top--;
    if (BX_UNLIKELY(top->kind == BX_OPEN_CODE)) {
        bx_patch_u32(&r->out.w, top->start, (uint32_t)(bx_writer_size(&r->out.w) - top->start));
        return 1;
    }
    if (!is_array) {
        if (BX_UNLIKELY(!bx_forget_keys(&r->keys, top->count, r->out.w.base))) return 0;
        if (top->kind == BX_OPEN_TOP) return 1;
    }
    if (bx_reader_reserve(r, 1) < 0) return -1;
    bx_put_u8(&r->out.w, 0);
    bx_patch_u32(&r->out.w, top->start, (uint32_t)(bx_writer_size(&r->out.w) - top->start));
    return 1;
}

/* The value at r->at.p: 1 it is read, or a container is open and something is in it; 2 a container is
 * open and at its end; 0, -1. */
BX_INLINE int read_value(bx_reader *r, size_t element)
{
    if (bx_reader_reserve(r, 16) < 0) return -1;
    switch (*r->at.p) {
    case '"':
        bx_reader_set_type(r, element, BX_STRING);
        return bx_reader_string(r);
    case '{': return open_object(r, element);
    case '[': return open_array(r, element);
    case 't': return read_bool(r, element, true);
    case 'f': return read_bool(r, element, false);
    case 'n': return read_null(r, element);
    case 'N':
    case 'I': return read_not_finite(r, element);
    case '-':
        if (BX_UNLIKELY(r->at.p[1] == 'I')) return read_not_finite(r, element);
        return read_number(r, element);
    default: return read_number(r, element);
    }
}

/* Behind a value: 1 there is another one before r->at.p is at its end, 2 the document is read. */
static int next_place(bx_reader *r)
{
    for (;;) {
        int status;

        if (BX_UNLIKELY(r->id_at != 0) && r->top->kind == BX_OPEN_TOP && move_id_first(r) < 0) {
            return -1;
        }
        bx_skip_space(&r->at);
        if (*r->at.p == ',') {
            if (BX_UNLIKELY(r->top->kind == BX_OPEN_CODE)) return 0;
            r->at.p++;
            bx_skip_space(&r->at);
            return 1;
        }
        status = end_container(r);
        if (BX_UNLIKELY(status <= 0)) return status;
        if (r->top == r->open) return 2;
    }
}

static int read_members(bx_reader *r)
{
    int status;

    do {
        size_t element;
        bx_open *before = r->top;

        status = r->top->kind == BX_OPEN_ARRAY ? begin_item(r, &element)
                                               : begin_member(r, &element);
        if (BX_UNLIKELY(status <= 0)) return status;
        status = read_value(r, element);
        if (BX_UNLIKELY(status <= 0)) return status;
        /* Something was opened, and is not at its end. */
        if (r->top != before && status == 1) continue;
        status = next_place(r);
        if (BX_UNLIKELY(status <= 0)) return status;
    } while (status != 2);
    return 1;
}

static int begin_document(bx_reader *r)
{
    if (bx_reader_reserve(r, 64) < 0 || bx_documents_begin(&r->out) < 0) return -1;
    if (r->make_ids && bx_documents_put_new_id(&r->out, r->st) < 0) return -1;
    r->id_at = 0;
    r->keys.count = 0;
    r->top = r->open + 1;
    r->top->kind = BX_OPEN_TOP;
    r->top->count = 0;
    return 1;
}

static int end_document(bx_reader *r)
{
    bool unlocked = r->thread != NULL;
    int status;

    if (bx_reader_reserve(r, 1) < 0) return -1;
    if (BX_LIKELY(r->out.count < r->out.room)) return bx_documents_end(&r->out) < 0 ? -1 : 1;
    bx_reader_lock(r);
    status = bx_documents_end(&r->out);
    if (unlocked) bx_reader_unlock(r);
    return status < 0 ? -1 : 1;
}

int bx_reader_document(bx_reader *r)
{
    int status = begin_document(r);

    if (BX_UNLIKELY(status < 0)) return -1;
    r->at.p++;
    bx_skip_space(&r->at);
    if (BX_UNLIKELY(*r->at.p == '}')) {
        r->at.p++;
    } else {
        status = read_members(r);
    }
    if (BX_LIKELY(status > 0)) status = end_document(r);
    if (BX_UNLIKELY(status <= 0)) bx_documents_drop(&r->out);
    return status;
}

/* ---- one document ---- */

/* The text as UTF-8: a bytes object, Py_None for the pure implementation, NULL with an exception. */
static PyObject *open_text(PyObject *text, bx_cursor *at)
{
    PyObject *owner;

    if (PyUnicode_Check(text)) {
#if PY_VERSION_HEX < 0x030C0000
        if (PyUnicode_READY(text) < 0) return NULL;
#endif
        if (PyUnicode_IS_ASCII(text)) {
            at->p = PyUnicode_DATA(text);
            at->end = at->p + PyUnicode_GET_LENGTH(text);
            return Py_NewRef(text);
        }
        owner = PyUnicode_AsUTF8String(text);
        if (owner == NULL) {
            if (!PyErr_ExceptionMatches(PyExc_UnicodeEncodeError)) return NULL;
            PyErr_Clear();
            Py_RETURN_NONE;
        }
    } else {
        owner = PyBytes_CheckExact(text) ? Py_NewRef(text) : PyBytes_FromObject(text);
        if (owner == NULL) return NULL;
    }
    at->p = (const uint8_t *)PyBytes_AS_STRING(owner);
    at->end = at->p + PyBytes_GET_SIZE(owner);
    return owner;
}

/* Whether text from bytes can only be UTF-8 without a byte order mark: in another encoding a NUL is
 * among its first four bytes, or a mark, whose first byte is none of ASCII. */
static bool is_plain_utf8(const bx_cursor *at)
{
    const uint8_t *p = at->p;

    if (at->end - p < 4) return false;
    return p[0] != 0 && p[1] != 0 && p[2] != 0 && p[3] != 0 && p[0] < 0x80;
}

static int read_text(bx_reader *r)
{
    int status;

    bx_skip_space(&r->at);
    if (*r->at.p != '{') return 0;
    status = bx_reader_document(r);
    if (status <= 0) return status;
    bx_skip_space(&r->at);
    return r->at.p == r->at.end;
}

static PyObject *to_bson(bx_state *st, const bx_cursor *at, bool trusted)
{
    bx_reader *r = bx_reader_new(st);
    PyObject *data = NULL;
    int status;

    if (r == NULL) return NULL;
    r->at = *at;
    r->trusted = trusted;
    status = read_text(r);
    if (status > 0) {
        data = bx_writer_finish(&r->out.w);
    } else if (status == 0 || PyErr_ExceptionMatches(st->InvalidDocument)) {
        PyErr_Clear(); /* too large: the pure implementation has the words */
        data = Py_NewRef(Py_None);
    }
    bx_reader_free(r);
    return data;
}

PyObject *bx_json_to_bson(bx_state *st, PyObject *text)
{
    PyObject *owner, *data;
    bx_cursor at;

    if (bx_bind(st) < 0) return NULL;
    if (!PyUnicode_Check(text) && !PyObject_CheckBuffer(text)) Py_RETURN_NONE; /* an error */
    owner = open_text(text, &at);
    if (owner == NULL || owner == Py_None) return owner;
    if (!PyUnicode_Check(text) && !is_plain_utf8(&at)) {
        data = Py_NewRef(Py_None);
    } else {
        data = to_bson(st, &at, PyUnicode_Check(text));
    }
    Py_DECREF(owner);
    return data;
}
