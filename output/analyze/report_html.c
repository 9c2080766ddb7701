/* SPDX-License-Identifier: MIT */
/* One page that holds all, for a browser: its script makes every view of the data in it. */
#include <stdlib.h>

#include "output/analyze/format.h"
#include "output/analyze/markup.h"
#include "output/analyze/page_bundle.h"
#include "output/analyze/page_data.h"
#include "output/analyze/report.h"

static struct error *print_title(const struct report *report, FILE *out)
{
    char *program = NULL;
    size_t size = 0;
    FILE *stream = open_memstream(&program, &size);
    if (!stream)
        return error_no_memory();
    format_program(stream, report->header, &report->replay->catalog);
    if (fclose(stream) != 0) {
        free(program);
        return error_no_memory();
    }
    markup_text(out, program);
    free(program);
    return NULL;
}

struct error *report_html(const struct report *report, FILE *out)
{
    if (!page_script)
        return error_format(ERROR_USAGE,
                            "--html: this allocptrace-analyze was built without the report page, "
                            "which takes node, npm and its packages; install both, configure and "
                            "build it again");
    /* Nothing is to be loaded or sent, whatever gets in. */
    fputs("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
          "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
          "style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data: blob:\">\n"
          "<meta name=\"viewport\" content=\"width=device-width\">\n"
          "<meta name=\"color-scheme\" content=\"light dark\">\n<title>",
          out);
    struct error *error = print_title(report, out);
    if (error)
        return error;
    fprintf(out,
            ": heap report</title>\n<style>\n%s</style>\n</head>\n<body>\n"
            "<noscript>This report is drawn by its own script: allow scripts for this file."
            "</noscript>\n<div id=\"app\"></div>\n"
            "<script id=\"data\" type=\"application/octet-stream\">",
            page_style);
    error = page_data_write(report, out);
    fprintf(out, "</script>\n<script>\n%s</script>\n</body>\n</html>\n", page_script);
    return error;
}
