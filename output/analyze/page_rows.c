/* SPDX-License-Identifier: MIT */
#include "output/analyze/page_rows.h"

#include <stdlib.h>

#include "output/analyze/filter.h"
#include "output/analyze/history.h"
#include "output/analyze/key_ids.h"
#include "output/analyze/rows.h"
#include "output/analyze/sites.h"

/* Points that a page has room for: 20 MB with all else. With more the rows with the fewest bytes
 * have points less often. */
#define MOST_POINTS ((size_t)3 << 19)
#define HEAVY_ROWS 2000

struct collecting {
    const struct report *report;
    struct page_rows *rows;
    size_t capacity;
    struct key_id *ids;   /* by node and thread: the row's place + 1 */
    uint32_t *row_of_row; /* by row of the replay: the same, 0 for what is left out */
};

static bool add_row(struct collecting *self, const struct replay_row *from, uint32_t node,
                    uint32_t site, uint32_t *place)
{
    struct page_rows *rows = self->rows;
    const uint32_t key[] = {node, from->thread};
    uint32_t next = (uint32_t)rows->row_count + 1;
    *place = key_ids_add(&self->ids, key, sizeof key, next);
    if (!*place || !replay_grow(&rows->rows, &self->capacity, *place - 1, sizeof *rows->rows))
        return false;
    if (*place == next) {
        rows->row_count++;
        rows->rows[next - 1] =
            (struct page_row){.node = node, .site = site, .thread = from->thread};
    }
    replay_add_sums(&rows->rows[*place - 1].sums, &from->sums);
    return true;
}

static bool add_rows(struct collecting *self, const uint32_t *nodes, const uint32_t *sites,
                     const bool *wanted)
{
    const struct replay *replay = self->report->replay;
    for (size_t i = 1; i < replay->row_count; i++) {
        const struct replay_row *row = &replay->rows[i];
        if (wanted[row->stack] && !sites_are_empty(&row->sums) &&
            !add_row(self, row, nodes[row->stack], sites[row->stack], &self->row_of_row[i]))
            return false;
    }
    return true;
}

/* Takes out the rows that are too small, and what pointed to them. */
static bool drop_small(struct collecting *self)
{
    const struct options *options = self->report->options;
    struct page_rows *rows = self->rows;
    uint32_t *new_place = calloc(rows->row_count + 1, sizeof *new_place);
    size_t kept = 0;
    if (!new_place)
        return false;
    for (size_t i = 0; i < rows->row_count; i++) {
        const struct replay_sums *sums = &rows->rows[i].sums;
        if (sums->count < options->min_count || sums->bytes < options->threshold_bytes)
            continue;
        rows->rows[kept++] = rows->rows[i];
        new_place[i + 1] = (uint32_t)kept;
    }
    for (size_t i = 1; i < self->report->replay->row_count; i++)
        self->row_of_row[i] = new_place[self->row_of_row[i]];
    rows->row_count = kept;
    free(new_place);
    return true;
}

/* ---- Points ---- */

/* What a row of the replay had alive at its last point. */
struct last {
    uint64_t live_bytes;
    uint32_t live;
};

/* A row that has changed since its last point. */
struct open_point {
    bool touched;
    uint64_t allocated, allocated_bytes;
    uint64_t live_bytes, live; /* so far, also when it has not changed */
};

struct adding {
    struct last *lasts;      /* by row of the replay */
    struct open_point *open; /* by row */
    bool *light;             /* by row: it has points only where a group of bins ends */
    size_t group;            /* bins */
    uint32_t *touched;       /* rows, in the order in which they were */
    size_t touched_count;
    size_t capacity; /* of points */
};

static void touch(const struct collecting *self, struct adding *adding,
                  const struct history_point *from)
{
    uint32_t place = self->row_of_row[from->row];
    if (!place)
        return;
    struct open_point *open = &adding->open[place - 1];
    struct last *last = &adding->lasts[from->row];
    open->live_bytes += from->live_bytes - last->live_bytes;
    open->live += (uint64_t)from->live - last->live;
    open->allocated += from->allocated;
    open->allocated_bytes += from->allocated_bytes;
    *last = (struct last){.live_bytes = from->live_bytes, .live = from->live};
    if (!open->touched)
        adding->touched[adding->touched_count++] = place - 1;
    open->touched = true;
}

static int by_number(const void *one, const void *other)
{
    const uint32_t *a = one;
    const uint32_t *b = other;
    return (*a > *b) - (*a < *b);
}

/* Makes points of the rows that were touched; of light ones only at the end of a group. */
static bool close_points(const struct collecting *self, struct adding *adding, bool group_ends)
{
    struct page_rows *rows = self->rows;
    size_t left = 0;
    qsort(adding->touched, adding->touched_count, sizeof *adding->touched, by_number);
    for (size_t i = 0; i < adding->touched_count; i++) {
        uint32_t row = adding->touched[i];
        struct open_point *open = &adding->open[row];
        if (adding->light[row] && !group_ends) {
            adding->touched[left++] = row;
            continue;
        }
        if (!replay_grow(&rows->points, &adding->capacity, rows->point_count, sizeof *rows->points))
            return false;
        rows->points[rows->point_count++] = (struct page_point){
            .row = row,
            .allocated = open->allocated,
            .allocated_bytes = open->allocated_bytes,
            .live_bytes = open->live_bytes,
            .live = open->live,
        };
        open->touched = false;
        open->allocated = open->allocated_bytes = 0;
    }
    adding->touched_count = left;
    return true;
}

