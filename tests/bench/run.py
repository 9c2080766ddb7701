#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""run.py BUILD_FOLDER [--only=LETTERS] [GIB...]: all benchmarks in one run, as ratios against a floor
or a peer. GIB are the sizes of the processes that are held, 1 if not given.

Absolute times differ from machine to machine and from hour to hour; each ratio is of figures taken
one after the other. heaptrack and valgrind are left out where they are not installed.
"""
import argparse
import os
import re
import resource
import shutil
import signal
import subprocess
import tempfile
import time

arguments = argparse.ArgumentParser(usage=__doc__.split(": all")[0])
arguments.add_argument("build")
arguments.add_argument("gib", type=float, nargs="*", default=[1.0])
arguments.add_argument("--only", default="abcdef")
ARGUMENTS = arguments.parse_intermixed_args()
BUILD = ARGUMENTS.build
TRACER = os.path.join(BUILD, "tracer/allocptrace")
ANALYZER = os.path.join(BUILD, "output/analyze/allocptrace-analyze")
PAIRS = os.path.join(BUILD, "fixtures/fixture_pairs")
NULL_STOP = os.path.join(BUILD, "tests/bench_null_stop")
HEAP = os.path.join(BUILD, "fixtures/fixture_bench_heap")
MEMORY_FLOOR = os.path.join(BUILD, "tests/bench_memory_floor")
ROUNDS = 3
PAIR_COUNT = 30000
BLOCKS = 1000000
FOLDER = tempfile.mkdtemp(prefix="allocptrace-bench-")
HEAPTRACK = shutil.which("heaptrack")
HEAPTRACK_PRINT = shutil.which("heaptrack_print")
VALGRIND = shutil.which("valgrind")
SQL = """create table t(a integer primary key, b text);
with recursive c(x) as (select 1 union all select x+1 from c where x<20000)
  insert into t select x, printf('row %d %s', x, hex(x*7919)) from c;
create index i on t(b);
select count(*), sum(a), max(b) from t where b like '%9%';
"""


def run(*words):
    start = time.monotonic()
    result = subprocess.run(words, capture_output=True, text=True, errors="replace", check=False)
    result.seconds = time.monotonic() - start
    return result


def path(name):
    return os.path.join(FOLDER, name)


def best(measure):
    return min(measure() for _ in range(ROUNDS))


def stats(result):
    return {name: int(value)
            for name, value in re.findall(r"^allocptrace: ([a-z_]+) (\d+)$", result.stderr, re.M)}


def ns_of(result):
    return float(re.search(r"ns_per_pair ([\d.]+)", result.stdout).group(1))


def pair_ns(*prefix, depth, count=PAIR_COUNT):
    return ns_of(run(*prefix, PAIRS, str(depth), str(count)))


def tracer(log, *options):
    return (TRACER, "-q", "-o", log, *options, "--")


def stops():
    print("(a) a stop of ours against the null stop: int3, wait, continue, one core")
    for depth in (10, 30):
        ratios = []
        for _ in range(ROUNDS):
            floor = float(re.search(r"PTRACE_CONT +([\d.]+)",
                                    run(NULL_STOP, "100000").stdout).group(1))
            result = run(*tracer(path("a.cbor"), "--stats"), PAIRS, str(depth), str(PAIR_COUNT))
            per_stop = ns_of(result) / 1000 * PAIR_COUNT / stats(result)["breakpoint_stops"]
            ratios.append((per_stop / floor, per_stop, floor))
        ratio, per_stop, floor = min(ratios)
        print(f"    depth {depth}: {per_stop:.1f} us a stop, floor {floor:.1f} us, "
              f"ratio {ratio:.2f}; of {ROUNDS} runs: "
              + ", ".join(f"{each[0]:.2f}" for each in ratios))


def pairs():
    print("(b) a malloc/free pair, added time against heaptrack's")
    for depth in (10, 30):
        native = best(lambda: pair_ns(depth=depth, count=3000000))
        ours = best(lambda: pair_ns(*tracer(path("b.cbor")), depth=depth))
        print(f"    depth {depth}: native {native:.0f} ns, ours {ours / 1000:.1f} us", end="")
        if HEAPTRACK:
            peer = best(lambda: pair_ns(HEAPTRACK, "-o", path("b"), depth=depth, count=1000000))
            print(f", heaptrack {peer / 1000:.2f} us, ratio {(ours - native) / (peer - native):.0f}",
                  end="")
        if VALGRIND:
            memcheck = best(lambda: pair_ns(VALGRIND, depth=depth, count=300000))
            print(f", memcheck {memcheck / 1000:.2f} us", end="")
        print()


def sqlite():
    if not shutil.which("sqlite3"):
        return
    script = path("script.sql")
    with open(script, "w", encoding="utf-8") as file:
        file.write(SQL)
    words = ("sqlite3", ":memory:", f".read {script}")
    native = best(lambda: run(*words).seconds)
    ours = best(lambda: run(*tracer(path("c.cbor")), *words).seconds)
    print(f"(c) the sqlite3 script: native {native:.2f} s, ours {ours:.2f} s "
          f"({ours / native:.0f} times)", end="")
    if HEAPTRACK:
        peer = best(lambda: run(HEAPTRACK, "-o", path("c"), *words).seconds)
        print(f", heaptrack {peer:.2f} s ({peer / native:.1f} times)", end="")
    if VALGRIND:
        memcheck = run(VALGRIND, *words).seconds
        print(f", memcheck {memcheck:.2f} s ({memcheck / native:.0f} times)", end="")
    print()


def children_rss():
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss


def measured(*words):
    """Seconds and peak resident KiB of a program of its own."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        seconds = best(lambda: run(*words).seconds)
        os.write(writer, f"{seconds} {children_rss()}".encode())
        os._exit(0)
    os.waitpid(child, 0)
    seconds, kib = os.read(reader, 100).decode().split()
    return float(seconds), int(kib)


