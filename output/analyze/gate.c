/* SPDX-License-Identifier: MIT */
#include "output/analyze/gate.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "output/analyze/format.h"

#define GROWTH "growth"
#define GROWTH_OF "peak" /* what "growth" alone is of */

/* Longer ones come before those that they begin with. */
static const struct {
    const char *text;
    enum gate_test test;
} tests[] = {
    {">=", GATE_MORE_EQUAL}, {"<=", GATE_LESS_EQUAL}, {"==", GATE_EQUAL},
    {"!=", GATE_NOT_EQUAL},  {">", GATE_MORE},        {"<", GATE_LESS},
};

static const char *skip_blanks(const char *text)
{
    while (isspace((unsigned char)*text))
        text++;
    return text;
}

static struct error *unknown_name(const struct gate *gate)
{
    char names[512];
    size_t used = 0;
    for (size_t i = 0; i < QUANTITY_COUNT && used < sizeof names; i++)
        used += (size_t)snprintf(names + used, sizeof names - used, "%s%s", i ? ", " : "",
                                 quantities[i].name);
    return error_format(ERROR_USAGE,
                        "--%s takes NAME OPERATOR VALUE, where NAME is one of %s or, against "
                        "a baseline, " GROWTH " or one of these with -" GROWTH ", not '%s'",
                        gate->option, names, gate->text);
}

static struct error *parse_name(struct gate *gate, const char *name, size_t length)
{
    static const char suffix[] = "-" GROWTH;
    size_t suffix_length = sizeof suffix - 1;
    if (length == sizeof GROWTH - 1 && memcmp(name, GROWTH, length) == 0) {
        gate->growth = true;
        gate->quantity = quantity_find(GROWTH_OF, sizeof GROWTH_OF - 1);
    } else if (length > suffix_length &&
               memcmp(name + length - suffix_length, suffix, suffix_length) == 0) {
        gate->growth = true;
        gate->quantity = quantity_find(name, length - suffix_length);
    } else {
        gate->quantity = quantity_find(name, length);
    }
    return gate->quantity ? NULL : unknown_name(gate);
}

/* Takes the operator at *text; it ends behind it. */
static struct error *parse_operator(struct gate *gate, const char **text)
{
    for (size_t i = 0; i < sizeof tests / sizeof *tests; i++) {
        size_t length = strlen(tests[i].text);
        if (strncmp(*text, tests[i].text, length) == 0) {
            gate->test = tests[i].test;
            *text += length;
            return NULL;
        }
    }
    return error_format(ERROR_USAGE,
                        "--%s: after the name comes one of > >= < <= == != and a value, not as in "
                        "'%s'",
                        gate->option, gate->text);
}

static struct error *bad_value(const struct gate *gate)
{
    return error_format(ERROR_USAGE,
                        "--%s: %s is compared with a number such as 0, 1.5e6%s%s, not as in '%s'",
                        gate->option, gate->quantity->name,
                        gate->quantity->bytes ? ", 100M, 2GiB" : " or 10K (10,000)",
                        gate->growth ? " or 5%" : "", gate->text);
}

/* What a unit stands for; 0 if it is none for this quantity. */
static long double unit_of(const char *unit, bool bytes)
{
    static const char letters[] = "KMGTPE";
    const char *letter = *unit ? strchr(letters, toupper((unsigned char)*unit)) : NULL;
    if (!*unit || (bytes && strcmp(unit, "B") == 0))
        return 1;
    if (!letter)
        return 0;
    bool decimal = !bytes || strcmp(unit + 1, "B") == 0;
    if (unit[1] && !(bytes && (decimal || strcmp(unit + 1, "iB") == 0)))
        return 0;
    return powl(decimal ? 1000 : 1024, (long double)(letter - letters + 1));
}

