# SPDX-License-Identifier: MIT
"""The timeline: its sums are those of the log, and its shape is the program's."""
import csv
import io
import os
import re

import hostile_log
from hardened_cases import Attached
from harness import case, check, equal, ledger

FIXED = ("live_bytes", "peak_bytes", "live_blocks", "allocations", "allocated_bytes", "frees",
         "freed_bytes")
RATES = ("allocations_per_second", "allocated_bytes_per_second")


class Timeline:
    """The CSV as numbers: .times, .by[name of a fixed column], .sites[name], each a list."""

    def __init__(self, text):
        names, *lines = csv.reader(io.StringIO(text, newline=""), strict=True)
        for line in lines:
            equal(len(line), len(names), "fields in a line")
        columns = [list(map(float, column)) for column in zip(*lines)] or [[] for _ in names]
        self.lines = len(lines)
        self.unit, *names = names
        self.times, *columns = columns
        fixed = FIXED + (RATES if self.unit == "seconds" else ())
        equal(tuple(names[:len(fixed)]), fixed, "names of columns")
        self.by = dict(zip(fixed, columns))
        self.sites = dict(zip(names[len(fixed):], columns[len(fixed):]))
        equal(len(self.sites), len(names) - len(fixed), "distinct names")


def timeline(tools, log, *options):
    """A timeline that agrees with --json about the same part of the log."""
    result = Timeline(tools.analyze(log, "--timeline", *options))
    totals = tools.json(log, "--no-builtin-suppressions",
                        *[option for option in options if "interval" not in option])["summary"]
    by, result.totals = result.by, totals
    equal(sum(by["allocations"]), totals["total_allocations"], "allocations")
    equal(sum(by["allocated_bytes"]), totals["total_bytes_allocated"], "bytes")
    equal(sum(by["frees"]), totals["total_deallocations"], "frees")
    equal(max(by["peak_bytes"], default=0), totals["peak_memory"], "peak")
    check(all(live <= peak for live, peak in zip(by["live_bytes"], by["peak_bytes"])), "live > peak")
    check(all(a < b for a, b in zip(result.times, result.times[1:])), "times do not grow")
    equal(list(result.sites)[-1], "other", "last column")
    equal([sum(sites) for sites in zip(*result.sites.values())], by["live_bytes"], "sum of sites")
    if totals["processes"] == 1:
        # Those from before an attach count, too, as far as they were not freed.
        live = totals["current_memory"] + totals.get("before_attach_left_bytes", 0)
        blocks = (totals["leaked_blocks"] + totals.get("before_attach_blocks", 0)
                  - totals.get("before_attach_freed", 0))
        equal(by["live_bytes"][-1:], [live][:result.lines], "bytes at the end")
        equal(by["live_blocks"][-1:], [blocks][:result.lines], "blocks at the end")
    if result.unit == "seconds":
        spans = [b - a for a, b in zip(result.times, result.times[1:])]
        for name, rate in (("allocations", RATES[0]), ("allocated_bytes", RATES[1])):
            for span, amount, per_second in zip(spans, by[name][1:], by[rate][1:]):
                check(abs(per_second * span - amount) <= 0.0006 * span + 1e-6 * amount, "rate")
    return result


@case
def timeline_has_the_program_s_shape(tools):
    result = tools.trace(tools.fixture("waves"))
    account = ledger(result)
    waves = timeline(tools, result.log, "--group-by=function", "--filter=^(rise|ripple)$")
    equal(list(waves.sites), ["rise (waves.c)", "ripple (waves.c)", "other"], "sites")
    check(200 <= waves.lines <= 1024, waves.lines)
    rise, ripple = waves.sites["rise (waves.c)"], waves.sites["ripple (waves.c)"]
    # 64 blocks of 64 KiB grow one by one, stay, and go away one by one.
    equal(max(rise), 64 * 65536, "highest")
    top = [i for i, live in enumerate(rise) if live == max(rise)]
    check(rise[:top[0]] == sorted(rise[:top[0]]), "it does not rise before the top")
    check(rise[top[-1]:] == sorted(rise[top[-1]:], reverse=True), "it does not fall after the top")
    check(waves.times[top[-1]] - waves.times[top[0]] > 0.08, "it does not stay at the top")
    equal(rise[-1], 65536, "the one that leaks")
    # Short-lived blocks at the top are the peak.
    busy = [i for i, count in enumerate(waves.by["allocations"]) if count and top[0] < i < top[-1]]
    check(busy, "nothing was allocated at the top")
    equal(max(waves.by["peak_bytes"]), account["peak"], "peak")
    check(waves.by["peak_bytes"].index(account["peak"]) in busy, "the peak is elsewhere")
    equal(set(ripple), {0, 1 << 20}, "what it may hold")


