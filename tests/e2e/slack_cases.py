# SPDX-License-Identifier: MIT
"""Usable sizes in the log, against what the program itself is told by malloc_usable_size(3)."""
import os
import re
from collections import Counter

from harness import Skip, case, check, equal
from log_records import ALLOC, EXEC, PROCESS, REALLOC, records


def blocks(log):
    """(address, size, slack or None) for each allocation and reallocation since the last exec."""
    found = []
    for kind, fields in records(log):
        if kind == PROCESS and fields[2] == EXEC:
            found = []
        if kind in (ALLOC, REALLOC):
            address, size, _, *slack = fields[2 if kind == ALLOC else 3:]
            found.append((address, size, slack[0] if slack else None))
    return found


def told(output):
    """The fixture's own lines, in the form of blocks()."""
    lines = re.findall(r"^block ([0-9a-f]+) ([0-9a-f]+) ([0-9a-f]+)$", output.decode(), re.M)
    numbers = [[int(word, 16) for word in line] for line in lines]
    return [(address, asked, usable - asked) for address, asked, usable in numbers]


def agrees_with_malloc_usable_size(tools, fixture, *environment):
    result = tools.trace("env", *environment, tools.fixture(fixture))
    equal(result.returncode, 0, "exit status")
    wanted, got = told(result.stdout), blocks(result.log)
    check(len(wanted) > 6000, f"{len(wanted)} blocks were printed")
    wrong = Counter(wanted) - Counter(got)
    check(not wrong, f"{wrong.total()} blocks differ, for instance {list(wrong)[:3]}")
    without = [block for block in got if block[2] is None]
    check(not without, f"{len(without)} of {len(got)} blocks without slack: {without[:3]}")


@case
def slack_is_what_malloc_usable_size_says(tools):
    agrees_with_malloc_usable_size(tools, "usable")


@case
def slack_of_a_static_program_is_what_malloc_usable_size_says(tools):
    agrees_with_malloc_usable_size(tools, "usable_static")


@case
def slack_is_what_malloc_usable_size_says_under_tunables(tools):
    """Nearly every block in a mapping of its own; no caches; huge pages."""
    for tunables in ("glibc.malloc.mmap_threshold=64", "glibc.malloc.tcache_count=0",
                     "glibc.malloc.hugetlb=1:glibc.malloc.mmap_threshold=1000"):
        agrees_with_malloc_usable_size(tools, "usable", "GLIBC_TUNABLES=" + tunables)


def with_slack(tools, fixture, least, *environment, options=()):
    """The blocks that have slack, of at least that many in all."""
    result = tools.trace("env", *environment, tools.fixture(fixture), options=options)
    equal(result.returncode, 0, f"{fixture}: exit status")
    got = blocks(result.log)
    check(len(got) >= least, f"{fixture}: {len(got)} blocks")
    return [block for block in got if block[2] is not None]


@case
def other_allocators_do_not_tell_their_slack(tools):
    """Those of other libraries and those of the program, even where its blocks look like glibc's."""
    tried = 0
    for fixture in ("basic_musl", "basic_musl_static", "basic_jemalloc", "basic_mimalloc",
                    "basic_tcmalloc", "own_malloc", "own_malloc_static"):
        try:
            tools.fixture(fixture)
        except Skip:
            continue
        tried += 1
        equal(with_slack(tools, fixture, 10), [], fixture)
    check(tried >= 2, "the fixtures of the program's own allocator are missing")


@case
def slack_is_told_for_the_standard_functions_alone(tools):
    """A program with a second allocator, in the same static file and in another file, also where
    the user has said that it is like malloc."""
    for fixture in ("own_je_malloc", "own_je_malloc_static"):
        for options in ((), ("--allocator=je_malloc=malloc",)):
            sizes = {size for _, size, _ in with_slack(tools, fixture, 11, options=options)}
            check(200 in sizes, f"{fixture} {options}: malloc's block has no slack: {sizes}")
            check(not sizes & set(range(100, 110)), f"{fixture} {options}: je_malloc's: {sizes}")


@case
def preloaded_allocator_does_not_tell_its_slack(tools):
    """The program is one whose blocks would be glibc's."""
    for name in ("libjemalloc.so.2", "libmimalloc.so.2", "libtcmalloc.so.4"):
        path = f"/usr/lib/x86_64-linux-gnu/{name}"
        if not os.path.exists(path):
            continue
        check(with_slack(tools, "basic", 10), "no slack without a preloaded allocator")
        equal(with_slack(tools, "basic", 10, "LD_PRELOAD=" + path), [], name)
