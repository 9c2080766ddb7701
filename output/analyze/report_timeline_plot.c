/* SPDX-License-Identifier: MIT */
/* The time series as a plot: an SVG file, or an HTML file in which it can be read and zoomed. */
#include "output/analyze/embedded.h"
#include "output/analyze/markup.h"
#include "output/analyze/report.h"
#include "output/analyze/timeline_plot.h"

struct error *report_timeline_svg(const struct report *report, FILE *out)
{
    struct timeline_plot plot;
    struct error *error = timeline_plot_init(report, &plot);
    if (error)
        return error;
    fputs("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n", out);
    timeline_plot_svg(&plot, out);
    timeline_plot_deinit(&plot);
    return NULL;
}

struct error *report_timeline_html(const struct report *report, FILE *out)
{
    struct timeline_plot plot;
    struct error *error = timeline_plot_init(report, &plot);
    if (error)
        return error;
    /* Nothing is to be loaded, whatever gets in. */
    fputs("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
          "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
          "style-src 'unsafe-inline'; script-src 'unsafe-inline'\">\n"
          "<meta name=\"viewport\" content=\"width=device-width\">\n"
          "<meta name=\"color-scheme\" content=\"light dark\">\n<title>",
          out);
    markup_text(out, plot.program);
    fputs(": live bytes over time</title>\n</head>\n<body class=\"timeline\">\n", out);
    timeline_plot_svg(&plot, out);
    fputs("<button id=\"reset\" type=\"button\" hidden>Show all</button>\n<div "
          "id=\"reading\"></div>\n",
          out);
    fputs("<script id=\"data\" type=\"application/json\">", out);
    timeline_plot_json(&plot, out);
    fprintf(out, "</script>\n<script>\n%s</script>\n</body>\n</html>\n", text_timeline_js);
    timeline_plot_deinit(&plot);
    return NULL;
}
