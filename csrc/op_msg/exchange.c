/* A command out and its reply in, over a plain socket. */
#include "op_msg/exchange.h"

#ifndef _WIN32

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>

#include "core/decode.h"
#include "core/encode.h"

#ifndef MSG_NOSIGNAL
#define MSG_NOSIGNAL 0 /* the interpreter ignores SIGPIPE */
#endif

/* READ_SIZE is asked of the kernel first: most replies are smaller and arrive whole. For longer ones
 * no more memory is taken at once than LEAP or what has arrived already: a length is the peer's word. */
enum { HEADER_SIZE = 16, OP_MSG = 2013, CHECKSUM_PRESENT = 1, MORE_TO_COME = 2 };

/* Milliseconds after which a wait is interrupted to handle signals. */
#define LOOK_EVERY 200

#define READ_SIZE ((size_t)32 * 1024)
#define LEAP ((size_t)1 << 20)

/* What is still to be sent: one piece of memory, and another one behind it. */
typedef struct {
    const uint8_t *p, *end;
    const uint8_t *next, *next_end;
} outgoing;

typedef struct {
    int fd;
    bool limited, timed_out;
    int64_t end; /* of the time limit, nanoseconds of the monotonic clock */
    uint8_t *data;
    size_t have, room;
} wire;

