/* The key cache: what is kept, how it grows and gives back, and the keys that take longer. */
#include "core/keycache.h"

#include "core/utf8.h"

#define LEAST (UINT32_C(1) << BX_KEYS_LEAST_LOG2)
#define PAGE (UINT32_C(1) << BX_KEY_PAGE_LOG2)
#define MARKS ((size_t)1 << BX_KEY_MARKS_LOG2)

/* A key seen before counts so much towards `again`, which a new one lowers by one. Above the bound
 * the keys of the moment come again as a whole: all are kept, in their order. The weight says how
 * far apart the sights may be: marks overwrite one another, so that of keys that return after n
 * others about e^(-n/MARKS) are known again, and one in seven is enough. That is where n is twice
 * MARKS, which is what the cache can hold. */
enum { AGAIN_WEIGHT = 6, AGAIN_MOST = 64, AGAIN_BOUND = 16 };

bx_keycache *bx_keycache_new(void)
{
    bx_keycache *cache = PyMem_Calloc(1, sizeof *cache);

    if (cache == NULL) {
        PyErr_NoMemory();
        return NULL;
    }
    cache->capacity = LEAST;
    cache->shift = 64 - BX_KEYS_LEAST_LOG2;
    cache->calls = BX_KEYS_SETTLE;
    cache->entries = PyMem_Calloc(LEAST + 1, sizeof *cache->entries);
    cache->sets = PyMem_Calloc(LEAST, sizeof *cache->sets);
    cache->marks = PyMem_Calloc(MARKS, sizeof *cache->marks);
    if (cache->entries == NULL || cache->sets == NULL || cache->marks == NULL) {
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
        for (uint32_t i = 0; i < cache->capacity; i++) Py_CLEAR(cache->entries[i].text);
    }
    bx_valuecache_clear(&cache->values);
    bx_shapes_clear(&cache->shapes);
    PyMem_Free(cache->entries);
    PyMem_Free(cache->sets);
    PyMem_Free(cache->marks);
    PyMem_Free(cache);
}

/* ---- long keys ---- */

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

/* The UTF-8 form of a kept key, which it has at hand; NULL, without an exception, if there is no
 * memory for it. */
static const uint8_t *utf8_of(PyObject *text, size_t *size)
{
    Py_ssize_t n;
    const char *data;

    if (BX_LIKELY(PyUnicode_IS_COMPACT_ASCII(text))) {
        *size = (size_t)PyUnicode_GET_LENGTH(text);
        return PyUnicode_1BYTE_DATA(text);
    }
    data = PyUnicode_AsUTF8AndSize(text, &n);
    if (data == NULL) {
        PyErr_Clear();
        return NULL;
    }
    *size = (size_t)n;
    return (const uint8_t *)data;
}

/* The bytes of an entry that is a long key with these first 16, none of which is NUL, or NULL. */
BX_INLINE const uint8_t *long_text(const bx_key_entry *entry, uint64_t head, uint64_t tail,
                                   size_t *size)
{
    /* The words of a short key have a NUL, and so do those of an entry that is not used. */
    return entry->head == head && entry->tail == tail ? utf8_of(entry->text, size) : NULL;
}

/* ---- size ---- */

static uint64_t hash_of(const bx_key_entry *entry)
{
    const uint8_t *data;
    size_t size;

    if (entry->tail >> 56 == 0) return bx_hash_words(entry->head, entry->tail);
    data = utf8_of(entry->text, &size);
    return data == NULL ? 0 : hash_long(data, size);
}

static void enter_set(bx_keycache *cache, uint64_t hash, uint32_t i)
{
    uint32_t *set = cache->sets[hash >> cache->shift];

    set[1] = set[0];
    set[0] = bx_key_place(i, hash);
}

/* Copy the pages whose bits are set to the start of `to`, and forget the others: how many entries
 * there are then. */
static uint32_t copy_pages(bx_keycache *cache, uint32_t pages, bx_key_entry *to)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < cache->capacity; i += PAGE) {
        uint32_t fill = cache->end > i ? cache->end - i : 0;

        if (pages >> (i >> BX_KEY_PAGE_LOG2) & 1) {
            memcpy(to + n, cache->entries + i, PAGE * sizeof *to);
            /* Only behind the newest entry there may be room; what is full stays so. */
            n += cache->entries[i + PAGE - 1].text != NULL || fill > PAGE ? PAGE : fill;
        } else {
            for (uint32_t j = i; j < i + PAGE; j++) Py_CLEAR(cache->entries[j].text);
        }
    }
    return n;
}

/* Have room for so many entries (a power of two), and keep those of the pages whose bits are set.
 * Without memory all stays as it is: false. */
static bool resize(bx_keycache *cache, uint32_t capacity, uint32_t pages)
{
    uint32_t(*sets)[2] = PyMem_Calloc(capacity, sizeof *sets);
    bx_key_entry *entries = PyMem_Calloc((size_t)capacity + 1, sizeof *entries);

    if (sets == NULL || entries == NULL) {
        PyMem_Free(sets);
        PyMem_Free(entries);
        return false;
    }
    cache->end = copy_pages(cache, pages, entries);
    PyMem_Free(cache->entries);
    PyMem_Free(cache->sets);
    cache->entries = entries;
    cache->sets = sets;
    cache->capacity = capacity;
    cache->shift = 64 - (63 - bx_clz64(capacity));
    cache->next = cache->run = 0;
    for (uint32_t i = 0; i < cache->end; i++) enter_set(cache, hash_of(&entries[i]), i);
    return true;
}

