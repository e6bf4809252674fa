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

bool bx_noted_keys_all_differ(const bx_noted_keys *keys, size_t first, const uint8_t *base)
{
    size_t n = keys->count - first;
    sorted_key *sorted = PyMem_RawMalloc(n * sizeof *sorted);
    bool differ = sorted != NULL;

    if (sorted == NULL) return false;
    for (size_t i = 0; i < n; i++) {
        sorted[i].hash = keys->hashes[first + i];
        sorted[i].name = (const char *)base + keys->names[first + i];
    }
    qsort(sorted, n, sizeof *sorted, compare);
    for (size_t i = 1; i < n && differ; i++) differ = compare(&sorted[i - 1], &sorted[i]) != 0;
    PyMem_RawFree(sorted);
    return differ;
}

void bx_noted_keys_free(bx_noted_keys *keys)
{
    PyMem_RawFree(keys->hashes);
    PyMem_RawFree(keys->names);
}
