/* As bsonx._py.csv.rows does it: where a row is bad, the words for that are found there. */
#include "csv/rows.h"

typedef struct {
    const bx_csv_plan *plan;
    const uint8_t *end;
    bool at_end;
    const uint8_t *fault; /* somewhere in the line with it */
} cutter;

/* What a field is followed by. */
typedef enum { BEFORE_FIELD, BEFORE_ROW, BEFORE_NOTHING, IS_BAD, IS_INCOMPLETE } behind;

/* Pass the ends of lines of the other kind at *p: what follows them. */
static behind pass_other(const cutter *c, const uint8_t **p)
{
    while (*p < c->end && **p == c->plan->other) (*p)++;
    if (*p == c->end) return c->at_end ? BEFORE_NOTHING : IS_INCOMPLETE;
    return **p == c->plan->newline ? BEFORE_ROW : IS_BAD;
}

static behind cut_unquoted(cutter *c, const uint8_t **at, bx_csv_field *field)
{
    const bx_csv_plan *plan = c->plan;
    const uint8_t *p = *at;
    behind next;

    while (!plan->stops[*p] || (*p == 0 && p < c->end)) p++;
    field->text = *at;
    field->size = (size_t)(p - *at);
    field->doubled = false;
    c->fault = *at;
    if (BX_LIKELY(p < c->end)) {
        if (*p == plan->delimiter) {
            next = BEFORE_FIELD;
        } else if (*p == plan->newline) {
            next = BEFORE_ROW;
        } else {
            next = pass_other(c, &p);
        }
    } else {
        next = c->at_end ? BEFORE_NOTHING : IS_INCOMPLETE;
    }
    *at = p;
    return BX_UNLIKELY(field->size > plan->longest) && next != IS_INCOMPLETE ? IS_BAD : next;
}

/* The closing quote of a field whose text begins at `p`; NULL if there is none. */
static const uint8_t *closing_quote(const uint8_t *p, const uint8_t *end, bool *doubled)
{
    while (p < end && (p = memchr(p, '"', (size_t)(end - p))) != NULL) {
        if (p + 1 == end || p[1] != '"') return p;
        *doubled = true;
        p += 2;
    }
    return NULL;
}

static behind cut_quoted(cutter *c, const uint8_t **at, const uint8_t *quote, bx_csv_field *field)
{
    const uint8_t *close;

    field->text = quote + 1;
    field->doubled = false;
    close = closing_quote(field->text, c->end, &field->doubled);
    c->fault = quote;
    if ((size_t)((close == NULL ? c->end : close) - field->text) > c->plan->longest) return IS_BAD;
    if (!c->at_end && (close == NULL || close + 1 == c->end)) return IS_INCOMPLETE;
    if (close == NULL) return IS_BAD;
    field->size = (size_t)(close - field->text);
    *at = close + 1;
    if (*at < c->end && **at == c->plan->delimiter) return BEFORE_FIELD;
    return pass_other(c, at);
}

static behind cut_field(cutter *c, const uint8_t **at, bx_csv_field *field, bool *quoted)
{
    const uint8_t *p = *at;

    if (BX_UNLIKELY(*p <= '"')) {
        while (bx_csv_is_blank(*p) && *p != c->plan->delimiter) p++;
        if (*p == '"') {
            *quoted = true;
            return cut_quoted(c, at, p, field);
        }
    }
    return cut_unquoted(c, at, field);
}

static int64_t count_lines(const uint8_t *p, const uint8_t *end, uint8_t newline)
{
    int64_t count = 0;

    while (p < end && (p = memchr(p, newline, (size_t)(end - p))) != NULL) {
        count++;
        p++;
    }
    return count;
}

static bool is_empty(const bx_csv_plan *plan, const bx_csv_field *field, bool quoted)
{
    size_t i = 0;

    if (field->size == 0) return !quoted;
    if (plan->count <= 1) return false;
    while (i < field->size && bx_csv_is_blank(field->text[i])) i++;
    return i == field->size;
}

static bx_csv_row bad_row(const cutter *c, const uint8_t **stop)
{
    const uint8_t *p = memchr(c->fault, c->plan->newline, (size_t)(c->end - c->fault));

    if (p == NULL && !c->at_end) return BX_ROW_INCOMPLETE;
    *stop = p == NULL ? c->end : p + 1;
    return BX_ROW_BAD;
}

bx_csv_row bx_csv_cut(const bx_csv_plan *plan, const uint8_t *start, const uint8_t *end, bool at_end,
                      bx_csv_field *fields, const uint8_t **stop, int64_t *lines)
{
    cutter c = {plan, end, at_end, start};
    bx_csv_field spare, first = {NULL, 0, false};
    const uint8_t *p = start;
    bx_csv_row status = BX_ROW_GOOD;
    bool quoted = false;
    size_t count = 0;
    behind next;

    for (;;) {
        bx_csv_field *field = count < plan->count ? &fields[count] : &spare;

        next = cut_field(&c, &p, field, &quoted);
        if (count == 0) first = *field;
        count++;
        if (next != BEFORE_FIELD) break;
        p++;
    }
    if (BX_UNLIKELY(next == IS_INCOMPLETE)) return BX_ROW_INCOMPLETE;
    if (BX_UNLIKELY(next == IS_BAD)) {
        status = bad_row(&c, stop);
    } else {
        *stop = next == BEFORE_ROW ? p + 1 : p;
        if (count == 1 && is_empty(plan, &first, quoted)) {
            status = BX_ROW_EMPTY;
        } else if (count != plan->count) {
            status = BX_ROW_BAD;
        }
    }
    if (status == BX_ROW_INCOMPLETE) return status;
    *lines = quoted || status == BX_ROW_BAD ? count_lines(start, *stop, plan->newline)
                                            : next == BEFORE_ROW;
    return status;
}
