/* Pieces of JSON text: see text.h. Strings are searched for what must be escaped 16 bytes at a time,
 * and copied on the way. */
#include "json/text.h"

#include "core/hex.h"
#include "core/utf8.h"

/* ---- integers ---- */

static const char DIGIT_PAIRS[] =
    "00010203040506070809101112131415161718192021222324252627282930313233343536373839404142434445"
    "46474849505152535455565758596061626364656667686970717273747576777879808182838485868788899091"
    "9293949596979899";

uint8_t *bx_json_write_digits2(uint8_t *p, unsigned value)
{
    memcpy(p, DIGIT_PAIRS + 2 * value, 2);
    return p + 2;
}

uint8_t *bx_json_write_digits3(uint8_t *p, unsigned value)
{
    *p = (uint8_t)('0' + value / 100);
    return bx_json_write_digits2(p + 1, value % 100);
}

uint8_t *bx_json_write_digits4(uint8_t *p, unsigned value)
{
    return bx_json_write_digits2(bx_json_write_digits2(p, value / 100), value % 100);
}

static uint8_t *write_unsigned(uint8_t *p, uint64_t value)
{
    uint8_t buffer[20];
    uint8_t *start = buffer + sizeof buffer;
    size_t n;

    while (value >= 100) {
        start -= 2;
        memcpy(start, DIGIT_PAIRS + 2 * (value % 100), 2);
        value /= 100;
    }
    if (value >= 10) {
        start -= 2;
        memcpy(start, DIGIT_PAIRS + 2 * value, 2);
    } else {
        *--start = (uint8_t)('0' + value);
    }
    n = (size_t)(buffer + sizeof buffer - start);
    memcpy(p, start, n);
    return p + n;
}

uint8_t *bx_json_write_int(uint8_t *p, int64_t value)
{
    if (value < 0) {
        *p++ = '-';
        return write_unsigned(p, 0 - (uint64_t)value);
    }
    return write_unsigned(p, (uint64_t)value);
}

/* ---- strings ---- */

static uint8_t *write_hex4(uint8_t *p, unsigned c)
{
    const uint8_t bytes[2] = {(uint8_t)(c >> 8), (uint8_t)c};

    p[0] = '\\';
    p[1] = 'u';
    return bx_hex_write(p + 2, bytes, 2);
}

/* A character below 0x80 that cannot stand for itself. */
static uint8_t *write_escape(uint8_t *p, unsigned c)
{
    uint8_t letter;

    switch (c) {
    case '"': letter = '"'; break;
    case '\\': letter = '\\'; break;
    case '\n': letter = 'n'; break;
    case '\r': letter = 'r'; break;
    case '\t': letter = 't'; break;
    case '\f': letter = 'f'; break;
    case '\b': letter = 'b'; break;
    default: return write_hex4(p, c);
    }
    p[0] = '\\';
    p[1] = letter;
    return p + 2;
}

BX_INLINE bool is_plain(unsigned c, bool ascii)
{
    return c >= 0x20 && c != '"' && c != '\\' && (c < 0x7F || (c == 0x7F && !ascii));
}

/* One character in at most 12 bytes. */
BX_INLINE uint8_t *write_character(uint8_t *p, Py_UCS4 c, bool ascii)
{
    if (BX_LIKELY(is_plain(c, ascii))) {
        *p = (uint8_t)c;
        return p + 1;
    }
    if (c < 0x80) return write_escape(p, c);
    if (!ascii) return bx_utf8_put(p, c);
    if (c >= 0x10000) {
        c -= 0x10000;
        p = write_hex4(p, 0xD800 | (c >> 10));
        c = 0xDC00 | (c & 0x3FF);
    }
    return write_hex4(p, c);
}

/* Whether one of eight bytes cannot stand for itself. */
BX_INLINE bool has_odd(uint64_t w, bool ascii)
{
    const uint64_t ones = UINT64_C(0x0101010101010101);
    uint64_t odd = (w - ones * 0x20) & ~w & (ones * 0x80);

    odd |= w & (ones * 0x80);
    odd |= bx_zero_byte(w ^ (ones * '"')) | bx_zero_byte(w ^ (ones * '\\'));
    if (ascii) odd |= bx_zero_byte(w ^ (ones * 0x7F));
    return odd != 0;
}

