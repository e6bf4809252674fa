/* Caches that calls take for themselves, so that using them needs no lock.
 *
 * With the GIL there is one of each. Without it there are several, and a call takes the one that
 * its thread came to before, or the next one that is free: as long as a thread's number is its own,
 * it finds the strings that it made itself, whose counts of references are then its own too. A call
 * that finds none free does without. */
#ifndef BSONX_LOCALS_H
#define BSONX_LOCALS_H

#include "core/keycache.h"

struct bx_options;
struct bx_state;

#define BX_OPTIONS_CACHE 8

#if BX_FREE_THREADED
#define BX_LOCALS 64
#else
#define BX_LOCALS 1
#endif

/* `busy` is moved from 0 to 1 by the one call that may then use what it stands for; a new call of
 * the same thread, out of a callback, takes another. */
typedef struct {
    bx_keycache *keys; /* published at first use, and there for good */
    struct bx_options *options[BX_OPTIONS_CACHE];
    unsigned options_next; /* where the next options go */
    int options_busy;
    int keys_busy;
} bx_local;

/* The key cache of this call: NULL if there is none to be had. */
#if BX_FREE_THREADED
bx_keycache *bx_keys_acquire(struct bx_state *st);
void bx_keys_release(bx_keycache *keys);
bx_local *bx_options_cache_acquire(struct bx_state *st);
void bx_options_cache_release(bx_local *local);
#else
#define bx_keys_acquire(st) ((st)->locals[0].keys)
#define bx_keys_release(keys) bx_keycache_called(keys)
#define bx_options_cache_acquire(st) (&(st)->locals[0])
#define bx_options_cache_release(local) ((void)(local))
#endif

#endif
