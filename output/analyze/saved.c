/* SPDX-License-Identifier: MIT */
#include "output/analyze/saved.h"

#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <jansson.h>

#include "output/analyze/json_fields.h"
#include "output/analyze/json_stacks.h"
#include "output/analyze/rows.h"

#define MOST_COLUMNS 64

bool saved_is_json(const char *path)
{
    char start[64];
    struct stat status;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return false;
    ssize_t size = fstat(fd, &status) == 0 && S_ISREG(status.st_mode)
                       ? pread(fd, start, sizeof start - 1, 0)
                       : 0;
    close(fd);
    if (size <= 0)
        return false;
    start[size] = 0;
    char first = start[strspn(start, " \t\r\n")];
    return first == '{' || first == '[';
}

/* ---- Values ---- */

struct loading {
    const json_t *stacks; /* the member */
    const json_t *strings;
    uint32_t *modules; /* by string: the module of that path, 0 for none yet */
    struct replay *replay;
};

/* Errors are about the file, whose name saved_load() puts before them. */
static struct error *corrupt(const char *what, size_t index)
{
    return error_format(ERROR_CORRUPT, "not as --save writes it: %s[%zu]", what, index);
}

/* What is not there might be taken for 0, and all of the log for growth. */
static struct error *lacks(const char *member, const char *number)
{
    return error_format(ERROR_CORRUPT, "not as --save writes it: %s has no number %s", member,
                        number);
}

/* A whole number of at most most; false if it is none. */
static bool get_number(const json_t *value, uint64_t most, uint64_t *out)
{
    json_int_t number = json_is_integer(value) ? json_integer_value(value) : -1;
    *out = (uint64_t)number;
    return number >= 0 && *out <= most;
}

static bool get_id(const json_t *value, size_t count, uint32_t *out)
{
    uint64_t number;
    bool good = get_number(value, count - 1, &number);
    *out = good ? (uint32_t)number : 0;
    return good;
}

static bool get_string(const struct loading *loading, const json_t *value, struct log_text *out)
{
    uint32_t index;
    if (!get_id(value, json_array_size(loading->strings), &index))
        return false;
    const json_t *string = json_array_get(loading->strings, index);
    *out = (struct log_text){.data = json_string_value(string), .size = json_string_length(string)};
    return true;
}

static struct error *check_array(const struct loading *loading, const char *name,
                                 const json_t **array)
{
    *array = json_object_get(loading->stacks, name);
    if (json_is_array(*array) && json_array_size(*array) < UINT32_MAX)
        return NULL;
    return error_format(ERROR_CORRUPT, "not as --save writes it: no array %s", name);
}

/* ---- Definitions ---- */

static struct error *load_strings(struct loading *loading)
{
    struct error *error = check_array(loading, "strings", &loading->strings);
    size_t count = error ? 0 : json_array_size(loading->strings);
    for (size_t i = 0; i < count; i++) {
        if (!json_is_string(json_array_get(loading->strings, i)))
            return corrupt("strings", i);
    }
    loading->modules = calloc(count + 1, sizeof *loading->modules);
    return error || loading->modules ? error : error_no_memory();
}

static struct error *module_of(struct loading *loading, const json_t *value, uint32_t *module)
{
    struct log_text path;
    if (!get_string(loading, value, &path))
        return NULL; /* the caller has checked */
    uint32_t *known = &loading->modules[json_integer_value(value)];
    if (path.size && !*known) {
        *known = (uint32_t)loading->replay->catalog.module_count;
        struct error *error = replay_record(
            loading->replay,
            &(struct log_record){.kind = LOG_MODULE, .module = {.module = *known, .path = path}});
        if (error)
            return error;
    }
    *module = *known;
    return NULL;
}

