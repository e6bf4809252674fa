#include "core/keycache.h"

#include "core/utf8.h"

#define SETS ((size_t)1 << BX_KEY_SETS_LOG2)
#define LONG_KEYS ((size_t)1 << BX_LONG_KEYS_LOG2)

/* The tables are large and zero: what no key has come to costs no memory. */
bx_keycache *bx_keycache_new(void)
{
    bx_keycache *cache = PyMem_Calloc(1, sizeof *cache);

    if (cache == NULL) {
        PyErr_NoMemory();
        return NULL;
    }
    cache->entries = PyMem_Calloc(BX_KEYS, sizeof *cache->entries);
    cache->sets = PyMem_Calloc(SETS, sizeof *cache->sets);
    if (cache->entries == NULL || cache->sets == NULL) {
        bx_keycache_free(cache);
        PyErr_NoMemory();
        return NULL;
    }
    return cache;
}

void bx_keycache_free(bx_keycache *cache)
{
    if (cache == NULL) return;
    if (cache->entries != NULL) {
        for (size_t i = 0; i < BX_KEYS && cache->entries[i].text != NULL; i++) {
            Py_CLEAR(cache->entries[i].text);
        }
    }
    for (size_t i = 0; i < LONG_KEYS; i++) Py_CLEAR(cache->longs[i].text);
    bx_valuecache_clear(&cache->values);
    PyMem_Free(cache->entries);
    PyMem_Free(cache->sets);
    PyMem_Free(cache);
}

/* Text for the cache: hashed, so that inserting it into a dict need not. */
static PyObject *new_key(const uint8_t *p, size_t size, const char *errors)
{
    PyObject *text = bx_text(p, (Py_ssize_t)size, errors);

    if (text != NULL && PyObject_Hash(text) == -1) Py_CLEAR(text);
    return text;
}

/* With an error handler, bytes that are not UTF-8 read differently under another handler: such a
 * key must not be shared. */
static bool is_cacheable(const uint8_t *p, size_t size, const char *errors)
{
    return errors == NULL || bx_is_ascii(p, size);
}

PyObject *bx_key_miss(bx_keycache *cache, const uint8_t *p, size_t size, uint64_t head,
                      uint64_t tail, const char *errors)
{
    uint32_t *set = cache->sets[bx_key_slot(head, tail)];
    bool keep = is_cacheable(p, size, errors); /* asked before a handler may change the bytes */
    PyObject *text = new_key(p, size, errors);
    PyObject *evicted;
    bx_key_entry *entry;

    if (text == NULL || !keep) return text;
    entry = &cache->entries[cache->end];
    evicted = entry->text;
    entry->text = Py_NewRef(text);
    entry->head = head;
    entry->tail = tail;
    set[1] = set[0];
    set[0] = cache->end;
    cache->end = cache->next = (cache->end + 1) & (BX_KEYS - 1);
    Py_XDECREF(evicted);
    return text;
}

static uint64_t hash_long(const uint8_t *p, size_t size)
{
    uint64_t h = size;
    size_t i = 0;

    for (; i + 8 <= size; i += 8) {
        h = (h ^ bx_load64(p + i)) * UINT64_C(0x9E3779B97F4A7C15);
        h ^= h >> 32;
    }
    if (i < size) {
        h = (h ^ bx_load64(p + size - 8)) * UINT64_C(0x9E3779B97F4A7C15);
        h ^= h >> 32;
    }
    return h * UINT64_C(0xC2B2AE3D27D4EB4F);
}

/* A cached long key has its UTF-8 form at hand: ASCII text is its own, other text caches it. */
static bool same_long(const bx_long_key *entry, const uint8_t *p, size_t size)
{
    Py_ssize_t n;
    const char *text;

    text = PyUnicode_AsUTF8AndSize(entry->text, &n);
    if (text == NULL) {
        PyErr_Clear();
        return false;
    }
    return (size_t)n == size && memcmp(text, p, size) == 0;
}

PyObject *bx_key_long(bx_keycache *cache, const uint8_t *p, size_t size, const char *errors)
{
    uint64_t hash = hash_long(p, size);
    bx_long_key *entry = &cache->longs[hash >> (64 - BX_LONG_KEYS_LOG2)];
    PyObject *text, *evicted;

    if (entry->text != NULL && entry->hash == hash && (size_t)entry->size == size &&
        same_long(entry, p, size)) {
        return Py_NewRef(entry->text);
    }
    text = new_key(p, size, errors);
    if (text == NULL || !is_cacheable(p, size, errors)) return text;
    evicted = entry->text;
    entry->text = Py_NewRef(text);
    entry->hash = hash;
    entry->size = (Py_ssize_t)size;
    Py_XDECREF(evicted);
    return text;
}

PyObject *bx_key_slow(bx_keycache *cache, const uint8_t **at, const uint8_t *end,
                      const char *errors)
{
    const uint8_t *p = *at;
    const uint8_t *nul = end > p ? memchr(p, 0, (size_t)(end - p)) : NULL;
    uint8_t words[16] = {0};
    uint64_t head, tail;
    size_t size;
    PyObject *text;

    if (nul == NULL) return NULL;
    size = (size_t)(nul - p);
    *at = nul + 1;
    if (cache == NULL) return bx_text(p, (Py_ssize_t)size, errors);
    if (size >= 16) return bx_key_long(cache, p, size, errors);
    memcpy(words, p, size);
    head = bx_load64(words);
    tail = bx_load64(words + 8);
    text = bx_key_find(cache, head, tail);
    return text != NULL ? text : bx_key_miss(cache, p, size, head, tail, errors);
}
