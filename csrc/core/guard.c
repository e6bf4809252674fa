/* The bounds of the thread's stack, and levels that the interpreter counts instead. */
#include "core/guard.h"

#if defined(_WIN32)
#define WIN32_LEAN_AND_MEAN
#include <windows.h>
#elif defined(__linux__) || defined(__APPLE__)
#include <pthread.h>
#elif defined(__FreeBSD__)
#include <pthread.h>
#include <pthread_np.h>
#endif

BX_THREAD_LOCAL bx_stack_room bx_stack;

/* Left for callbacks, and for what makes and reports an error: a quarter of the stack, at most so
 * many bytes. */
#define RESERVE_MOST ((uintptr_t)256 * 1024)

/* The lowest address and the size of this thread's stack; false where they are not to be had. */
static bool stack_bounds(uintptr_t *low, uintptr_t *size)
{
#if defined(_WIN32)
    ULONG_PTR bottom, top;

    GetCurrentThreadStackLimits(&bottom, &top);
    *low = bottom;
    *size = top - bottom;
    return true;
#elif defined(__APPLE__)
    uintptr_t top = (uintptr_t)pthread_get_stackaddr_np(pthread_self());

    *size = pthread_get_stacksize_np(pthread_self());
    *low = top - *size;
    return true;
#elif defined(__linux__) || defined(__FreeBSD__)
    pthread_attr_t attributes;
    size_t guard = 0, bytes = 0;
    void *address = NULL;
    bool found;

#if defined(__linux__)
    if (pthread_getattr_np(pthread_self(), &attributes) != 0) return false;
#else
    if (pthread_attr_init(&attributes) != 0) return false;
    if (pthread_attr_get_np(pthread_self(), &attributes) != 0) {
        pthread_attr_destroy(&attributes);
        return false;
    }
#endif
    found = pthread_attr_getstack(&attributes, &address, &bytes) == 0 &&
            pthread_attr_getguardsize(&attributes, &guard) == 0;
    pthread_attr_destroy(&attributes);
    if (!found || guard >= bytes) return false;
    *low = (uintptr_t)address + guard; /* some C libraries count the guard pages in */
    *size = bytes - guard;
    return true;
#else
    (void)low;
    (void)size;
    return false;
#endif
}

static void ask_for_bounds(void)
{
    uintptr_t low, size, reserve;

    if (!stack_bounds(&low, &size)) {
        bx_stack.floor = UINTPTR_MAX;
        bx_stack.size = 0;
        return;
    }
    reserve = size / 4 < RESERVE_MOST ? size / 4 : RESERVE_MOST;
    bx_stack.floor = low + reserve;
    bx_stack.size = size - reserve;
}

void bx_guard_init_slow(bx_guard *guard, uintptr_t here)
{
    if (bx_stack.floor == 0) ask_for_bounds();
    guard->floor = bx_stack.floor;
    if (bx_stack.size != 0) {
        uintptr_t above = here - bx_stack.floor;
        uintptr_t below = bx_stack.floor - here;

        /* On this stack, or just below the floor: then no level can be entered. */
        if (above < bx_stack.size || below <= RESERVE_MOST) return;
    }
    guard->floor = UINTPTR_MAX; /* unknown, or a stack of another kind: count each level */
    guard->counted = true;
}

bool bx_enter_slow(bx_guard *guard)
{
    if (!guard->counted) return false;
    if (Py_EnterRecursiveCall("")) {
        PyErr_Clear(); /* the caller says it in its own words */
        return false;
    }
    return true;
}
