/* SPDX-License-Identifier: MIT */
/* Blocks that were there before tracing. */
#include <stdlib.h>
#include <string.h>

#include "tracer/recorder_internal.h"

struct found_definition {
    struct definition head;
    uint32_t process;
    size_t count;
    struct recorder_found blocks[];
};

static void apply_found(struct recorder *recorder, struct definition *definition)
{
    struct found_definition *self = (struct found_definition *)definition;
    struct live_blocks *live = recorder_live(recorder, self->process);
    for (size_t i = 0; i < self->count; i++) {
        const struct recorder_found *found = &self->blocks[i];
        struct log_record record = {
            .kind = LOG_FOUND,
            .found = {.process = self->process, .address = found->address, .size = found->size},
        };
        recorder_put(recorder, &record);
        if (live && !live_blocks_add(
                        live, &(struct live_block){.address = found->address, .size = found->size}))
            recorder->processes[self->process].live_lacking = true;
    }
    free(self);
}

void recorder_found(struct recorder *recorder, uint32_t process,
                    const struct recorder_found *blocks, size_t count)
{
    if (!count)
        return;
    struct found_definition *self = malloc(sizeof *self + count * sizeof *blocks);
    if (!self)
        return;
    *self =
        (struct found_definition){.head.apply = apply_found, .process = process, .count = count};
    memcpy(self->blocks, blocks, count * sizeof *blocks);
    recorder_send(recorder, &self->head);
}
