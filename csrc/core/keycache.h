/* The key cache: the same key bytes give the same str object in all documents of the process.
 *
 * Keys stand in the order in which they came, and documents of one kind have their keys in one order:
 * most are found right behind the one read before, without hashing and in memory that is next. The
 * first 16 bytes of a key are compared as two 64-bit words. A key of up to 15 bytes is in them whole
 * (a key holds no NUL, so zero padding is unambiguous); of a longer one the rest is compared as well.
 *
 * A key is kept from its second sight on: what is data rather than a name costs a look, and holds
 * and displaces nothing. The cache starts small, grows while most keys that it does not have were
 * seen before, and gives back what nobody has used for a while. */
#ifndef BSONX_KEYCACHE_H
#define BSONX_KEYCACHE_H

#include "core/common.h"
#include "core/shapes.h"
#include "core/valuecache.h"

/* Entries: how many at first and at most, and how many make a page, the unit of giving back. */
#define BX_KEYS_LEAST_LOG2 12
#define BX_KEYS_MOST_LOG2 17
#define BX_KEYS_MOST (UINT32_C(1) << BX_KEYS_MOST_LOG2)
#define BX_KEY_PAGE_LOG2 12
#define BX_KEY_MARKS_LOG2 16
/* Decoding calls after which the cache looks at what was used. */
#define BX_KEYS_SETTLE (1 << 14)

typedef struct {
    PyObject *text; /* NULL: not used yet; its hash is computed */
    uint64_t head, tail;
} bx_key_entry;

typedef struct bx_keycache {
    bx_key_entry *entries; /* in the order in which the keys came; one more is always empty */
    uint32_t (*sets)[2];   /* by hash, as many as entries: tag and place of an entry */
    int shift;             /* of a hash, to the number of its set */
    uint32_t next;         /* behind the entry of the key that was read last */
    uint32_t capacity;     /* of `entries` */
    uint32_t end;          /* behind the newest entry */
    uint32_t oldest;       /* of the first page: the next to be replaced once that is full */
    uint32_t run;          /* where the keys that were read one behind the other began */
    uint32_t used;         /* a bit for each page that was read from */
    uint32_t calls;        /* that are left until the cache settles */
    int again;             /* how much the keys not found were such that were seen before */
    int *busy;             /* without the GIL: what the call that owns it sets to 0 at its end */
    uint32_t *marks;       /* of keys that were seen once, by hash */
    bx_valuecache values;  /* strings that are no keys, shared under the same rules */
    bx_shapes shapes;      /* dicts by their keys */
} bx_keycache;

/* A new cache, or NULL with MemoryError. */
bx_keycache *bx_keycache_new(void);
void bx_keycache_free(bx_keycache *cache);

/* Give back pages that were not used since the last time. */
BX_COLD void bx_keycache_settle(bx_keycache *cache);

/* Note that the next key is to be read from `place`: the pages of those before it were in use. */
BX_INLINE void bx_key_jump(bx_keycache *cache, uint32_t place)
{
    if (cache->next > cache->run) {
        uint64_t first = UINT64_C(1) << (cache->run >> BX_KEY_PAGE_LOG2);
        uint64_t last = UINT64_C(1) << ((cache->next - 1) >> BX_KEY_PAGE_LOG2);

        cache->used |= (uint32_t)(2 * last - first);
    }
    cache->run = cache->next = place;
}

/* Note the end of a decoding call. */
BX_INLINE void bx_keycache_called(bx_keycache *cache)
{
    bx_key_jump(cache, cache->next);
    if (BX_UNLIKELY(--cache->calls == 0)) bx_keycache_settle(cache);
}

/* ---- reading a key ---- */

/* A key of up to 15 bytes that is not in the cache. */
PyObject *bx_key_miss(bx_keycache *cache, const uint8_t *p, size_t size, uint64_t head,
                      uint64_t tail, const char *errors);

/* A key of `size` bytes, 16 or more, at `p`. */
PyObject *bx_key_long(bx_keycache *cache, const uint8_t *p, size_t size, const char *errors);