@case
def timeline_of_several_processes(tools):
    log = tools.trace(tools.fixture("fork")).log
    whole = timeline(tools, log)
    by_process = timeline(tools, log, "--group-by=process", "--limit=0")
    equal(whole.by, by_process.by, "sums of all, whatever they are grouped by")
    processes = tools.json(log)["processes"]
    check(len(processes) > 2, processes)
    for process in processes:
        own = timeline(tools, log, f"--process={process['process']}")
        check(own.times[0] >= whole.times[0] and own.times[-1] <= whole.times[-1],
              "a process lives longer than all")
        column = next((sites for name, sites in by_process.sites.items()
                       if f"(process {process['process']})" in name), [0])
        if process["origin"] != "fork":  # what was inherited is no leak
            equal(own.by["live_bytes"][-1], own.totals["current_memory"], "bytes at the end")
        check(max(column) <= max(own.by["peak_bytes"]), "a column is higher than its process")
    # What the children held is gone in the end, and what the parent holds is not.
    check(0 < whole.by["live_bytes"][-1] < max(whole.by["live_bytes"]), whole.by["live_bytes"])


@case
def timeline_of_a_part_of_the_log(tools):
    log = tools.trace(tools.fixture("waves")).log
    whole = timeline(tools, log)
    top = whole.times[whole.by["peak_bytes"].index(max(whole.by["peak_bytes"]))]
    part = timeline(tools, log, f"--from={top - 0.04:.6f}", f"--to={top + 0.02:.6f}")
    check(abs(part.times[-1] - (top + 0.02)) < 2e-6, f"{part.times[-1]} is not at {top + 0.02}")
    check(top - 0.04 < part.times[0] <= top - 0.039, f"{part.times[0]} is not near {top - 0.04}")
    check(200 <= part.lines <= 1024, part.lines)
    equal(part.by["live_bytes"][0], 0, "what was allocated before")
    nothing = timeline(tools, log, "--from=1000")
    equal(sum(nothing.by["allocations"]), 0, "allocations when it had ended")
    threads = tools.trace(tools.fixture("threads")).log
    tids = [site["thread"] for site in
            tools.json(threads, "--group-by=thread")["allocations"]]
    check(len(tids) > 3, tids)
    for tid in tids:
        timeline(tools, threads, f"--thread={tid}")


@case
def timeline_lines_are_as_long_as_asked_for(tools):
    log = tools.trace(tools.fixture("waves")).log
    lines = timeline(tools, log, "--interval=0.01")
    check(all(abs(time - 0.01 * (i + 1)) < 1e-9 for i, time in enumerate(lines.times[:-1])),
          lines.times)
    check(0 <= lines.times[-2] < lines.times[-1] <= lines.times[-2] + 0.01 + 1e-9, lines.times)
    fine = timeline(tools, log, "--interval=0.0001")
    check(fine.lines > 1024, fine.lines)
    equal(max(fine.by["live_bytes"]), max(lines.by["peak_bytes"]), "peak in short lines")
    for wrong in ("0", "-1", "x", "inf", ""):
        result = tools.run(tools.analyzer, "--timeline", f"--interval={wrong}", log)
        equal((result.returncode, result.stdout), (2, b""), f"--interval={wrong}")
        check(b"--interval" in result.stderr, result.stderr)