static bool add_points(const struct collecting *self, struct adding *adding)
{
    const struct history *history = self->report->replay->history;
    struct page_rows *rows = self->rows;
    rows->bin_count = history->bin_count;
    for (size_t bin = 0; bin < history->bin_count; bin++) {
        size_t count;
        const struct history_point *points = history_points(history, bin, &count);
        bool group_ends = (bin + 1) % adding->group == 0 || bin + 1 == history->bin_count;
        rows->first_points[bin] = rows->point_count;
        for (size_t i = 0; i < count; i++)
            touch(self, adding, &points[i]);
        if (!close_points(self, adding, group_ends))
            return false;
    }
    rows->first_points[rows->bin_count] = rows->point_count;
    return true;
}

/* How many points there are if light rows have them once in a group; marks is by row, zeroed. */
static size_t count_points(const struct collecting *self, const bool *light, size_t group,
                           uint32_t *marks)
{
    const struct history *history = self->report->replay->history;
    size_t sum = 0;
    for (size_t bin = 0; bin < history->bin_count; bin++) {
        size_t count;
        const struct history_point *points = history_points(history, bin, &count);
        for (size_t i = 0; i < count; i++) {
            uint32_t place = self->row_of_row[points[i].row];
            if (!place)
                continue;
            uint32_t mark = (uint32_t)(light[place - 1] ? bin / group : bin) + 1;
            sum += marks[place - 1] != mark;
            marks[place - 1] = mark;
        }
    }
    return sum;
}

static int by_weight(const void *one, const void *other, void *data)
{
    const struct page_row *rows = data;
    const struct replay_sums *a = &rows[*(const uint32_t *)one].sums;
    const struct replay_sums *b = &rows[*(const uint32_t *)other].sums;
    return (a->bytes < b->bytes) - (a->bytes > b->bytes);
}

/* All rows are light but those with the most bytes. */
static bool mark_light(const struct page_rows *rows, bool *light)
{
    uint32_t *order = calloc(rows->row_count + 1, sizeof *order);
    if (!order)
        return false;
    for (uint32_t i = 0; i < rows->row_count; i++)
        order[i] = i;
    qsort_r(order, rows->row_count, sizeof *order, by_weight, rows->rows);
    for (size_t i = 0; i < rows->row_count; i++)
        light[order[i]] = i >= HEAVY_ROWS;
    free(order);
    return true;
}

/* Makes light rows' groups so long that there are not too many points. */
static bool choose_groups(const struct collecting *self, struct adding *adding)
{
    const struct history *history = self->report->replay->history;
    size_t rows = self->rows->row_count;
    adding->group = 1;
    while (adding->group < history->bin_count) {
        uint32_t *marks = calloc(rows + 1, sizeof *marks);
        if (!marks)
            return false;
        size_t count = count_points(self, adding->light, adding->group, marks);
        free(marks);
        if (count <= MOST_POINTS)
            break;
        if (adding->group == 1 && !mark_light(self->rows, adding->light))
            return false;
        adding->group *= 2;
    }
    return true;
}

static bool collect_points(const struct collecting *self)
{
    size_t rows = self->rows->row_count;
    struct adding adding = {
        .lasts = calloc(self->report->replay->row_count + 1, sizeof *adding.lasts),
        .open = calloc(rows + 1, sizeof *adding.open),
        .light = calloc(rows + 1, sizeof *adding.light),
        .touched = calloc(rows + 1, sizeof *adding.touched),
    };
    self->rows->first_points =
        calloc(self->report->replay->history->bin_count + 1, sizeof *self->rows->first_points);
    bool done = adding.lasts && adding.open && adding.light && adding.touched &&
                self->rows->first_points && choose_groups(self, &adding) &&
                add_points(self, &adding);
    free(adding.lasts);
    free(adding.open);
    free(adding.light);
    free(adding.touched);
    return done;
}

static bool collect(struct collecting *self, const uint32_t *nodes, const uint32_t *sites)
{
    const struct replay *replay = self->report->replay;
    bool *wanted = filter_stacks(self->report->options, &replay->catalog);
    self->row_of_row = calloc(replay->row_count + 1, sizeof *self->row_of_row);
    bool done = wanted && self->row_of_row && add_rows(self, nodes, sites, wanted);
    free(wanted);
    return done && drop_small(self) && collect_points(self);
}

struct error *page_rows_collect(const struct report *report, const uint32_t *nodes,
                                const uint32_t *sites, struct page_rows *rows)
{
    struct collecting self = {.report = report, .rows = rows};
    *rows = (struct page_rows){0};
    bool done = collect(&self, nodes, sites);
    key_ids_deinit(&self.ids);
    free(self.row_of_row);
    if (done)
        return NULL;
    page_rows_deinit(rows);
    return error_no_memory();
}

void page_rows_deinit(struct page_rows *rows)
{
    free(rows->rows);
    free(rows->points);
    free(rows->first_points);
    *rows = (struct page_rows){0};
}