/* The same for 4 to 15 bytes; they are copied if they are all plain. */
BX_INLINE bool copy_short(uint8_t *dst, const uint8_t *src, size_t n, bool ascii)
{
    if (n >= 8) {
        uint64_t head, tail;

        memcpy(&head, src, 8);
        memcpy(&tail, src + n - 8, 8);
        if (has_odd(head, ascii) || has_odd(tail, ascii)) return false;
        memcpy(dst, &head, 8);
        memcpy(dst + n - 8, &tail, 8);
    } else {
        uint32_t head, tail;

        memcpy(&head, src, 4);
        memcpy(&tail, src + n - 4, 4);
        if (has_odd(head | (uint64_t)tail << 32, ascii)) return false;
        memcpy(dst, &head, 4);
        memcpy(dst + n - 4, &tail, 4);
    }
    return true;
}

#if BX_SSE2
/* A bit for each of 16 bytes that cannot stand for itself. */
BX_INLINE unsigned odd_bytes(__m128i v, bool ascii)
{
    /* Signed comparison: bytes from 0x80 on are negative, thus below 0x20. */
    __m128i odd = _mm_or_si128(
        _mm_cmplt_epi8(v, _mm_set1_epi8(0x20)),
        _mm_or_si128(_mm_cmpeq_epi8(v, _mm_set1_epi8('"')),
                     _mm_cmpeq_epi8(v, _mm_set1_epi8('\\'))));

    if (ascii) odd = _mm_or_si128(odd, _mm_cmpeq_epi8(v, _mm_set1_epi8(0x7F)));
    return (unsigned)_mm_movemask_epi8(odd);
}

/* Copy at least 16 bytes as far as they are plain. */
static size_t copy_long(uint8_t *dst, const uint8_t *src, size_t n, bool ascii)
{
    size_t i = 0;

    for (;;) {
        __m128i v = _mm_loadu_si128((const __m128i *)(src + i));
        unsigned odd = odd_bytes(v, ascii);

        _mm_storeu_si128((__m128i *)(dst + i), v);
        if (BX_UNLIKELY(odd != 0)) return i + (size_t)bx_ctz64(odd);
        if (i + 16 == n) return n;
        i = i + 32 <= n ? i + 16 : n - 16;
    }
}
#endif

BX_INLINE size_t copy_plain(uint8_t *dst, const uint8_t *src, size_t n, bool ascii)
{
    size_t i = 0;

#if BX_SSE2
    if (n >= 16) return copy_long(dst, src, n, ascii);
#else
    for (; i + 16 <= n; i += 8) {
        uint64_t w;

        memcpy(&w, src + i, 8);
        if (has_odd(w, ascii)) break;
        memcpy(dst + i, &w, 8);
    }
#endif
    if (n - i >= 4 && n - i < 16 && copy_short(dst + i, src + i, n - i, ascii)) return n;
    for (; i < n && is_plain(src[i], ascii); i++) dst[i] = src[i];
    return i;
}

size_t bx_json_copy_plain(uint8_t *dst, const uint8_t *src, size_t n, bool ascii)
{
    return copy_plain(dst, src, n, ascii);
}

/* The character at *at, which is moved behind it. */
BX_INLINE Py_UCS4 read_utf8(const uint8_t **at)
{
    const uint8_t *p = *at;
    Py_UCS4 c = *p++;

    if (c >= 0xF0) {
        c = (c & 7) << 18 | (Py_UCS4)(p[0] & 63) << 12 | (Py_UCS4)(p[1] & 63) << 6 | (p[2] & 63);
        p += 3;
    } else if (c >= 0xE0) {
        c = (c & 15) << 12 | (Py_UCS4)(p[0] & 63) << 6 | (p[1] & 63);
        p += 2;
    } else if (c >= 0xC0) {
        c = (c & 31) << 6 | (p[0] & 63);
        p += 1;
    }
    *at = p;
    return c;
}

uint8_t *bx_json_write_utf8(uint8_t *p, const uint8_t *src, size_t n, bool ascii)
{
    const uint8_t *end = src + n;

    while (src < end) {
        size_t plain = copy_plain(p, src, (size_t)(end - src), ascii);

        p += plain;
        src += plain;
        if (src < end) p = write_character(p, read_utf8(&src), ascii);
    }
    return p;
}

/* Characters from `i` on, reserving for the rest in steps so that the worst case of 12 bytes each is
 * not asked for at once. */
