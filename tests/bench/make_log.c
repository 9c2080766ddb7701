/* SPDX-License-Identifier: MIT */
/* make_log FILE EVENTS STACKS: a log for measurements of the analyzer and its report page. */
#include <stdio.h>
#include <stdlib.h>

#include "tests/bench/synthetic_log.h"

int main(int argc, char **argv)
{
    if (argc != 4) {
        fprintf(stderr, "usage: make_log FILE EVENTS STACKS\n");
        return 2;
    }
    struct error *error = synthetic_log_write(
        argv[1], &(struct synthetic_log){.events = strtoull(argv[2], NULL, 10),
                                         .stacks = (uint32_t)strtoul(argv[3], NULL, 10),
                                         .frames = 20000,
                                         .live = 100000});
    if (!error)
        return 0;
    fprintf(stderr, "make_log: %s\n", error->message);
    return 1;
}
