/* SPDX-License-Identifier: MIT */
#include "output/analyze/color.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool is_set(const char *name)
{
    const char *value = getenv(name);
    return value && *value;
}

bool color_wanted(enum color_when when, FILE *out)
{
    if (when != COLOR_AUTO)
        return when == COLOR_ALWAYS;
    if (is_set("NO_COLOR"))
        return false;
    if (is_set("CLICOLOR_FORCE") && strcmp(getenv("CLICOLOR_FORCE"), "0") != 0)
        return true;
    const char *terminal = getenv("TERM");
    int fd = fileno(out); /* -1 for a stream in memory */
    return fd >= 0 && isatty(fd) && terminal && *terminal && strcmp(terminal, "dumb") != 0;
}

const char *color_code(enum color color, bool wanted)
{
    static const char *const codes[] = {
        [COLOR_PLAIN] = "\033[0m", [COLOR_WORSE] = "\033[31m", [COLOR_BETTER] = "\033[32m"};
    return wanted ? codes[color] : "";
}
