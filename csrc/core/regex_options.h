/* The options of regular expressions: letters in BSON and extended JSON, flags of `re` in Python. */
#ifndef BSONX_REGEX_OPTIONS_H
#define BSONX_REGEX_OPTIONS_H

#include "core/common.h"

/* In alphabetical order, in which they must be written (BSON specification, "Regular expression";
 * extended JSON specification, "Regular Expression"). re.I is 2, re.L 4 and so on to re.X, 64. */
#define BX_REGEX_LETTERS "ilmsux"
#define BX_REGEX_LETTER_COUNT 6

/* The flag of a letter, 0 for any other byte. */
BX_INLINE long bx_regex_flag(uint8_t letter)
{
    for (int i = 0; i < BX_REGEX_LETTER_COUNT; i++) {
        if ((uint8_t)BX_REGEX_LETTERS[i] == letter) return 2L << i;
    }
    return 0;
}

/* Write the letters of flags, BX_REGEX_LETTER_COUNT at most; the new end. */
BX_INLINE uint8_t *bx_regex_write_letters(uint8_t *p, int64_t flags)
{
    for (int i = 0; i < BX_REGEX_LETTER_COUNT; i++) {
        if (flags & (INT64_C(2) << i)) *p++ = (uint8_t)BX_REGEX_LETTERS[i];
    }
    return p;
}

#endif
