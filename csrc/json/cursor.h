/* A place in JSON text, and its smallest parts. */
#ifndef BSONX_JSON_CURSOR_H
#define BSONX_JSON_CURSOR_H

#include "core/common.h"
#include "core/hex.h"

typedef struct {
    const uint8_t *p;   /* next byte to read */
    const uint8_t *end; /* a control character (NUL or a line's end) stands there and may be read */
} bx_cursor;

/* Text between quotes in which every byte stands for itself. */
typedef struct {
    const uint8_t *text;
    size_t size;
} bx_json_span;

BX_INLINE void bx_skip_space(bx_cursor *c)
{
    while ((*c->p == ' ' || *c->p == '\n' || *c->p == '\r' || *c->p == '\t') && c->p < c->end) {
        c->p++;
    }
}

BX_INLINE bool bx_is_digit(uint8_t c)
{
    return (uint8_t)(c - '0') <= 9;
}

/* ---- strings ---- */

/* The first byte from `p` on that ends plain text: a quote, a backslash, a control character (one
 * stands at `end`). Where *high stays 0, no byte before it is above 0x7F. */
BX_INLINE const uint8_t *bx_skip_plain(const uint8_t *p, const uint8_t *end, unsigned *high)
{
    uint8_t all = 0;

#if BX_SSE2
    while (end - p >= 16) {
        __m128i v = _mm_loadu_si128((const __m128i *)p);
        __m128i control = _mm_cmpeq_epi8(_mm_min_epu8(v, _mm_set1_epi8(0x1F)), v);
        __m128i odd = _mm_or_si128(control, _mm_or_si128(_mm_cmpeq_epi8(v, _mm_set1_epi8('"')),
                                                         _mm_cmpeq_epi8(v, _mm_set1_epi8('\\'))));
        unsigned mask = (unsigned)_mm_movemask_epi8(odd);

        *high |= (unsigned)_mm_movemask_epi8(v);
        if (mask != 0) return p + bx_ctz64(mask);
        p += 16;
    }
#else
    (void)end;
#endif
    for (; *p >= 0x20 && *p != '"' && *p != '\\'; p++) all |= *p;
    *high |= all & 0x80;
    return p;
}

/* Read a string without escapes as it stands; false if there is none. */
BX_INLINE bool bx_read_span(bx_cursor *c, bx_json_span *span)
{
    const uint8_t *stop;
    unsigned high = 0;

    if (*c->p != '"') return false;
    stop = bx_skip_plain(c->p + 1, c->end, &high);
    if (*stop != '"') return false;
    span->text = c->p + 1;
    span->size = (size_t)(stop - span->text);
    c->p = stop + 1;
    return true;
}

BX_INLINE bool bx_span_is(bx_json_span span, const char *text)
{
    return span.size == strlen(text) && memcmp(span.text, text, span.size) == 0;
}

/* Four hexadecimal digits; -1 if they are not. */
static inline int32_t bx_read_hex4(const uint8_t *p, const uint8_t *end)
{
    uint8_t bytes[2];

    if (end - p < 4 || !bx_hex_read(bytes, p, 2)) return -1;
    return (int32_t)bytes[0] << 8 | bytes[1];
}

/* The escape at *at, of the form \uXXXX: two of them that make a surrogate pair are one character.
 * -1 if it is malformed. */
static inline int32_t bx_read_unicode_escape(const uint8_t **at, const uint8_t *end)
{
    const uint8_t *p = *at;
    int32_t c = bx_read_hex4(p + 2, end), low;

    *at = p += 6;
    if (c < 0xD800 || c > 0xDBFF || end - p < 6 || p[0] != '\\' || p[1] != 'u') return c;
    low = bx_read_hex4(p + 2, end);
    if (low < 0) return -1;
    if (low < 0xDC00 || low > 0xDFFF) return c;
    *at = p + 6;
    return 0x10000 + ((c - 0xD800) << 10 | (low - 0xDC00));
}

/* The character of the escape at *at, which is moved behind it; -1 if it is malformed. */
static inline int32_t bx_read_escape(const uint8_t **at, const uint8_t *end)
{
    const uint8_t *p = *at;

    if (p[1] == 'u') return bx_read_unicode_escape(at, end);
    *at = p + 2;
    switch (p[1]) {
    case '"': return '"';
    case '\\': return '\\';
    case '/': return '/';
    case 'b': return '\b';
    case 'f': return '\f';
    case 'n': return '\n';
    case 'r': return '\r';
    case 't': return '\t';
    default: return -1;
    }
}

/* ---- words and punctuation ---- */

BX_INLINE bool bx_skip_word(bx_cursor *c, const char *word, size_t size)
{
    if ((size_t)(c->end - c->p) < size || memcmp(c->p, word, size) != 0) return false;
    c->p += size;
    return true;
}

#define BX_SKIP_WORD(c, word) bx_skip_word(c, word, sizeof(word) - 1)

/* A byte, and the blanks around it. */
static inline bool bx_skip_byte(bx_cursor *c, uint8_t byte)
{
    bx_skip_space(c);
    if (*c->p != byte) return false;
    c->p++;
    bx_skip_space(c);
    return true;
}

/* The key `name` and the colon behind it. */
static inline bool bx_skip_name(bx_cursor *c, const char *name)
{
    bx_json_span span;

    return bx_read_span(c, &span) && bx_span_is(span, name) && bx_skip_byte(c, ':');
}

/* The closing brace; what follows it is not looked at. */
static inline bool bx_skip_brace(bx_cursor *c)
{
    bx_skip_space(c);
    if (*c->p != '}') return false;
    c->p++;
    return true;
}

/* A string value and the closing brace. */
static inline bool bx_last_span(bx_cursor *c, bx_json_span *span)
{
    return bx_read_span(c, span) && bx_skip_brace(c);
}

/* The subtype of binary data: one or two hexadecimal digits; -1 for other text. */
BX_INLINE int bx_read_subtype(bx_json_span span)
{
    int high = 0, low;

    if (span.size < 1 || span.size > 2) return -1;
    if (span.size == 2) high = bx_hex_digit(span.text[0]);
    low = bx_hex_digit(span.text[span.size - 1]);
    return high < 0 || low < 0 ? -1 : high << 4 | low;
}

#endif
