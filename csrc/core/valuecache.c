#include "core/valuecache.h"

#include "core/utf8.h"

void bx_valuecache_clear(bx_valuecache *cache)
{
    for (size_t i = 0; i < (size_t)1 << BX_VALUES_LOG2; i++) Py_CLEAR(cache->entries[i].text);
}

/* Bytes that are not ASCII are not noted: what they read as depends on the error handler. */
PyObject *bx_value_miss(bx_value_entry *entry, const uint8_t *p, size_t size, uint64_t head,
                        uint64_t tail, const char *errors)
{
    PyObject *text = bx_text(p, (Py_ssize_t)size, errors);
    PyObject *evicted = entry->text;

    if (text == NULL || ((head | tail) & UINT64_C(0x8080808080808080)) != 0) return text;
    entry->text = entry->head == head && entry->tail == tail ? Py_NewRef(text) : NULL;
    entry->head = head;
    entry->tail = tail;
    Py_XDECREF(evicted);
    return text;
}
