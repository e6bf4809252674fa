/* Pieces of JSON text: strings, integers and base64. */
#ifndef BSONX_JSON_TEXT_H
#define BSONX_JSON_TEXT_H

#include "core/common.h"
#include "core/writer.h"

/* Append a str in quotes, escaped as the json module does: to ASCII if `ascii`, else to UTF-8 in
 * which lone surrogates are encoded like other code points. -1 with MemoryError. */
int bx_json_put_text(bx_writer *w, PyObject *text, bool ascii);

/* Copy text of which every byte stands for itself in quotes (in UTF-8, or in ASCII if `ascii`), as far
 * as that goes: the number of bytes copied. There is room for `n`. */
size_t bx_json_copy_plain(uint8_t *dst, const uint8_t *src, size_t n, bool ascii);

/* Write characters of valid UTF-8, escaped as above: there is room for 6 bytes for each of `n`. The
 * new end. */
uint8_t *bx_json_write_utf8(uint8_t *p, const uint8_t *src, size_t n, bool ascii);

/* Write an integer to `p` (at most 20 bytes); the new end. */
uint8_t *bx_json_write_int(uint8_t *p, int64_t value);

/* Write exactly two, three or four digits. */
uint8_t *bx_json_write_digits2(uint8_t *p, unsigned value);
uint8_t *bx_json_write_digits3(uint8_t *p, unsigned value);
uint8_t *bx_json_write_digits4(uint8_t *p, unsigned value);

/* Write `size` bytes as base64, 4 bytes for every 3 or fewer; the new end. */
uint8_t *bx_base64_write(uint8_t *p, const uint8_t *data, size_t size);

/* Read base64 in the one form that bx_base64_write gives into `dst`, which has room for 3 bytes for
 * every 4. The number of bytes, or -1 for any other form, of which some are valid all the same. */
Py_ssize_t bx_base64_read(uint8_t *dst, const uint8_t *text, size_t size);

#endif