static BX_NOINLINE int put_characters(bx_writer *w, PyObject *text, Py_ssize_t i, bool ascii)
{
    int kind = PyUnicode_KIND(text);
    const void *data = PyUnicode_DATA(text);
    Py_ssize_t n = PyUnicode_GET_LENGTH(text);

    while (i < n) {
        Py_ssize_t stop = n - i > 256 ? i + 256 : n;
        uint8_t *p;

        if (bx_writer_reserve(w, 12 * (size_t)(stop - i)) < 0) return -1;
        p = w->p;
        for (; i < stop; i++) p = write_character(p, PyUnicode_READ(kind, data, i), ascii);
        w->p = p;
    }
    return 0;
}

int bx_json_put_text(bx_writer *w, PyObject *text, bool ascii)
{
    Py_ssize_t n, done = 0;

#if PY_VERSION_HEX < 0x030C0000
    if (PyUnicode_READY(text) < 0) return -1;
#endif
    n = PyUnicode_GET_LENGTH(text);
    if (bx_writer_reserve(w, (size_t)n + 2) < 0) return -1;
    bx_put_u8(w, '"');
    if (PyUnicode_KIND(text) == PyUnicode_1BYTE_KIND) {
        done = (Py_ssize_t)copy_plain(w->p, PyUnicode_DATA(text), (size_t)n, ascii);
        w->p += done;
    }
    if (done < n) {
        if (put_characters(w, text, done, ascii) < 0) return -1;
        if (bx_writer_reserve(w, 1) < 0) return -1;
    }
    bx_put_u8(w, '"');
    return 0;
}

/* ---- base64 ---- */

static const char BASE64[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

uint8_t *bx_base64_write(uint8_t *p, const uint8_t *data, size_t size)
{
    size_t i = 0;

    for (; i + 3 <= size; i += 3) {
        uint32_t v = (uint32_t)data[i] << 16 | (uint32_t)data[i + 1] << 8 | data[i + 2];

        p[0] = (uint8_t)BASE64[v >> 18];
        p[1] = (uint8_t)BASE64[v >> 12 & 63];
        p[2] = (uint8_t)BASE64[v >> 6 & 63];
        p[3] = (uint8_t)BASE64[v & 63];
        p += 4;
    }
    if (i < size) {
        uint32_t v = (uint32_t)data[i] << 16 | (i + 1 < size ? (uint32_t)data[i + 1] << 8 : 0);

        p[0] = (uint8_t)BASE64[v >> 18];
        p[1] = (uint8_t)BASE64[v >> 12 & 63];
        p[2] = i + 1 < size ? (uint8_t)BASE64[v >> 6 & 63] : '=';
        p[3] = '=';
        p += 4;
    }
    return p;
}

/* The value of a digit, or 64 and more. */
static unsigned base64_value(uint8_t c)
{
    if (c >= 'A' && c <= 'Z') return c - 'A';
    if (c >= 'a' && c <= 'z') return c - 'a' + 26u;
    if (c >= '0' && c <= '9') return c - '0' + 52u;
    if (c == '+') return 62;
    if (c == '/') return 63;
    return 64;
}

static bool base64_quad(const uint8_t *text, uint32_t *value)
{
    unsigned a = base64_value(text[0]), b = base64_value(text[1]);
    unsigned c = base64_value(text[2]), d = base64_value(text[3]);

    *value = (uint32_t)(a << 18 | b << 12 | c << 6 | d);
    return (a | b | c | d) < 64;
}

/* The last four characters if they end in "=". */
static Py_ssize_t base64_tail(uint8_t *dst, const uint8_t *text)
{
    unsigned a = base64_value(text[0]), b = base64_value(text[1]), c = base64_value(text[2]);

    if ((a | b) >= 64) return -1;
    dst[0] = (uint8_t)(a << 2 | b >> 4);
    if (text[2] == '=') return (b & 15) == 0 ? 1 : -1;
    if (c >= 64 || (c & 3) != 0) return -1;
    dst[1] = (uint8_t)(b << 4 | c >> 2);
    return 2;
}

Py_ssize_t bx_base64_read(uint8_t *dst, const uint8_t *text, size_t size)
{
    uint8_t *p = dst;
    size_t whole = size > 0 && text[size - 1] == '=' ? size - 4 : size;
    Py_ssize_t tail = 0;
    uint32_t v;

    if (size % 4 != 0) return -1;
    for (size_t i = 0; i < whole; i += 4) {
        if (!base64_quad(text + i, &v)) return -1;
        p[0] = (uint8_t)(v >> 16);
        p[1] = (uint8_t)(v >> 8);
        p[2] = (uint8_t)v;
        p += 3;
    }
    if (whole < size) {
        tail = base64_tail(p, text + whole);
        if (tail < 0) return -1;
    }
    return p - dst + tail;
}
