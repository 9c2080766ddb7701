/* SPDX-License-Identifier: MIT */
#include "output/analyze/valgrind_line.h"

#include <inttypes.h>
#include <string.h>

#include "output/analyze/format.h"

#define NO_CODE (LOG_FRAME_INCOMPLETE | LOG_FRAME_DEPTH)

void valgrind_line_print(FILE *out, const struct catalog *catalog, uint32_t frame, size_t index,
                         bool paths)
{
    struct catalog_line line = catalog_line(catalog, frame, index);
    uint32_t module = catalog->frames[frame].module;
    fprintf(out, "0x%" PRIX64 ": ", catalog_frame_address(catalog, frame));
    format_text(out, line.named || line.flags & NO_CODE ? line.function : "???");
    if (line.file && *line.file) {
        const char *slash = paths ? NULL : strrchr(line.file, '/');
        fputs(" (", out);
        format_text(out, slash ? slash + 1 : line.file);
        fprintf(out, ":%" PRIu64 ")", line.line);
    } else if (module) {
        fputs(" (in ", out);
        format_text(out, catalog->modules[module].path);
        fputc(')', out);
    }
}
