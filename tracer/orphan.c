/* SPDX-License-Identifier: MIT */
#include "tracer/orphan.h"

void orphan_keep_parent(struct orphan_parents *parents, struct space *space)
{
    space_destroy(parents->spaces[parents->next]);
    space_close(space);
    parents->spaces[parents->next] = space;
    parents->next = (parents->next + 1) % ORPHAN_PARENTS;
}

void orphan_parents_deinit(struct orphan_parents *parents)
{
    for (unsigned i = 0; i < ORPHAN_PARENTS; i++)
        space_destroy(parents->spaces[i]);
}

struct space *orphan_space(const struct space *parent, uint32_t id, pid_t pid)
{
    struct space *space;
    struct error *error = space_fork(parent, id, pid, &space);
    if (error) {
        error_free(error);
        return NULL;
    }
    if (space_is_planted(space))
        return space;
    space_destroy(space);
    return NULL;
}

struct space *orphan_space_of_any(const struct orphan_parents *parents, pid_t creator, uint32_t id,
                                  pid_t pid, uint32_t *parent)
{
    for (unsigned i = 0; i < ORPHAN_PARENTS; i++) {
        const struct space *kept =
            parents->spaces[(parents->next + ORPHAN_PARENTS - 1 - i) % ORPHAN_PARENTS];
        if (!kept || (creator && kept->pid != creator))
            continue;
        struct space *space = orphan_space(kept, id, pid);
        if (space) {
            *parent = kept->id;
            return space;
        }
    }
    return NULL;
}
