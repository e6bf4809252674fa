/* The key cache: the same key bytes give the same str object in all documents of the process.
 *
 * Keys of up to 15 bytes are compared as two 64-bit words (a key holds no NUL, so zero padding is
 * unambiguous). They stand in the order in which they came, and documents of one kind have their keys
 * in one order: most keys are found right behind the one read before, without hashing and in memory
 * that is next. Longer keys have a table of their own and are compared by their bytes. A full cache
 * forgets the oldest; nothing grows with the input. */
#ifndef BSONX_KEYCACHE_H
#define BSONX_KEYCACHE_H

#include "core/common.h"
#include "core/valuecache.h"

typedef struct bx_keycache bx_keycache;

bx_keycache *bx_keycache_new(void);
void bx_keycache_free(bx_keycache *cache);

#define BX_KEYS (1 << 17)
#define BX_KEY_SETS_LOG2 17
#define BX_LONG_KEYS_LOG2 9

typedef struct {
    PyObject *text; /* NULL: not used yet; its hash is computed */
    uint64_t head, tail;
} bx_key_entry;

typedef struct {
    PyObject *text;
    uint64_t hash;
    Py_ssize_t size;
} bx_long_key;

struct bx_keycache {
    bx_key_entry *entries; /* in the order in which the keys came */
    uint32_t (*sets)[2];   /* by hash: where the entry may be */
    uint32_t end;          /* where the next new key goes: over the oldest */
    uint32_t next;         /* behind the entry of the key that was read last */
    int *busy;             /* without the GIL: what the call that owns it sets to 0 at its end */
    bx_long_key longs[1 << BX_LONG_KEYS_LOG2];
    bx_valuecache values; /* strings that are no keys, shared under the same rules */
};

/* ---- reading a key ---- */

/* Keys that are not in the cache, long or near the end of the input. `cache` may be NULL. */
PyObject *bx_key_miss(bx_keycache *cache, const uint8_t *p, size_t size, uint64_t head,
                      uint64_t tail, const char *errors);
PyObject *bx_key_long(bx_keycache *cache, const uint8_t *p, size_t size, const char *errors);
PyObject *bx_key_slow(bx_keycache *cache, const uint8_t **at, const uint8_t *end,
                      const char *errors);

BX_INLINE size_t bx_key_slot(uint64_t head, uint64_t tail)
{
    return (size_t)(bx_hash_words(head, tail) >> (64 - BX_KEY_SETS_LOG2));
}

/* The text of the entry at `i` if it is this key (new reference), or NULL. */
BX_INLINE PyObject *bx_key_at(bx_keycache *cache, uint32_t i, uint64_t head, uint64_t tail)
{
    const bx_key_entry *entry = &cache->entries[i];

    if (entry->head != head || entry->tail != tail) return NULL;
    cache->next = (i + 1) & (BX_KEYS - 1);
    return Py_XNewRef(entry->text);
}

/* A short key in the cache (new reference), or NULL without an exception. */
BX_INLINE PyObject *bx_key_find(bx_keycache *cache, uint64_t head, uint64_t tail)
{
    PyObject *text = bx_key_at(cache, cache->next, head, tail);
    const uint32_t *set;

    if (BX_LIKELY(text != NULL)) return text;
    set = cache->sets[bx_key_slot(head, tail)];
    text = bx_key_at(cache, set[0], head, tail);
    return text != NULL ? text : bx_key_at(cache, set[1], head, tail);
}

/* Read the key at *at and move *at behind its NUL, which must lie before `end`; bytes up to `limit`
 * (the end of the whole input) may be looked at. New reference; NULL with an exception for text
 * that is not UTF-8, NULL without one if there is no NUL. */
BX_INLINE PyObject *bx_read_key(bx_keycache *cache, const uint8_t **at, const uint8_t *end,
                                const uint8_t *limit, const char *errors)
{
    const uint8_t *p = *at;
    PyObject *text;
    uint64_t head, tail;
    size_t size;

    if (BX_UNLIKELY(limit - p < 16 || cache == NULL)) {
        return bx_key_slow(cache, at, end, errors);
    }
#if BX_SSE2
    {
        static const uint8_t masks[32] = {0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF,
                                          0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF};
        __m128i v = _mm_loadu_si128((const __m128i *)p);
        unsigned zeros = (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(v, _mm_setzero_si128()));

        if (BX_UNLIKELY(zeros == 0)) return bx_key_slow(cache, at, end, errors);
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
            if (BX_UNLIKELY(zeros == 0)) return bx_key_slow(cache, at, end, errors);
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
