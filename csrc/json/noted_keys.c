#include "json/noted_keys.h"

#include <stdlib.h>

bool bx_noted_keys_grow(bx_noted_keys *keys)
{
    size_t room = keys->room == 0 ? 256 : 2 * keys->room;
    uint32_t *hashes = PyMem_RawRealloc(keys->hashes, room * sizeof *hashes);
    uint32_t *names;

    if (hashes == NULL) return false;
    keys->hashes = hashes;
    names = PyMem_RawRealloc(keys->names, room * sizeof *names);
    if (names == NULL) return false;
    keys->names = names;
    keys->room = room;
    return true;
}

bool bx_noted_keys_find(const bx_noted_keys *keys, size_t first, const uint8_t *base, uint32_t hash,
                        const uint8_t *name)
{
    for (size_t i = first; i < keys->count; i++) {
        if (keys->hashes[i] == hash &&
            strcmp((const char *)base + keys->names[i], (const char *)name) == 0) {
            return true;
        }
    }
    return false;
}

/* ---- many keys ---- */

typedef struct {
    uint32_t hash;
    const char *name;
} sorted_key;

static int compare(const void *a, const void *b)
{
    const sorted_key *x = a, *y = b;

    if (x->hash != y->hash) return x->hash < y->hash ? -1 : 1;
    return strcmp(x->name, y->name);
}

/* Takes n * log(n), whatever the keys are. */
static BX_COLD bool differ_sorted(const uint32_t *hashes, const uint32_t *names, size_t n,
                                  const uint8_t *base)
{
    sorted_key *sorted = PyMem_RawMalloc(n * sizeof *sorted);
    bool differ = sorted != NULL;

    if (sorted == NULL) return false;
    for (size_t i = 0; i < n; i++) {
        sorted[i].hash = hashes[i];
        sorted[i].name = (const char *)base + names[i];
    }
    qsort(sorted, n, sizeof *sorted, compare);
    for (size_t i = 1; i < n && differ; i++) differ = compare(&sorted[i - 1], &sorted[i]) != 0;
    PyMem_RawFree(sorted);
    return differ;
}

/* Keys that were made to have the same place in the table are no more than this. */
#define MOST_STEPS 32

/* Enter the keys one by one into an empty table: 1 all differ, 0 they do not, -1 their places are too
 * much the same to say it so. An entry is a place in the arrays, counted from 1. */
static int differ_hashed(const uint32_t *hashes, const uint32_t *names, size_t n,
                         const uint8_t *base, uint32_t *table, int bits)
{
    size_t mask = ((size_t)1 << bits) - 1;

    for (size_t i = 0; i < n; i++) {
        size_t at = hashes[i] >> (32 - bits);
        int steps = 0;

        for (; table[at] != 0; at = (at + 1) & mask) {
            size_t other = table[at] - 1;

            if (hashes[other] == hashes[i] && strcmp((const char *)base + names[other],
                                                     (const char *)base + names[i]) == 0) {
                return 0;
            }
            if (++steps == MOST_STEPS) return -1;
        }
        table[at] = (uint32_t)i + 1;
    }
    return 1;
}

bool bx_noted_keys_all_differ(const bx_noted_keys *keys, size_t first, const uint8_t *base)
{
    const uint32_t *hashes = keys->hashes + first, *names = keys->names + first;
    size_t n = keys->count - first;
    int bits = 8, differ;
    uint32_t *table;

    while (bits < 31 && (size_t)1 << bits < 2 * n) bits++;
    table = PyMem_RawCalloc((size_t)1 << bits, sizeof *table);
    if (table == NULL) return false;
    differ = differ_hashed(hashes, names, n, base, table, bits);
    PyMem_RawFree(table);
    return differ < 0 ? differ_sorted(hashes, names, n, base) : differ != 0;
}

void bx_noted_keys_free(bx_noted_keys *keys)
{
    PyMem_RawFree(keys->hashes);
    PyMem_RawFree(keys->names);
}
