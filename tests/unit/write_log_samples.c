/* SPDX-License-Identifier: MIT */
/* write_log_samples.c - writes log_samples to the file that is named, for other programs to read.
 */
#include "tests/unit/log_cmocka.h"
#include "tests/unit/log_file.h"

static const char *path;

static void write_them(void **state)
{
    (void)state;
    write_samples(path);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(write_them)};
    if (argc != 2)
        return 2;
    path = argv[1];
    return cmocka_run_group_tests(tests, NULL, NULL);
}
