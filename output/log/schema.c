/* SPDX-License-Identifier: MIT */
#include "output/log/schema.h"

#define SIZE_OF(type, member) sizeof(((type *)0)->member)

#define FIELD_OF(type, path, label, kind_of_wire)                                                  \
    {                                                                                              \
        .name = (label), .wire = (kind_of_wire), .offset = offsetof(type, path),                   \
        .size = SIZE_OF(type, path),                                                               \
    }
#define LIST_OF(type, path, count_path, label, kind_of_wire)                                       \
    {                                                                                              \
        .name = (label), .wire = (kind_of_wire), .offset = offsetof(type, path),                   \
        .size = SIZE_OF(type, path), .count_offset = offsetof(type, count_path),                   \
    }
#define KNOWN_OF(type, path, known_path, label)                                                    \
    {                                                                                              \
        .name = (label), .wire = WIRE_KNOWN_UNSIGNED, .offset = offsetof(type, path),              \
        .size = SIZE_OF(type, path), .known_offset = offsetof(type, known_path),                   \
    }

#define FIELD(record, member, wire) FIELD_OF(struct log_record, record.member, #member, WIRE_##wire)
#define LIST(record, member, count, wire)                                                          \
    LIST_OF(struct log_record, record.member, record.count, #member, WIRE_##wire)
#define KNOWN(record, member, known)                                                               \
    KNOWN_OF(struct log_record, record.member, record.known, #member)
#define HEADER(member, wire) FIELD_OF(struct log_header, member, #member, WIRE_##wire)

static const struct schema_field process_fields[] = {
    FIELD(process, process, UNSIGNED), FIELD(process, parent, UNSIGNED),
    FIELD(process, origin, UNSIGNED),  FIELD(process, pid, SIGNED),
    FIELD(process, executable, TEXT),  LIST(process, arguments, argument_count, TEXTS),
};

static const struct schema_field thread_fields[] = {
    FIELD(thread, thread, UNSIGNED),
    FIELD(thread, process, UNSIGNED),
    FIELD(thread, tid, SIGNED),
    FIELD(thread, name, TEXT),
};

static const struct schema_field module_fields[] = {
    FIELD(module, module, UNSIGNED),
    FIELD(module, path, TEXT),
    FIELD(module, build_id, BYTES),
};

static const struct schema_field map_fields[] = {
    FIELD(map, process, UNSIGNED), FIELD(map, module, UNSIGNED), FIELD(map, start, UNSIGNED),
    FIELD(map, end, UNSIGNED),     FIELD(map, bias, UNSIGNED),
};

static const struct schema_field frame_fields[] = {
    FIELD(frame, frame, UNSIGNED),
    FIELD(frame, module, UNSIGNED),
    FIELD(frame, address, UNSIGNED),
    FIELD(frame, flags, UNSIGNED),
};

static const struct schema_field symbol_fields[] = {
    FIELD(symbol, frame, UNSIGNED),
    LIST(symbol, locations, location_count, LOCATIONS),
};

static const struct schema_field stack_fields[] = {
    FIELD(stack, stack, UNSIGNED),
    FIELD(stack, parent, UNSIGNED),
    FIELD(stack, frame, UNSIGNED),
};

static const struct schema_field process_end_fields[] = {
    FIELD(process_end, process, UNSIGNED),
    FIELD(process_end, time, UNSIGNED),
    FIELD(process_end, status, SIGNED),
};

static const struct schema_field thread_end_fields[] = {
    FIELD(thread_end, thread, UNSIGNED),
    FIELD(thread_end, time, UNSIGNED),
};

static const struct schema_field note_fields[] = {
    FIELD(note, text, TEXT),
};

static const struct schema_field alloc_fields[] = {
    FIELD(alloc, time, TIME_DELTA),       FIELD(alloc, thread, UNSIGNED),
    FIELD(alloc, address, ADDRESS_DELTA), FIELD(alloc, size, UNSIGNED),
    FIELD(alloc, stack, UNSIGNED),        KNOWN(alloc, slack, has_slack),
};

static const struct schema_field free_fields[] = {
    FIELD(free, time, TIME_DELTA),
    FIELD(free, thread, UNSIGNED),
    FIELD(free, address, ADDRESS_DELTA),
    FIELD(free, stack, OPTIONAL_UNSIGNED),
};

static const struct schema_field realloc_fields[] = {
    FIELD(realloc, time, TIME_DELTA),
    FIELD(realloc, thread, UNSIGNED),
    FIELD(realloc, old_address, ADDRESS_DELTA),
    FIELD(realloc, new_address, ADDRESS_DELTA),
    FIELD(realloc, size, UNSIGNED),
    FIELD(realloc, stack, UNSIGNED),
    KNOWN(realloc, slack, has_slack),
};

static const struct schema_field realloc_begin_fields[] = {
    FIELD(realloc_begin, time, TIME_DELTA),
    FIELD(realloc_begin, thread, UNSIGNED),
    FIELD(realloc_begin, address, ADDRESS_DELTA),
};

static const struct schema_field failed_fields[] = {
    FIELD(failed, time, TIME_DELTA),
    FIELD(failed, thread, UNSIGNED),
    FIELD(failed, size, UNSIGNED),
    FIELD(failed, stack, UNSIGNED),
};

static const struct schema_field mmap_fields[] = {
    FIELD(mmap, time, TIME_DELTA),       FIELD(mmap, thread, UNSIGNED),
    FIELD(mmap, address, ADDRESS_DELTA), FIELD(mmap, size, UNSIGNED),
    FIELD(mmap, stack, UNSIGNED),
};

static const struct schema_field munmap_fields[] = {
    FIELD(munmap, time, TIME_DELTA),
    FIELD(munmap, thread, UNSIGNED),
    FIELD(munmap, address, ADDRESS_DELTA),
    FIELD(munmap, size, UNSIGNED),
};

static const struct schema_field end_fields[] = {
    FIELD(end, time, UNSIGNED),
    LIST(end, counts, count_count, COUNTS),
};

static const struct schema_field found_fields[] = {
    FIELD(found, process, UNSIGNED),
    FIELD(found, address, ADDRESS_DELTA),
    FIELD(found, size, UNSIGNED),
};

static const struct schema_field check_fields[] = {
    FIELD(check, check, UNSIGNED),
    FIELD(check, process, UNSIGNED),
    FIELD(check, time, UNSIGNED),
    FIELD(check, moment, UNSIGNED),
};

static const struct schema_field root_fields[] = {
    FIELD(root, root, UNSIGNED),   FIELD(root, check, UNSIGNED),  FIELD(root, kind, UNSIGNED),
    FIELD(root, thread, UNSIGNED), FIELD(root, module, UNSIGNED), FIELD(root, address, UNSIGNED),
    FIELD(root, name, TEXT),
};

static const struct schema_field verdict_fields[] = {
    FIELD(verdict, check, UNSIGNED),  FIELD(verdict, address, ADDRESS_DELTA),
    FIELD(verdict, size, UNSIGNED),   FIELD(verdict, stack, UNSIGNED),
    FIELD(verdict, thread, UNSIGNED), FIELD(verdict, reach, UNSIGNED),
    FIELD(verdict, root, UNSIGNED),   FIELD(verdict, holder, ADDRESS_DELTA),
};

static const struct schema_field check_end_fields[] = {
    FIELD(check_end, check, UNSIGNED),
    LIST(check_end, counts, count_count, COUNTS),
};

#define KIND(kind, title, table)                                                                   \
    [kind] = {                                                                                     \
        .record = "record " title,                                                                 \
        .fields = (table),                                                                         \
        .field_count = sizeof(table) / sizeof *(table),                                            \
    }

static const struct schema kinds[] = {
    KIND(LOG_PROCESS, "process", process_fields),
    KIND(LOG_THREAD, "thread", thread_fields),
    KIND(LOG_MODULE, "module", module_fields),
    KIND(LOG_MAP, "map", map_fields),
    KIND(LOG_UNMAP, "unmap", map_fields),
    KIND(LOG_FRAME, "frame", frame_fields),
    KIND(LOG_SYMBOL, "symbol", symbol_fields),
    KIND(LOG_STACK, "stack", stack_fields),
    KIND(LOG_PROCESS_END, "process_end", process_end_fields),
    KIND(LOG_THREAD_END, "thread_end", thread_end_fields),
    KIND(LOG_NOTE, "note", note_fields),
    KIND(LOG_ALLOC, "alloc", alloc_fields),
    KIND(LOG_FREE, "free", free_fields),
    KIND(LOG_REALLOC, "realloc", realloc_fields),
    KIND(LOG_REALLOC_BEGIN, "realloc_begin", realloc_begin_fields),
    KIND(LOG_FAILED, "failed", failed_fields),
    KIND(LOG_MMAP, "mmap", mmap_fields),
    KIND(LOG_MUNMAP, "munmap", munmap_fields),
    KIND(LOG_END, "end", end_fields),
    KIND(LOG_FOUND, "found", found_fields),
    KIND(LOG_CHECK, "check", check_fields),
    KIND(LOG_ROOT, "root", root_fields),
    KIND(LOG_VERDICT, "verdict", verdict_fields),
    KIND(LOG_CHECK_END, "check_end", check_end_fields),
};

const struct schema *schema_find(uint64_t kind)
{
    if (kind >= sizeof kinds / sizeof *kinds || !kinds[kind].record)
        return NULL;
    return &kinds[kind];
}

static const struct schema_field header_fields[] = {
    HEADER(tick_ns, UNSIGNED),
    HEADER(started_ns, UNSIGNED),
    HEADER(page_size, UNSIGNED),
    HEADER(depth, UNSIGNED),
    HEADER(attached, BOOL),
    HEADER(mappings, BOOL),
    HEADER(tool, TEXT),
    HEADER(arch, TEXT),
    LIST_OF(struct log_header, command, command_count, "command", WIRE_TEXTS),
};

const struct schema schema_header = {
    .record = "header",
    .fields = header_fields,
    .field_count = sizeof header_fields / sizeof *header_fields,
};
