/* SPDX-License-Identifier: MIT */
#include "output/analyze/page_bundle.h"

#include <stddef.h>

#ifdef HAVE_PAGE
#include "output/analyze/embedded.h"

const char *const page_script = text_report_js;
const char *const page_style = text_report_css;
#else
const char *const page_script = NULL;
const char *const page_style = NULL;
#endif
