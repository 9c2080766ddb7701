/* SPDX-License-Identifier: MIT */
/*
 * page_bundle.h - the script and the style of the page of --html, bundled from output/page when the
 * analyzer is built; NULL in one that was built without npm.
 *
 * Both are put into HTML as they are: neither holds the end of its own element.
 */
#ifndef ALLOCPTRACE_ANALYZE_PAGE_BUNDLE_H
#define ALLOCPTRACE_ANALYZE_PAGE_BUNDLE_H

extern const char *const page_script, *const page_style;

#endif