static struct error *load_frame(struct loading *loading, const json_t *array, uint32_t id)
{
    enum { HEAD = 3, PER_LOCATION = 3 };
    size_t count = json_array_size(array);
    size_t location_count = count < HEAD ? 0 : (count - HEAD) / PER_LOCATION;
    struct log_record frame = {.kind = LOG_FRAME, .frame = {.frame = id}};
    struct log_text path;
    uint64_t flags;
    if (count != HEAD + location_count * PER_LOCATION ||
        !get_number(json_array_get(array, 0), UINT32_MAX, &flags) ||
        !get_string(loading, json_array_get(array, 1), &path) ||
        !get_number(json_array_get(array, 2), UINT64_MAX, &frame.frame.address))
        return corrupt("frames", id - 1);
    frame.frame.flags = (uint32_t)flags;
    struct error *error = module_of(loading, json_array_get(array, 1), &frame.frame.module);
    if (!error)
        error = replay_record(loading->replay, &frame);
    if (error || !location_count)
        return error;
    struct log_location *locations = calloc(location_count, sizeof *locations);
    bool good = locations;
    for (size_t i = 0; good && i < location_count; i++) {
        size_t at = HEAD + i * PER_LOCATION;
        good = get_string(loading, json_array_get(array, at), &locations[i].function) &&
               get_string(loading, json_array_get(array, at + 1), &locations[i].file) &&
               get_number(json_array_get(array, at + 2), UINT64_MAX, &locations[i].line);
    }
    if (!locations)
        error = error_no_memory();
    else if (!good)
        error = corrupt("frames", id - 1);
    else
        error = replay_record(
            loading->replay,
            &(struct log_record){
                .kind = LOG_SYMBOL,
                .symbol = {.frame = id, .location_count = location_count, .locations = locations}});
    free(locations);
    return error;
}

static struct error *load_stack(struct loading *loading, const json_t *array, uint32_t id)
{
    const struct catalog *catalog = &loading->replay->catalog;
    struct log_record stack = {.kind = LOG_STACK, .stack = {.stack = id}};
    if (!get_id(json_array_get(array, 0), catalog->stack_count, &stack.stack.parent) ||
        !get_id(json_array_get(array, 1), catalog->frame_count, &stack.stack.frame) ||
        !stack.stack.frame)
        return corrupt("stacks", id - 1);
    return replay_record(loading->replay, &stack);
}

static struct error *load_process(struct loading *loading, const json_t *array, uint32_t id)
{
    const struct catalog *catalog = &loading->replay->catalog;
    struct log_record process = {.kind = LOG_PROCESS, .process = {.process = id}};
    uint64_t origin;
    if (!json_is_integer(json_array_get(array, 0)) ||
        !get_id(json_array_get(array, 1), catalog->process_count, &process.process.parent) ||
        !get_number(json_array_get(array, 2), UINT32_MAX, &origin) ||
        !get_string(loading, json_array_get(array, 3), &process.process.executable))
        return corrupt("processes", id - 1);
    process.process.pid = json_integer_value(json_array_get(array, 0));
    process.process.origin = (uint32_t)origin;
    return replay_record(loading->replay, &process);
}

static struct error *load_thread(struct loading *loading, const json_t *array, uint32_t id)
{
    const struct catalog *catalog = &loading->replay->catalog;
    struct log_record thread = {.kind = LOG_THREAD, .thread = {.thread = id}};
    if (!json_is_integer(json_array_get(array, 0)) ||
        !get_id(json_array_get(array, 1), catalog->process_count, &thread.thread.process) ||
        !thread.thread.process ||
        !get_string(loading, json_array_get(array, 2), &thread.thread.name))
        return corrupt("threads", id - 1);
    thread.thread.tid = json_integer_value(json_array_get(array, 0));
    return replay_record(loading->replay, &thread);
}

/* All elements of an array, with their numbers from 1. */
static struct error *load_each(struct loading *loading, const char *name,
                               struct error *(*load)(struct loading *loading, const json_t *array,
                                                     uint32_t id))
{
    const json_t *array;
    struct error *error = check_array(loading, name, &array);
    for (size_t i = 0; !error && i < json_array_size(array); i++)
        error = load(loading, json_array_get(array, i), (uint32_t)i + 1);
    return error;
}

/* ---- Sums ---- */

/* What the columns of a row are; the number of any other is left alone. */
struct columns {
    size_t stack, group; /* SIZE_MAX if there is none */
    const struct json_field *sums[MOST_COLUMNS];
    size_t count;
};

