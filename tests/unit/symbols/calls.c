/* SPDX-License-Identifier: MIT */
/* Calls malloc, free and puts through whatever procedure linkage table it is linked with. */
#include <stdio.h>
#include <stdlib.h>

void *(*volatile allocate)(size_t) = malloc;

int main(void)
{
    char *text = malloc(8);
    free(allocate(4));
    if (text)
        puts(text);
    free(text);
    return 0;
}
