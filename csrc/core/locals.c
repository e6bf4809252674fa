/* Finding a cache that no other call has: only where there is no GIL. */
#include "core/state.h"

#if BX_FREE_THREADED

/* Where this thread looks first. */
static unsigned first_of_thread(void)
{
    uint64_t thread = (uint64_t)_Py_ThreadId();

    return (unsigned)(bx_hash_words(thread, 0) >> 32) % BX_LOCALS;
}

/* The key cache of a local, made if there is none yet; NULL if memory is short. */
static bx_keycache *keys_of(bx_local *local)
{
    bx_keycache *keys = bx_load_pointer(&local->keys);

    if (keys != NULL) return keys;
    keys = bx_keycache_new();
    if (keys == NULL) {
        PyErr_Clear(); /* a call can do without */
        return NULL;
    }
    local->keys = keys; /* the caller is the only one here */
    return keys;
}

bx_keycache *bx_keys_acquire(bx_state *st)
{
    unsigned first = first_of_thread();

    for (unsigned i = 0; i < BX_LOCALS; i++) {
        bx_local *local = &st->locals[(first + i) % BX_LOCALS];
        bx_keycache *keys;

        if (bx_load_int(&local->keys_busy) || bx_exchange_int(&local->keys_busy, 1)) continue;
        keys = keys_of(local);
        if (keys == NULL) bx_store_int(&local->keys_busy, 0);
        if (keys != NULL) keys->busy = &local->keys_busy;
        return keys;
    }
    return NULL;
}

void bx_keys_release(bx_keycache *keys)
{
    if (keys == NULL) return;
    bx_keycache_called(keys);
    bx_store_int(keys->busy, 0);
}

bx_local *bx_options_cache_acquire(bx_state *st)
{
    unsigned first = first_of_thread();

    for (unsigned i = 0; i < BX_LOCALS; i++) {
        bx_local *local = &st->locals[(first + i) % BX_LOCALS];

        if (bx_load_int(&local->options_busy)) continue;
        if (bx_exchange_int(&local->options_busy, 1) == 0) return local;
    }
    return NULL;
}

void bx_options_cache_release(bx_local *local)
{
    bx_store_int(&local->options_busy, 0);
}

#else

typedef int bx_no_locals; /* a file with nothing in it is no C */

#endif