static const struct json_field *find_field(const char *name)
{
    for (const struct json_field *field = json_sum_fields; field->name; field++) {
        if (strcmp(field->name, name) == 0)
            return field;
    }
    return NULL;
}

static bool has_column(const struct columns *columns, const struct json_field *field)
{
    for (size_t i = 0; i < columns->count; i++) {
        if (columns->sums[i] == field)
            return true;
    }
    return false;
}

static struct error *load_columns(const struct loading *loading, struct columns *columns)
{
    static const char *const splits[] = JSON_SPLITS; /* a group's column has the split's name */
    const char *group = splits[loading->replay->options.split];
    const json_t *array;
    struct error *error = check_array(loading, "columns", &array);
    if (error)
        return error;
    *columns =
        (struct columns){.stack = SIZE_MAX, .group = SIZE_MAX, .count = json_array_size(array)};
    if (columns->count > MOST_COLUMNS)
        return corrupt("columns", MOST_COLUMNS);
    for (size_t i = 0; i < columns->count; i++) {
        const char *name = json_string_value(json_array_get(array, i));
        if (!name)
            return corrupt("columns", i);
        if (strcmp(name, splits[REPLAY_BY_STACK]) == 0)
            columns->stack = i;
        else if (strcmp(name, group) == 0)
            columns->group = i;
        else
            columns->sums[i] = find_field(name);
    }
    for (const struct json_field *field = json_sum_fields; field->name; field++) {
        if (!has_column(columns, field))
            return lacks("a row of the stacks", field->name);
    }
    bool split = loading->replay->options.split != REPLAY_BY_STACK;
    if (columns->stack == SIZE_MAX || (split && columns->group == SIZE_MAX))
        return corrupt("columns", columns->count);
    return NULL;
}

/* Adds a row's sums to those of its stack and group, and to the sums of all, which show that none
 * overflows. */
static struct error *load_row(const struct loading *loading, const struct columns *columns,
                              const json_t *array, size_t index, struct replay_sums *all)
{
    struct replay *replay = loading->replay;
    const struct catalog *catalog = &replay->catalog;
    bool by_thread = replay->options.split == REPLAY_BY_THREAD;
    uint32_t stack;
    uint32_t group = 0;
    if (json_array_size(array) != columns->count ||
        !get_id(json_array_get(array, columns->stack), catalog->stack_count, &stack) ||
        (columns->group != SIZE_MAX &&
         !get_id(json_array_get(array, columns->group),
                 by_thread ? catalog->thread_count : catalog->process_count, &group)))
        return corrupt("rows", index);
    uint32_t row = rows_find(replay, stack, group);
    if (!row)
        return error_no_memory();
    for (size_t i = 0; i < columns->count; i++) {
        const struct json_field *field = columns->sums[i];
        uint64_t number, sum;
        if (!field)
            continue;
        if (!get_number(json_array_get(array, i), INT64_MAX, &number) ||
            __builtin_add_overflow(json_field_get(field, all), number, &sum))
            return corrupt("rows", index);
        json_field_set(field, all, sum);
        struct replay_sums *sums = &replay->rows[row].sums;
        json_field_set(field, sums, json_field_get(field, sums) + number);
    }
    return NULL;
}

static struct error *load_rows(const struct loading *loading)
{
    struct columns columns;
    struct replay_sums all = {0};
    const json_t *array;
    struct error *error = load_columns(loading, &columns);
    if (!error)
        error = check_array(loading, "rows", &array);
    for (size_t i = 0; !error && i < json_array_size(array); i++)
        error = load_row(loading, &columns, json_array_get(array, i), i, &all);
    return error;
}

/* ---- All of it ---- */

static double seconds_of(const json_t *value, double otherwise)
{
    return json_is_number(value) ? json_number_value(value) : otherwise;
}

static int64_t id_of(const json_t *value)
{
    return json_is_integer(value) ? json_integer_value(value) : -1;
}

