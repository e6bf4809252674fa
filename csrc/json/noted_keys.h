/* The keys of the objects that are open at a place: to find one that comes twice. */
#ifndef BSONX_JSON_NOTED_KEYS_H
#define BSONX_JSON_NOTED_KEYS_H

#include "core/common.h"

/* In two arrays: a hash of each, and where its name, with a NUL at its end, stands from a base on. */
typedef struct {
    uint32_t *hashes, *names;
    size_t count, room;
} bx_noted_keys;

/* Objects with more keys are searched at their end. */
#define BX_MANY_KEYS 64

BX_COLD bool bx_noted_keys_grow(bx_noted_keys *keys);
BX_COLD bool bx_noted_keys_find(const bx_noted_keys *keys, size_t first, const uint8_t *base,
                                uint32_t hash, const uint8_t *name);
bool bx_noted_keys_all_differ(const bx_noted_keys *keys, size_t first, const uint8_t *base);
void bx_noted_keys_free(bx_noted_keys *keys);

BX_INLINE uint32_t bx_hash_name(const uint8_t *name, size_t size)
{
    uint64_t head = 0, tail = 0; /* of the name; with its size they are all of a short one */

    if (size >= 8) {
        head = bx_load64(name);
        tail = bx_load64(name + size - 8);
    } else if (size >= 4) {
        head = bx_load32(name);
        tail = bx_load32(name + size - 4);
    } else if (size > 0) {
        head = (uint64_t)name[0] | (uint64_t)name[size >> 1] << 8 | (uint64_t)name[size - 1] << 16;
    }
    head = (head ^ (uint64_t)size << 56) * UINT64_C(0x9E3779B97F4A7C15);
    return (uint32_t)(((head ^ head >> 29) + tail) * UINT64_C(0xC2B2AE3D27D4EB4F) >> 32);
}

/* Note the key whose name is `name` bytes behind the base: false if it is among those from `first` on
 * (as far as that is looked for here), or if there is no memory. */
BX_INLINE bool bx_note_key(bx_noted_keys *keys, size_t first, const uint8_t *base, size_t name,
                           size_t size)
{
    size_t n = keys->count;
    uint32_t hash = bx_hash_name(base + name, size);

    if (BX_UNLIKELY(n == keys->room) && !bx_noted_keys_grow(keys)) return false;
    if (BX_LIKELY(n - first < BX_MANY_KEYS)) {
        const uint32_t *hashes = keys->hashes;
        uint32_t found = 0;

        for (size_t i = first; i < n; i++) found |= hashes[i] == hash;
        if (BX_UNLIKELY(found != 0) && bx_noted_keys_find(keys, first, base, hash, base + name)) {
            return false;
        }
    }
    keys->hashes[n] = hash;
    keys->names[n] = (uint32_t)name;
    keys->count = n + 1;
    return true;
}

/* Forget the keys from `first` on, at the end of their object: false if one came twice. */
BX_INLINE bool bx_forget_keys(bx_noted_keys *keys, size_t first, const uint8_t *base)
{
    if (BX_UNLIKELY(keys->count - first > BX_MANY_KEYS) &&
        !bx_noted_keys_all_differ(keys, first, base)) {
        return false;
    }
    keys->count = first;
    return true;
}

#endif