void bx_keycache_settle(bx_keycache *cache)
{
    uint32_t capacity = LEAST, n = 0;

    for (uint32_t pages = cache->used; pages != 0; pages &= pages - 1) n += PAGE;
    while (capacity < n) capacity *= 2;
    if (capacity < cache->capacity) (void)resize(cache, capacity, cache->used);
    cache->used = 0;
    cache->calls = BX_KEYS_SETTLE;
    bx_shapes_clear(&cache->shapes); /* those that are in use are soon made again */
}

/* ---- admission ---- */

/* Whether a key that is not in the cache is to be kept. */
static bool is_wanted(bx_keycache *cache, uint64_t hash)
{
    uint32_t *slot = &cache->marks[hash >> (64 - BX_KEY_MARKS_LOG2)];
    uint32_t mark = (uint32_t)(hash >> 16) | 1;

    if (*slot == mark) {
        cache->again += AGAIN_WEIGHT;
        if (cache->again > AGAIN_MOST) cache->again = AGAIN_MOST;
        return true;
    }
    *slot = mark;
    if (cache->again > 0) cache->again--;
    return cache->again > AGAIN_BOUND;
}

/* Where a new key goes. Behind the first page are only keys that came again one after the other: a
 * key here and there in so much memory takes longer to find than to make anew. */
static uint32_t place_for_new(bx_keycache *cache)
{
    if (cache->end < LEAST) return cache->end++;
    if (cache->again > AGAIN_BOUND) {
        if (cache->end == BX_KEYS_MOST) cache->end = LEAST;
        if (cache->end < cache->capacity || resize(cache, 2 * cache->capacity, UINT32_MAX)) {
            return cache->end++;
        }
    }
    return cache->oldest++ % LEAST;
}

static void keep(bx_keycache *cache, PyObject *text, uint64_t hash, uint64_t head, uint64_t tail)
{
    uint32_t place = place_for_new(cache);
    bx_key_entry *entry = &cache->entries[place];
    PyObject *evicted = entry->text;

    entry->text = Py_NewRef(text);
    entry->head = head;
    entry->tail = tail;
    enter_set(cache, hash, place);
    bx_key_jump(cache, place);
    cache->next = place + 1;
    Py_XDECREF(evicted);
}

/* A key that is not in the cache: hashed, so that inserting it into a dict need not. */
static PyObject *new_key(bx_keycache *cache, const uint8_t *p, size_t size, uint64_t hash,
                         uint64_t head, uint64_t tail, const char *errors)
{
    /* Bytes that are not UTF-8 read differently under another error handler: such a key must not be
     * shared. Asked before the handler, which may change the bytes, is called. */
    bool shared = errors == NULL || bx_is_ascii(p, size);
    PyObject *text;

    BX_PREFETCH(&cache->marks[hash >> (64 - BX_KEY_MARKS_LOG2)]);
    text = bx_text(p, (Py_ssize_t)size, errors);
    if (text != NULL && PyObject_Hash(text) == -1) Py_CLEAR(text);
    if (text == NULL || !shared || !is_wanted(cache, hash)) return text;
    if (size < 16 || utf8_of(text, &size) != NULL) keep(cache, text, hash, head, tail);
    return text;
}

PyObject *bx_key_miss(bx_keycache *cache, const uint8_t *p, size_t size, uint64_t head,
                      uint64_t tail, const char *errors)
{
    return new_key(cache, p, size, bx_hash_words(head, tail), head, tail, errors);
}

/* ---- keys that take longer ---- */

static PyObject *long_key_at(bx_keycache *cache, uint32_t i)
{
    bx_key_jump(cache, i);
    cache->next = i + 1;
    return Py_NewRef(cache->entries[i].text);
}

PyObject *bx_key_long(bx_keycache *cache, const uint8_t *p, size_t size, const char *errors)
{
    uint64_t head = bx_load64(p), tail = bx_load64(p + 8), hash = hash_long(p, size);
    const uint32_t *set = cache->sets[hash >> cache->shift];

    for (int i = 0; i < 2; i++) {
        uint32_t place = bx_key_place(set[i], hash);
        const uint8_t *data;
        size_t kept = 0;

        if (place >= BX_KEYS_MOST) continue;
        data = long_text(&cache->entries[place], head, tail, &kept);
        if (data != NULL && kept == size && memcmp(p + 16, data + 16, size - 16) == 0) {
            return long_key_at(cache, place);
        }
    }
    return new_key(cache, p, size, hash, head, tail, errors);
}

PyObject *bx_read_long_key(bx_keycache *cache, const uint8_t **at, const uint8_t *end,
                           const char *errors)
{
    const uint8_t *p = *at, *nul, *data;
    size_t size = 0;

    data = long_text(&cache->entries[cache->next], bx_load64(p), bx_load64(p + 8), &size);
    if (data != NULL && (size_t)(end - p) > size && p[size] == 0 &&
        memcmp(p + 16, data + 16, size - 16) == 0) {
        *at = p + size + 1;
        return Py_NewRef(cache->entries[cache->next++].text);
    }
    nul = end - p > 16 ? memchr(p + 16, 0, (size_t)(end - p - 16)) : NULL;
    if (nul == NULL) return NULL;
    *at = nul + 1;
    return bx_key_long(cache, p, (size_t)(nul - p), errors);
}

PyObject *bx_read_last_key(bx_keycache *cache, const uint8_t **at, const uint8_t *end,
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
