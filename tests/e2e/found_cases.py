# SPDX-License-Identifier: MIT
"""Blocks that are alive when a process is attached to, against the process's own account."""
import ctypes.util
import re
import subprocess

from harness import case, check, equal
from log_records import ALLOC, FOUND, FREE, REALLOC, records


def attach(tools, pid):
    """The blocks found in a process, and what was said."""
    log = tools.log()
    result = tools.run(tools.tracer, "--stats", "-o", log, "--duration=0.2", "-p", str(pid))
    equal(result.returncode, 0, f"exit status ({result.stderr.decode()})")
    found = []
    events = False
    for kind, fields in records(log):
        events = events or kind in (ALLOC, FREE, REALLOC)
        if kind == FOUND:
            check(not events, "a block was found after an event")
            found.append((fields[1], fields[2]))
    equal(len(dict(found)), len(found), "blocks found, each once")
    counted = int(re.search(rb"found_blocks (\d+)", result.stderr)[1])
    equal(counted, len(found), "blocks in the statistics")
    return dict(found), result.stderr.decode()


class Heap:
    """The fixture, waiting with its heap as it is."""

    def __init__(self, tools, *words, fixture="found", environment=()):
        self.tools = tools
        self.process = subprocess.Popen(
            ["env", *environment, tools.fixture(fixture), *words], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE)
        self.alive = {}
        for line in self.process.stdout:
            if line == b"ready\n":
                break
            _, address, usable = line.split()
            self.alive[int(address, 16)] = int(usable, 16)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.stdout.close()
        equal(self.process.wait(), 0, "exit status of the process that was attached to")

    def attach(self):
        return attach(self.tools, self.process.pid)

    def compare(self):
        found, text = self.attach()
        check(len(self.alive) > 1000, f"{len(self.alive)} blocks are alive")
        missing = self.alive.keys() - found.keys()
        extra = found.keys() - self.alive.keys()
        check(not missing and not extra,
              f"of {len(self.alive)} blocks {len(missing)} are missing, {sorted(missing)[:3]}, and "
              f"{len(extra)} too many, {sorted(extra)[:3]}")
        check(found == self.alive, "usable sizes differ")
        check("not all" not in text, text)


def finds_all(tools, *words, **keywords):
    with Heap(tools, *words, **keywords) as heap:
        heap.compare()


@case
def blocks_from_before_attaching_are_found(tools):
    finds_all(tools)
    finds_all(tools, "many")


@case
def blocks_of_a_static_program_are_found(tools):
    finds_all(tools, fixture="found_static")
    finds_all(tools, "sbrk", fixture="found_static")


@case
def blocks_are_found_in_a_heap_in_pieces(tools):
    """Memory of others in between, and a main arena that cannot grow where it is."""
    finds_all(tools, "sbrk")
    finds_all(tools, "blocked")
    finds_all(tools, "sbrk", "blocked")
    finds_all(tools, "blocked", fixture="found_static")


@case
def blocks_are_found_under_tunables(tools):
    """Nearly all in mappings of their own; no caches; large ones; one arena; huge pages."""
    for tunables in ("mmap_threshold=64", "tcache_count=0", "tcache_count=100:mxfast=160",
                     "arena_max=1", "hugetlb=1", "top_pad=10000000", "perturb=85"):
        value = ":".join("glibc.malloc." + tunable for tunable in tunables.split(":"))
        finds_all(tools, environment=["GLIBC_TUNABLES=" + value])


@case
def blocks_are_found_while_threads_allocate(tools):
    """The process is stopped anywhere, also in the allocator. It must go on as before."""
    with Heap(tools, "busy") as heap:
        for _ in range(5):
            found, _ = heap.attach()
            check(len(found) > 1000, f"{len(found)} blocks were found")


@case
def a_corrupt_heap_is_walked_as_far_as_it_makes_sense(tools):
    with Heap(tools, "overrun") as heap:
        found, text = heap.attach()
        lost = len(heap.alive.keys() - found.keys())
        check(lost <= 1, f"{lost} of {len(heap.alive)} blocks are missing")
        extra = len(found.keys() - heap.alive.keys())
        check(extra <= 2, f"{extra} blocks too many")
        equal(len(re.findall("not all blocks", text)), 1, f"warnings in {text}")


def finds_nothing(tools, fixture, environment=()):
    with subprocess.Popen(["env", *environment, tools.fixture(fixture)], stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE) as server:
        server.stdout.readline()
        found, text = attach(tools, server.pid)
        equal(len(found), 0, f"blocks of {fixture}")
        check("not all" not in text, text)
        server.communicate(b"rq")
        equal(server.returncode, 0, "exit status of the server")


@case
def nothing_is_found_where_glibc_does_not_allocate(tools):
    finds_nothing(tools, "server_musl")
    finds_nothing(tools, "server_musl_static")


@case
def nothing_is_found_where_another_allocator_was_preloaded(tools):
    for name in ("jemalloc", "mimalloc", "tcmalloc_minimal"):
        path = ctypes.util.find_library(name)
        if path:
            finds_nothing(tools, "server", ["LD_PRELOAD=" + path])
