/* BSON documents one behind the other. */
#include "core/documents.h"
#include "types/types.h"

void bx_documents_init(bx_documents *d, bx_state *st)
{
    bx_writer_init(&d->w, st->InvalidDocument);
    d->ends = NULL;
    d->count = d->room = d->start = d->made = 0;
    d->has_made = 0;
    d->first_id = NULL;
}

int bx_documents_begin(bx_documents *d)
{
    if (bx_writer_reserve(&d->w, 4) < 0) return -1;
    d->start = bx_put_size_later(&d->w);
    d->has_made = 0;
    return 0;
}

/* The counter has 3 bytes, and carries into the seconds. */
void bx_put_numbered_id(uint8_t *out, const uint8_t *first, size_t number)
{
    uint64_t seconds = (uint32_t)first[0] << 24 | first[1] << 16 | first[2] << 8 | first[3];
    uint64_t count = ((uint32_t)first[9] << 16 | first[10] << 8 | first[11]) + number;

    seconds += count >> 24;
    out[0] = (uint8_t)(seconds >> 24);
    out[1] = (uint8_t)(seconds >> 16);
    out[2] = (uint8_t)(seconds >> 8);
    out[3] = (uint8_t)seconds;
    memcpy(out + 4, first + 4, 5);
    out[9] = (uint8_t)(count >> 16);
    out[10] = (uint8_t)(count >> 8);
    out[11] = (uint8_t)count;
}

int bx_documents_put_new_id(bx_documents *d, bx_state *st)
{
    if (bx_writer_reserve(&d->w, BX_ID_ELEMENT) < 0) return -1;
    bx_put_bytes(&d->w, "\x07_id", 5);
    if (d->first_id != NULL) {
        bx_put_numbered_id(d->w.p, d->first_id, d->count);
    } else if (bx_objectid_generate(st, d->w.p) < 0) {
        return -1;
    }
    d->w.p += 12;
    d->made++;
    d->has_made = 1;
    return 0;
}

void bx_documents_take_new_id(bx_documents *d)
{
    uint8_t *id = d->w.base + d->start + 4;

    memmove(id, id + BX_ID_ELEMENT, (size_t)(d->w.p - id) - BX_ID_ELEMENT);
    d->w.p -= BX_ID_ELEMENT;
    d->made--;
    d->has_made = 0;
}

int bx_note_end(uint32_t **ends, size_t *count, size_t *room, size_t end)
{
    if (*count == *room) {
        size_t wanted = *room == 0 ? 256 : 2 * *room;
        uint32_t *grown;

        if (wanted > PY_SSIZE_T_MAX / sizeof(uint32_t) ||
            (grown = PyMem_Realloc(*ends, wanted * sizeof(uint32_t))) == NULL) {
            PyErr_NoMemory();
            return -1;
        }
        *ends = grown;
        *room = wanted;
    }
    (*ends)[(*count)++] = (uint32_t)end;
    return 0;
}

int bx_documents_end(bx_documents *d)
{
    if (bx_writer_reserve(&d->w, 1) < 0) return -1;
    bx_put_u8(&d->w, 0);
    bx_patch_u32(&d->w, d->start, (uint32_t)bx_documents_last_size(d));
    return bx_note_end(&d->ends, &d->count, &d->room, bx_writer_size(&d->w));
}

void bx_documents_drop(bx_documents *d)
{
    if (d->has_made) d->made--;
    d->has_made = 0;
    d->w.p = d->w.base + d->start;
    if (d->count > 0 && d->ends[d->count - 1] > d->start) d->count--;
}

PyObject *bx_documents_finish(bx_documents *d)
{
    PyObject *ends =
        PyBytes_FromStringAndSize((const char *)d->ends, (Py_ssize_t)(d->count * sizeof(uint32_t)));
    PyObject *documents;

    if (ends == NULL) {
        bx_documents_abandon(d);
        return NULL;
    }
    documents = bx_writer_finish(&d->w);
    PyMem_Free(d->ends);
    d->ends = NULL;
    if (documents == NULL) {
        Py_DECREF(ends);
        return NULL;
    }
    return Py_BuildValue("NN", documents, ends);
}

void bx_documents_abandon(bx_documents *d)
{
    bx_writer_abandon(&d->w);
    PyMem_Free(d->ends);
    d->ends = NULL;
}