/* bx_read_key for keys of 16 bytes and more (16 bytes without a NUL can be read), and for any key
 * near the end of the input or without a cache. */
PyObject *bx_read_long_key(bx_keycache *cache, const uint8_t **at, const uint8_t *end,
                           const char *errors);
PyObject *bx_read_last_key(bx_keycache *cache, const uint8_t **at, const uint8_t *end,
                           const char *errors);

/* In a set an entry's place has part of its hash above it: a key that is not there costs no look at
 * the entries. Not a place if that part is another. */
BX_INLINE uint32_t bx_key_place(uint32_t tagged, uint64_t hash)
{
    return tagged ^ ((uint32_t)(hash >> 8) & ~(BX_KEYS_MOST - 1));
}

/* A short key in the cache (new reference), or NULL without an exception. */
BX_INLINE PyObject *bx_key_find(bx_keycache *cache, uint64_t head, uint64_t tail)
{
    const bx_key_entry *entry = &cache->entries[cache->next];
    uint64_t hash;
    const uint32_t *set;

    if (BX_LIKELY(entry->head == head && entry->tail == tail && entry->text != NULL)) {
        cache->next++; /* behind the last entry there is an empty one */
        return Py_NewRef(entry->text);
    }
    hash = bx_hash_words(head, tail);
    set = cache->sets[hash >> cache->shift];
    for (int i = 0; i < 2; i++) {
        uint32_t place = bx_key_place(set[i], hash);

        if (place >= BX_KEYS_MOST) continue;
        entry = &cache->entries[place];
        if (entry->head != head || entry->tail != tail || entry->text == NULL) continue;
        bx_key_jump(cache, place);
        cache->next = place + 1;
        return Py_NewRef(entry->text);
    }
    return NULL;
}

/* Read the key at *at and move *at behind its NUL, which must lie before `end`; bytes up to `limit`
 * (the end of the whole input) may be looked at. New reference; NULL with an exception for text
 * that is not UTF-8, NULL without one if there is no NUL. `cache` may be NULL. */
BX_INLINE PyObject *bx_read_key(bx_keycache *cache, const uint8_t **at, const uint8_t *end,
                                const uint8_t *limit, const char *errors)
{
    const uint8_t *p = *at;
    PyObject *text;
    uint64_t head, tail;
    size_t size;

    if (BX_UNLIKELY(limit - p < 16 || cache == NULL)) {
        return bx_read_last_key(cache, at, end, errors);
    }
#if BX_SSE2
    {
        static const uint8_t masks[32] = {0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF,
                                          0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF};
        __m128i v = _mm_loadu_si128((const __m128i *)p);
        unsigned zeros = (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(v, _mm_setzero_si128()));

        if (BX_UNLIKELY(zeros == 0)) return bx_read_long_key(cache, at, end, errors);
        size = (size_t)bx_ctz64(zeros);
        v = _mm_and_si128(v, _mm_loadu_si128((const __m128i *)(masks + 16 - size)));
        head = (uint64_t)_mm_cvtsi128_si64(v);
        tail = (uint64_t)_mm_cvtsi128_si64(_mm_unpackhi_epi64(v, v));
    }
#else
    {
        uint64_t zeros;

        head = bx_load64(p);
        tail = 0;
        zeros = bx_zero_byte(head);
        size = 0;
        if (zeros == 0) {
            size = 8;
            tail = bx_load64(p + 8);
            zeros = bx_zero_byte(tail);
            if (BX_UNLIKELY(zeros == 0)) return bx_read_long_key(cache, at, end, errors);
            tail &= (zeros & (0 - zeros)) - 1;
        } else {
            head &= (zeros & (0 - zeros)) - 1;
        }
        size += (size_t)bx_ctz64(zeros) / 8;
    }
#endif
    if (BX_UNLIKELY((size_t)(end - p) <= size)) return NULL;
    *at = p + size + 1;
    text = bx_key_find(cache, head, tail);
    if (BX_LIKELY(text != NULL)) return text;
    return bx_key_miss(cache, p, size, head, tail, errors);
}

#endif
