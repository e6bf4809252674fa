/* Short strings that come again (codes, states, names of things) are one str object, as keys are.
 *
 * Direct mapped. An entry first notes the bytes alone and keeps the str when they come the next time:
 * text that never repeats costs a look, and holds nothing. */
#ifndef BSONX_VALUECACHE_H
#define BSONX_VALUECACHE_H

#include "core/common.h"

#define BX_VALUES_LOG2 12
#define BX_VALUE_MOST 15 /* bytes; the last byte of `tail` has the size */

typedef struct {
    PyObject *text; /* NULL: seen once */
    uint64_t head, tail;
} bx_value_entry;

typedef struct {
    bx_value_entry entries[1 << BX_VALUES_LOG2];
} bx_valuecache;

void bx_valuecache_clear(bx_valuecache *cache);

/* The str of text that is not in the cache; it is kept if `entry` has noted it. */
PyObject *bx_value_miss(bx_value_entry *entry, const uint8_t *p, size_t size, uint64_t head,
                        uint64_t tail, const char *errors);

/* The str of the `size` bytes of UTF-8 at `p`, 0 to BX_VALUE_MOST; 16 bytes can be read there. */
BX_INLINE PyObject *bx_value_text(bx_valuecache *cache, const uint8_t *p, size_t size,
                                  const char *errors)
{
    uint64_t mask = (UINT64_C(1) << (size & 7) * 8) - 1;
    uint64_t head = size < 8 ? bx_load64(p) & mask : bx_load64(p);
    uint64_t tail = (size < 8 ? 0 : bx_load64(p + 8) & mask) | (uint64_t)size << 56;
    bx_value_entry *entry =
        &cache->entries[bx_hash_words(head, tail) >> (64 - BX_VALUES_LOG2)];

    if (BX_LIKELY(entry->head == head && entry->tail == tail && entry->text != NULL)) {
        return Py_NewRef(entry->text);
    }
    return bx_value_miss(entry, p, size, head, tail, errors);
}

#endif
