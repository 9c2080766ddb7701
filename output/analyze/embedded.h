/* SPDX-License-Identifier: MIT */
/*
 * embedded.h - files of this folder that are part of reports, as strings (embed.cmake).
 *
 * They are put into XML's CDATA sections: none may hold the characters that end one.
 */
#ifndef ALLOCPTRACE_ANALYZE_EMBEDDED_H
#define ALLOCPTRACE_ANALYZE_EMBEDDED_H

extern const char text_flamegraph_css[];
extern const char text_flamegraph_js[];

#endif
