/* SPDX-License-Identifier: MIT */
/*
 * embedded.h - files of this folder that are part of reports, as strings (embed.cmake).
 *
 * Styles and scripts are put into XML's CDATA sections, those of the timeline also into HTML: none
 * may hold the characters that end one, nor "</".
 */
#ifndef ALLOCPTRACE_ANALYZE_EMBEDDED_H
#define ALLOCPTRACE_ANALYZE_EMBEDDED_H

extern const char text_builtin_supp[];
extern const char text_flamegraph_css[];
extern const char text_flamegraph_js[];
extern const char text_report_css[]; /* of output/page, see page_bundle.h */
extern const char text_report_js[];
extern const char text_sqlite_schema_sql[];
extern const char text_timeline_css[];
extern const char text_timeline_js[];

#endif