@case
def timeline_without_times_counts_events(tools):
    log = tools.trace(tools.fixture("waves"), options=("--no-timestamps",)).log
    lines = timeline(tools, log)
    equal(lines.unit, "event", "unit")
    events = tools.json(log)["summary"]["events"]
    equal(lines.times, list(range(1, events + 1)), "a line for each event")
    lines = timeline(tools, log, "--interval=7")
    equal(lines.times, list(range(7, events, 7)) + [events], "a line for seven events")


@case
def timeline_chooses_sites_as_tables_do(tools):
    log = tools.trace(tools.fixture("waves")).log
    by_most = timeline(tools, log, "--limit=2")
    equal(len(by_most.sites), 3, "two sites and others")
    check(next(iter(by_most.sites)).startswith("rise"), by_most.sites.keys())
    by_bytes = timeline(tools, log, "--limit=1", "--metric=bytes")
    check(next(iter(by_bytes.sites)).startswith("ripple"), by_bytes.sites.keys())
    named = timeline(tools, log, "--sort-by=name", "--limit=0", "--group-by=function")
    names = list(named.sites)[:-1]
    equal(names, sorted(names), "order by name")
    none = timeline(tools, log, "--filter=^there is none$")
    equal(list(none.sites), ["other"], "columns")


@case
def timeline_of_an_attached_process(tools):
    server = Attached(tools, tools.fixture("server"))
    server.round()
    server.attach()
    server.round()
    server.detach()
    server.end()
    lines = timeline(tools, server.log)
    check(sum(lines.by["frees"]) and lines.by["live_bytes"][-1], "nothing was seen")


@case
def timeline_of_nothing(tools):
    log = tools.log()
    for data, lines in ((hostile_log.HEADER + hostile_log.END, 0),
                        (hostile_log.log_of(hostile_log.notes, 100), 1)):
        with open(log, "wb") as file:
            file.write(data)
        check(timeline(tools, log).lines <= lines, data)


@case
def timeline_of_hostile_logs_costs_no_more_than_others(tools):
    """Times that jump and go back, and as many sites as there are events."""
    log = tools.log()
    alloc = hostile_log.ALLOC
    records = [[alloc, 2**40 if i % 50 == 0 else 1000 - i % 3, 1, 16, 16, 0] for i in range(5000)]
    with open(log, "wb") as file:
        file.write(hostile_log.log_of(lambda _: records, 5000))
    check(timeline(tools, log).lines <= 1024, "too many lines")
    with open(log, "wb") as file:
        file.write(hostile_log.log_of(hostile_log.frames, 3000))
    lines = timeline(tools, log, "--limit=0")
    check(len(lines.sites) > 2000, len(lines.sites))


@case
def timeline_goes_where_it_is_sent(tools):
    log = tools.trace(tools.fixture("basic")).log
    file = tools.log(".csv")
    equal(tools.analyze(log, f"--timeline={file}"), "", "standard output")
    with open(file, encoding="utf-8") as written:
        equal(written.read(), tools.analyze(log, "--timeline"), "file and standard output")
    result = tools.run(tools.analyzer, "--timeline", "--json", log)
    equal(result.returncode, 2, "two reports on standard output")
    result = tools.run(tools.analyzer, "--timeline=/dev/full", log)
    equal(result.returncode, 3, "a full disk")


@case
def summary_shows_the_shape_in_a_terminal_that_can(tools):
    log = tools.trace(tools.fixture("waves")).log

    def curve(locale):
        result = tools.run(tools.analyzer, log, env={**os.environ, "LC_ALL": locale})
        return re.search("^Over time *([\u2581-\u2588]+) ", result.stdout.decode(), re.M)

    equal(curve("C"), None, "without UTF-8")
    heights = [ord(character) - 0x2581 for character in curve("C.UTF-8")[1]]
    equal(len(heights), 50, "characters")
    top = heights.index(max(heights))
    check(heights[:top] == sorted(heights[:top]), f"{heights} do not rise")
    check(heights[-1] == 0 and max(heights) == 7 and 10 < top < 40, heights)
    # Beside the millisecond of a larger block, all 64 blocks are four fifths of the peak.
    check(5 in heights or 6 in heights, heights)