static struct error *parse_value(struct gate *gate, const char *text)
{
    char unit[8] = "";
    char *end;
    /* strtold() would take signs, hexadecimal numbers, "inf" and "nan", too. */
    size_t digits = strspn(text, "0123456789.");
    if (!digits || tolower((unsigned char)text[digits]) == 'x')
        return bad_value(gate);
    gate->limit = strtold(text, &end);
    if ((size_t)(end - text) < digits)
        return bad_value(gate);
    const char *rest = skip_blanks(end);
    size_t length = strlen(rest);
    while (length && isspace((unsigned char)rest[length - 1]))
        length--;
    if (length >= sizeof unit)
        return bad_value(gate);
    memcpy(unit, rest, length);
    gate->percent = gate->growth && strcmp(unit, "%") == 0;
    gate->limit *= gate->percent ? 1 : unit_of(unit, gate->quantity->bytes);
    bool known = gate->percent || unit_of(unit, gate->quantity->bytes) > 0;
    return known && isfinite(gate->limit) ? NULL : bad_value(gate);
}

struct error *gate_parse(const char *option, const char *text, struct gate *gate)
{
    *gate = (struct gate){.option = option, .text = text};
    const char *name = skip_blanks(text);
    size_t length = 0;
    while (isalnum((unsigned char)name[length]) || name[length] == '-')
        length++;
    struct error *error = parse_name(gate, name, length);
    const char *rest = skip_blanks(name + length);
    if (!error)
        error = parse_operator(gate, &rest);
    return error ? error : parse_value(gate, skip_blanks(rest));
}

static long double measured(const struct gate *gate, uint64_t before, uint64_t now)
{
    if (!gate->growth)
        return (long double)now;
    long double change = (long double)now - (long double)before;
    if (!gate->percent)
        return change;
    if (!before)
        return now ? INFINITY : 0;
    return 100 * change / (long double)before;
}

bool gate_trips(const struct gate *gate, uint64_t before, uint64_t now)
{
    long double value = measured(gate, before, now);
    switch (gate->test) {
    case GATE_MORE_EQUAL:
        return value >= gate->limit;
    case GATE_LESS:
        return value < gate->limit;
    case GATE_LESS_EQUAL:
        return value <= gate->limit;
    case GATE_EQUAL:
        return value == gate->limit;
    case GATE_NOT_EQUAL:
        return value != gate->limit;
    case GATE_MORE:
    default:
        return value > gate->limit;
    }
}

static void print_amount(FILE *out, const struct gate *gate, uint64_t amount)
{
    char text[64];
    fputs(gate->quantity->bytes ? format_bytes_both(amount, false, text, sizeof text)
                                : format_number(amount, text, sizeof text),
          out);
}

static void print_limit(FILE *out, const struct gate *gate)
{
    if (gate->percent)
        fprintf(out, "%.10Lg%%", gate->limit);
    else if (gate->limit <= (long double)UINT64_MAX && gate->limit == floorl(gate->limit))
        print_amount(out, gate, (uint64_t)gate->limit);
    else
        fprintf(out, "%.10Lg%s", gate->limit, gate->quantity->bytes ? " bytes" : "");
}

static void print_growth(FILE *out, const struct gate *gate, uint64_t before, uint64_t now)
{
    fputs(now < before ? "shrank by " : "grew by ", out);
    print_amount(out, gate, now < before ? before - now : now - before);
    if (before)
        fprintf(out, " or %.10Lg%%",
                fabsl(100 * ((long double)now - (long double)before) / (long double)before));
    fputs(", from ", out);
    print_amount(out, gate, before);
    fputs(" to ", out);
}

void gate_print(FILE *out, const struct gate *gate, uint64_t before, uint64_t now)
{
    fprintf(out, "--%s=", gate->option);
    text_print_quoted(out, gate->text);
    fprintf(out, ": %s ", gate->quantity->name);
    if (gate->growth)
        print_growth(out, gate, before, now);
    else
        fputs("is ", out);
    print_amount(out, gate, now);
    fputs("; the limit is ", out);
    print_limit(out, gate);
    fputc('\n', out);
}