static int64_t nanoseconds(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static int wire_init(wire *w, const bx_peer *peer)
{
    w->fd = peer->fd;
    w->timed_out = false;
    w->limited = peer->timeout >= 0;
    w->end = 0;
    /* Beyond a century there is no limit. */
    if (w->limited && peer->timeout > 3.2e9) w->limited = false;
    if (w->limited) w->end = nanoseconds() + (int64_t)(peer->timeout * 1e9);
    w->have = 0;
    w->room = READ_SIZE;
    w->data = PyMem_RawMalloc(READ_SIZE);
    if (w->data != NULL) return 0;
    PyErr_NoMemory();
    return -1;
}

/* ---- without the interpreter ---- */

/* Wait until the socket is ready: 1, or -1 with errno (and `timed_out`). EINTR comes now and then in
 * any case: a signal that arrives just before the wait would not end it. */
static int wait_ready(wire *w, short events)
{
    struct pollfd entry = {w->fd, events, 0};
    int milliseconds = LOOK_EVERY, status;

    if (w->limited) {
        int64_t left = w->end - nanoseconds();

        if (left < (int64_t)LOOK_EVERY * 1000000) {
            milliseconds = left <= 0 ? 0 : (int)((left + 999999) / 1000000);
        }
    }
    status = poll(&entry, 1, milliseconds);
    if (status > 0) return 1;
    if (status == 0) {
        w->timed_out = w->limited && nanoseconds() >= w->end;
        errno = w->timed_out ? ETIMEDOUT : EINTR;
    }
    return -1;
}

static ssize_t send_some(int fd, const outgoing *out)
{
    struct iovec parts[2] = {{(void *)(uintptr_t)out->p, (size_t)(out->end - out->p)},
                             {(void *)(uintptr_t)out->next, (size_t)(out->next_end - out->next)}};
    struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2};

    if (out->next == out->next_end) {
        return send(fd, out->p, (size_t)(out->end - out->p), MSG_DONTWAIT | MSG_NOSIGNAL);
    }
    return sendmsg(fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
}

static bool is_all_sent(const outgoing *out)
{
    return out->p == out->end && out->next == out->next_end;
}

static void note_sent(outgoing *out, size_t n)
{
    size_t first = (size_t)(out->end - out->p);

    out->p += n < first ? n : first;
    if (n > first) out->next += n - first;
}

/* One step of sending (`out`) or of receiving behind what is there: the bytes, 0 for the peer's end
 * of the connection, -1 with errno. */
static ssize_t step(wire *w, const outgoing *out)
{
    short events = out != NULL ? POLLOUT : POLLIN;
    /* Without a limit the kernel waits in recv itself, a call less, for as long as the socket has it. */
    int receive_flags = w->limited ? MSG_DONTWAIT : 0;
    ssize_t n;

    /* A reply takes its time: without a wait first, the attempt would be in vain. */
    if (out == NULL && w->limited && wait_ready(w, events) < 0) return -1;
    for (;;) {
        n = out != NULL ? send_some(w->fd, out)
                        : recv(w->fd, w->data + w->have, w->room - w->have, receive_flags);
        if (n >= 0 || (errno != EAGAIN && errno != EWOULDBLOCK)) return n;
        if (wait_ready(w, events) < 0) return -1;
    }
}

/* Send what is left of the message, then receive once. */
static ssize_t send_and_receive(wire *w, outgoing *out)
{
    ssize_t n;

    while (!is_all_sent(out)) {
        n = step(w, out);
        if (n < 0) return n;
        note_sent(out, (size_t)n);
    }
    return step(w, NULL);
}

/* ---- with it ---- */

/* Whether to go on after an errno: a signal was handled. False with an exception. */
static bool goes_on(const wire *w, int error)
{
    if (error == EINTR) return PyErr_CheckSignals() == 0;
    if (w->timed_out) {
        PyErr_SetString(PyExc_TimeoutError, "timed out");
    } else {
        errno = error;
        PyErr_SetFromErrno(PyExc_OSError);
    }
    return false;
}

/* Send what is left, then receive: 1, 0 at the end of the connection, -1 with an exception. */
static int transfer(wire *w, outgoing *out)
{
    ssize_t n;
    int error;

    do {
        Py_BEGIN_ALLOW_THREADS
        n = send_and_receive(w, out);
        error = errno;
        Py_END_ALLOW_THREADS
    } while (n < 0 && goes_on(w, error));
    if (n > 0) w->have += (size_t)n;
    return n < 0 ? -1 : n > 0;
}

static int make_room(wire *w, size_t length)
{
    size_t room = w->have * 2 > LEAP ? w->have * 2 : LEAP;
    uint8_t *data;

    if (room > length) room = length;
    data = PyMem_RawRealloc(w->data, room);
    if (data == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    w->data = data;
    w->room = room;
    return 0;
}

/* Exchange the message for one that begins at w->data: 1 if that is whole and alone, 0
 * if it is not for us to go on, -1 with an exception. */
static int receive_message(wire *w, outgoing *out, size_t max_size)
{
    size_t length = HEADER_SIZE;
    int status;

    do {
        if (w->have == w->room && make_room(w, length) < 0) return -1;
        status = transfer(w, out);
        if (status <= 0) return status;
        if (w->have < HEADER_SIZE) continue;
        length = bx_load32(w->data);
        if (length < HEADER_SIZE || length > max_size) return 0;
    } while (w->have < length);
    return w->have == length;
}

/* Whether the message is an OP_MSG in answer to the request, without a checksum, and none follow. */
static bool is_answer(const wire *w, int32_t request_id)
{
    return w->have >= HEADER_SIZE + 5 && (int32_t)bx_load32(w->data + 8) == request_id &&
           bx_load32(w->data + 12) == OP_MSG &&
           !(bx_load32(w->data + 16) & (CHECKSUM_PRESENT | MORE_TO_COME));
}

static PyObject *read_reply(bx_state *st, const wire *w, const bx_reply_form *form)
{
    return bx_decode_message_at(st, w->data, w->have, form->codec_options, form->user_fields,
                                form->joins);
}

static PyObject *exchange_message(bx_state *st, const bx_peer *peer, outgoing *message,
                                  int32_t request_id, const bx_reply_form *form)
{
    PyObject *result = NULL, *type, *value, *traceback, *closed;
    wire w;
    int status;

    if (wire_init(&w, peer) < 0) return NULL;
    status = receive_message(&w, message, (size_t)peer->max_reply_size);
    if (status < 0) {
        PyErr_Fetch(&type, &value, &traceback);
        closed = PyObject_CallMethodNoArgs(peer->stream, st->s_close);
        if (closed == NULL) PyErr_Clear();
        Py_XDECREF(closed);
        PyErr_Restore(type, value, traceback);
    } else {
        if (status > 0 && is_answer(&w, request_id)) result = read_reply(st, &w, form);
        /* What the codec or the user's code refuses goes the long way: it may be the reply of a
         * failure, which is told whatever they make of it. There they raise again. */
        if (result == NULL && PyErr_Occurred() && PyErr_ExceptionMatches(PyExc_Exception)) {
            PyErr_Clear();
        }
        if (result == NULL && !PyErr_Occurred()) {
            result = PyBytes_FromStringAndSize((const char *)w.data, (Py_ssize_t)w.have);
        }
    }
    PyMem_RawFree(w.data);
    return result;
}

PyObject *bx_exchange(bx_state *st, const bx_peer *peer, const bx_batch *batch,
                      const bx_reply_form *form, Py_ssize_t *stop)
{
    bx_options *options = bx_options_hold(st, batch->codec_options);
    PyObject *result = NULL;
    Py_ssize_t size;
    bx_encoder e;

    if (options == NULL) return NULL;
    bx_encoder_init(&e, st, options, false);
    size = bx_write_batch(&e, batch, stop);
    if (size < 0) {
        /* as encoding has it */
    } else if (batch->documents == NULL && size > batch->max_document_size) {
        result = PyLong_FromSsize_t(size);
    } else {
        outgoing message = {e.w.base, e.w.p, NULL, NULL};

        if (batch->encoded != NULL) {
            message.next = batch->encoded;
            message.next_end = batch->encoded + batch->encoded_size;
        }
        result = exchange_message(st, peer, &message, batch->request_id, form);
    }
    bx_encoder_abandon(&e);
    bx_options_release(st, options);
    return result;
}

#endif