def logs():
    """(d) and (e): the same workload's logs, and what reading them takes."""
    script = path("script.sql")
    words = ("sqlite3", ":memory:", f".read {script}")
    result = run(*tracer(path("d.cbor"), "--stats"), *words)
    events = stats(result)["events"]
    run(*tracer(path("d.cbor.zst")), *words)
    seconds, kib = measured(ANALYZER, path("d.cbor"))
    print(f"(d) analyzer: {events} events in {seconds:.2f} s, {events / seconds / 1e6:.1f} million a "
          f"second, {kib / 1024:.0f} MiB", end="")
    if HEAPTRACK_PRINT:
        run(HEAPTRACK, "-o", path("h"), *words)
        peer = next(os.path.join(FOLDER, name) for name in os.listdir(FOLDER)
                    if name.startswith("h.") )
        peer_seconds, peer_kib = measured(HEAPTRACK_PRINT, peer)
        print(f"; heaptrack_print {events / peer_seconds / 1e6:.1f} million a second, "
              f"{peer_kib / 1024:.0f} MiB", end="")
    print()
    raw = os.path.getsize(path("d.cbor")) / events
    packed = os.path.getsize(path("d.cbor.zst")) / events
    print(f"(e) log bytes an event: {raw:.1f}, compressed {packed:.2f}", end="")
    if HEAPTRACK_PRINT:
        print(f"; heaptrack's, compressed: {os.path.getsize(peer) / events:.2f}", end="")
    print()


class Heap:
    """A process with so many blocks of so much memory, which measures for how long it is held."""

    def __init__(self, blocks, gib):
        self.process = subprocess.Popen((HEAP, str(blocks), str(gib)), stdout=subprocess.PIPE,
                                        text=True)
        if self.process.stdout.readline() != "ready\n":
            raise RuntimeError(f"{HEAP} {blocks} {gib}: status {self.process.wait()}")

    def waited_ms(self):
        """For how long it could have run and no core was free (proc(5))."""
        with open(f"/proc/{self.process.pid}/schedstat", encoding="ascii") as file:
            return int(file.read().split()[1]) / 1e6

    def longest_gap_ms(self, number=signal.SIGUSR2):
        """Since the last call, by the process's own clock."""
        self.process.send_signal(number)
        return int(self.process.stdout.readline().split()[1]) / 1000

    def gap_of(self, action):
        """The longest gap in milliseconds while it is acted on, and how long it waited for a core
        all in all: a gap may be that."""
        self.longest_gap_ms()
        waited = self.waited_ms()
        action()
        return self.longest_gap_ms(), self.waited_ms() - waited

    def end(self):
        self.longest_gap_ms(signal.SIGTERM)
        self.process.wait()


def available_gib():
    with open("/proc/meminfo", encoding="ascii") as file:
        return int(re.search(r"MemAvailable: *(\d+) kB", file.read()).group(1)) / 2 ** 20


def held():
    """What looking at all of a process's memory cannot be faster than, and what being attached to
    and let go holds it for."""
    for gib in ARGUMENTS.gib:
        print(f"(f) {gib:g} GiB of memory")
        if available_gib() < gib + 1:
            print(f"    left out: {available_gib():.1f} GiB are free")
            continue
        for line in run(MEMORY_FLOOR, str(gib)).stdout.splitlines():
            print(f"    {line}")
        for blocks in BLOCKS, 10 * BLOCKS:
            hold(blocks, gib)


def hold(blocks, gib):
    heap = Heap(blocks, gib)
    attach = (TRACER, "-o", path("f.cbor"), "-p", str(heap.process.pid), "--duration=1")
    for what, action in (("left alone", lambda: time.sleep(1)),
                         ("attached to for a second", lambda: run(*attach))):
        print(f"    {blocks} blocks, {what}: longest gap "
              + ", ".join("{:.1f} ms ({:.0f} ms without a core)".format(*heap.gap_of(action))
                          for _ in range(ROUNDS)))
    for snapshot in "fork", "stop":
        said = [run(*attach, "--leak-check=reachable", "--leak-snapshot=" + snapshot).stderr
                for _ in range(ROUNDS)]
        print(f"    {blocks} blocks, leak check with --leak-snapshot={snapshot}: held for "
              + ", ".join(re.search(r"held for ([0-9.]+ \w+)", text).group(1) for text in said))
    heap.end()


SECTIONS = {"a": stops, "b": pairs, "c": sqlite, "de": logs, "f": held}


def main():
    try:
        for letters, section in SECTIONS.items():
            if set(letters) & set(ARGUMENTS.only):
                section()
    finally:
        shutil.rmtree(FOLDER, ignore_errors=True)


main()