/* What the file was saved with. */
static struct error *read_options(const json_t *root, struct replay_options *options)
{
    static const char *const splits[] = JSON_SPLITS;
    const json_t *selection = json_object_get(json_object_get(root, "program"), "selection");
    const json_t *stacks = json_object_get(root, "stacks");
    const char *split = json_string_value(json_object_get(stacks, "split"));
    *options = (struct replay_options){
        .pid = id_of(json_object_get(selection, "process")),
        .tid = id_of(json_object_get(selection, "thread")),
        .from = seconds_of(json_object_get(selection, "from"), -INFINITY),
        .to = seconds_of(json_object_get(selection, "to"), INFINITY),
        .older_than = seconds_of(json_object_get(selection, "older_than"), 0),
    };
    for (int i = 0; split && splits[i]; i++) {
        options->split = (enum replay_split)i;
        if (strcmp(split, splits[i]) == 0)
            return NULL;
    }
    return error_format(ERROR_CORRUPT, "not as --save writes it: no split");
}

static struct error *check_schema(const json_t *root)
{
    const json_t *schema = json_object_get(root, "schema");
    const char *name = json_string_value(json_object_get(schema, "name"));
    json_int_t version = json_integer_value(json_object_get(schema, "version"));
    if (!name || strcmp(name, JSON_SCHEMA) != 0)
        return error_format(ERROR_FORMAT, "JSON, but not of --save");
    if (version != JSON_SCHEMA_VERSION)
        return error_format(ERROR_FORMAT,
                            "saved in version %lld of the format, and this is version %d",
                            (long long)version, JSON_SCHEMA_VERSION);
    if (!json_is_object(json_object_get(root, "summary")))
        return error_format(ERROR_CORRUPT, "not as --save writes it: no summary");
    if (!json_is_object(json_object_get(root, "stacks")))
        return error_format(ERROR_FORMAT,
                            "a report of --json, without the stacks that --save writes");
    return NULL;
}

/* Optional ones may be missing altogether, and are 0 then. */
static struct error *load_totals(const json_t *summary, const struct json_field *fields,
                                 bool optional, struct replay_totals *totals)
{
    for (const struct json_field *field = fields; field->name; field++) {
        const json_t *value = json_object_get(summary, field->name);
        uint64_t number = 0;
        if (!(optional && !value) && !get_number(value, INT64_MAX, &number))
            return lacks("the summary", field->name);
        json_field_set(field, totals, number);
    }
    return NULL;
}

static struct error *load_all(const json_t *root, struct profile *profile)
{
    struct replay *replay = &profile->replay;
    struct loading loading = {.stacks = json_object_get(root, "stacks"), .replay = replay};
    const json_t *summary = json_object_get(root, "summary");
    struct error *error = load_strings(&loading);
    if (!error)
        error = load_each(&loading, "frames", load_frame);
    if (!error)
        error = load_each(&loading, "stacks", load_stack);
    if (!error)
        error = load_each(&loading, "processes", load_process);
    if (!error)
        error = load_each(&loading, "threads", load_thread);
    if (!error)
        error = load_rows(&loading);
    free(loading.modules);
    if (!error)
        error = load_totals(summary, json_total_fields, false, &replay->totals);
    if (!error)
        error = load_totals(summary, json_found_fields, true, &replay->totals);
    if (!error)
        error = load_totals(summary, json_leak_fields, true, &replay->totals);
    profile->header.attached = json_is_true(json_object_get(summary, "attached"));
    profile->truncated = json_is_true(json_object_get(summary, "truncated"));
    return error;
}

struct error *saved_load(const char *path, struct text_pool *texts, struct profile *profile)
{
    struct replay_options options;
    json_error_t why;
    *profile = (struct profile){.log_count = 1};
    json_t *root = json_load_file(path, 0, &why);
    if (!root)
        return error_format(ERROR_FORMAT, "%s: no JSON: line %d: %s", path, why.line, why.text);
    struct error *error = check_schema(root);
    if (!error)
        error = read_options(root, &options);
    options.texts = texts;
    if (!error)
        error = replay_init(&profile->replay, &options, &profile->header);
    if (!error) {
        error = load_all(root, profile);
        if (error)
            profile_deinit(profile);
    }
    json_decref(root);
    return error ? error_prefix(error, "%s", path) : NULL;
}
