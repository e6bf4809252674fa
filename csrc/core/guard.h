/* The one guard of everything that nests: documents, arrays, mappings, typed classes and extended
 * JSON, in both directions.
 *
 * Two things end a descent: BX_MAX_DEPTH levels within one call, and the end of the thread's stack,
 * however many calls (through callbacks) and whatever else stand on it. The stack is measured by
 * its addresses, so that a level costs two comparisons; where the platform does not tell them, each
 * level is counted by the interpreter (Py_EnterRecursiveCall).
 *
 *     bx_guard guard;
 *
 *     bx_guard_init(&guard);
 *     ...
 *     if (!bx_enter(&guard)) return too_deep();    no exception is set
 *     ...
 *     bx_leave(&guard);                            or, where an error is handled: bx_leave_to */
#ifndef BSONX_GUARD_H
#define BSONX_GUARD_H

#include "core/common.h"

typedef struct {
    int depth;       /* levels entered */
    bool counted;    /* by the interpreter as well */
    uintptr_t floor; /* frames below it have no room for another level, or are counted */
} bx_guard;

/* The part of a thread's stack that descents may use. */
typedef struct {
    uintptr_t floor; /* 0: not asked for yet */
    uintptr_t size;  /* from the floor to the top; 0: unknown */
} bx_stack_room;

/* Of this thread; what it says never changes, so that it may be kept outside the module's state. */
extern BX_THREAD_LOCAL bx_stack_room bx_stack;

BX_COLD void bx_guard_init_slow(bx_guard *guard, uintptr_t here);
BX_COLD bool bx_enter_slow(bx_guard *guard);

BX_INLINE uintptr_t bx_stack_here(void)
{
#if BX_MSVC
    return (uintptr_t)_AddressOfReturnAddress();
#else
    return (uintptr_t)__builtin_frame_address(0);
#endif
}

BX_INLINE void bx_guard_init(bx_guard *guard)
{
    const bx_stack_room *stack = &bx_stack;
    uintptr_t here = bx_stack_here();

    guard->depth = 0;
    guard->counted = false;
    guard->floor = stack->floor;
    if (BX_UNLIKELY(here - stack->floor >= stack->size)) bx_guard_init_slow(guard, here);
}

/* Enter a level: false, without an exception, if there is no room for it. */
BX_INLINE bool bx_enter(bx_guard *guard)
{
    if (BX_UNLIKELY(guard->depth >= BX_MAX_DEPTH)) return false;
    if (BX_UNLIKELY(bx_stack_here() < guard->floor) && !bx_enter_slow(guard)) return false;
    guard->depth++;
    return true;
}

BX_INLINE void bx_leave(bx_guard *guard)
{
    guard->depth--;
    if (BX_UNLIKELY(guard->counted)) Py_LeaveRecursiveCall();
}

/* Leave all levels above `depth`: after an error, which may have left some unpaired. */
BX_INLINE void bx_leave_to(bx_guard *guard, int depth)
{
    while (guard->depth > depth) bx_leave(guard);
}

#endif
