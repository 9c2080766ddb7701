/* SPDX-License-Identifier: MIT */
#include <stdio.h>

#include "output/analyze/options.h"

void options_print_help(void)
{
    fputs(
        "Usage: allocptrace-analyze [options] LOG\n"
        "Tells who allocated what and what leaked, from a log that allocptrace wrote.\n"
        "LOG '-' is standard input.\n"
        "\n"
        "What to print:\n"
        "  (nothing given)          a summary: totals, peak, leaks, top sites; one large table\n"
        "                           with --metric, --sort-by or --group-by\n"
        "      --leaks              each stack whose blocks were alive at the end\n"
        "      --flamegraph[=FILE]  folded stacks, for flamegraph.pl, inferno or speedscope\n"
        "      --json               all sites and totals, for programs\n"
        "      --export=KIND:FILE   for another tool; KIND is one of folded\n"
        "      --metric=METRIC      what tables and folded stacks weigh: bytes (default),\n"
        "                           allocations, peak, leaked or temporary\n"
        "\n"
        "Which sites are shown:\n"
        "      --filter=REGEX       function, module or file matches (extended regex); of whole\n"
        "                           stacks, any frame's\n"
        "      --min-count=N        at least N allocations\n"
        "      --threshold-bytes=N  at least N bytes allocated\n"
        "                           (--leaks: N blocks and N bytes not freed)\n"
        "      --limit=N            at most N (0 for all; default 10, 5 in the summary's tables,\n"
        "                           all for --json and --flamegraph)\n"
        "\n"
        "How they are shown:\n"
        "      --sort-by=KEY        count, size, peak, leaked or name\n"
        "      --group-by=KEY       function, module, file, line (default), thread, process\n"
        "  -v                       exact bytes; -vv: whole paths of files; -vvv: whole stacks\n"
        "\n"
        "Which part of the log:\n"
        "      --process=PID        only this process\n"
        "      --thread=TID         only allocations by this thread\n"
        "      --from=SECONDS       only allocations made from then on\n"
        "      --to=SECONDS         stop there, as if the program had ended\n"
        "\n"
        "  -h, --help               print this and exit\n"
        "      --version            print the version and exit\n"
        "\n"
        "The exit status is 0, 2 for wrong usage, 3 for a log that cannot be read. A log that\n"
        "was cut off is read up to there, with a warning.\n",
        stdout);
}
