# SPDX-License-Identifier: MIT
"""Several logs read as one."""
import json

import hostile_log
from harness import case, check, equal

SUMS = ("count", "total_bytes", "leaked_bytes", "leaked_count", "temporary", "reallocations")


def sites(report):
    """Each site's sums by its place."""
    return {(site["function"], site["module"], site["file"], site["line"]):
            [site[name] for name in SUMS] for site in report["allocations"]}


def merged(tools, *logs, options=(), status=0):
    result = tools.run(tools.analyzer, "--json", *options, *logs)
    equal(result.returncode, status, f"status ({result.stderr})")
    return result


def added(one, other):
    total = dict(one)
    for place, numbers in other.items():
        total[place] = [a + b for a, b in zip(total.get(place, [0] * len(SUMS)), numbers)]
    return total


@case
def logs_of_one_program_have_the_same_sites_and_stacks(tools):
    """Loaded at different addresses, the library code between has other ids in each log."""
    logs = [tools.trace(tools.fixture("leaky")).log for _ in range(2)]
    one, other = (tools.json(log) for log in logs)
    both = tools.json(logs[0], *logs[1:])
    equal(sites(both), added(sites(one), sites(other)), "sites")
    for name in ("total_allocations", "total_deallocations", "leaked_blocks", "processes",
                 "total_bytes_allocated", "threads", "events"):
        equal(both["summary"][name], one["summary"][name] + other["summary"][name], name)
    equal(both["summary"]["peak_memory"],
          max(one["summary"]["peak_memory"], other["summary"]["peak_memory"]), "peak")
    leaks = tools.analyze(logs[0], "--leaks", "--limit=0").split("\n\n")[1:]
    twice = tools.analyze(logs[0], "--leaks", "--limit=0", logs[1]).split("\n\n")[1:]
    equal([leak.splitlines()[1:] for leak in twice], [leak.splitlines()[1:] for leak in leaks],
          "stacks of leaks")


@case
def logs_of_different_programs_are_summed_up(tools):
    logs = [tools.trace(tools.fixture(name)).log for name in ("leaky", "basic", "fork")]
    reports = [tools.json(log) for log in logs]
    wanted = {}
    for report in reports:
        wanted = added(wanted, sites(report))
    for order in (logs, logs[::-1]):
        both = tools.json(order[0], *order[1:])
        equal(sites(both), wanted, "sites")
        equal(both["summary"]["peak_memory"],
              max(report["summary"]["peak_memory"] for report in reports), "peak")
    pid = reports[1]["processes"][0]["process"]
    alone = tools.json(logs[0], *logs[1:], f"--process={pid}")
    equal(sites(alone), sites(reports[1]), "sites of the second log's process")
    text = tools.analyze(logs[0], *logs[1:])
    check("Logs          3" in text, text)


@case
def a_log_begins_when_the_one_before_ended(tools):
    """--from at the first log's end leaves the second one's allocations, --to the first one's."""
    def log(ticks, size):
        path = tools.log()
        records = [[hostile_log.PROCESS, 1, 0, 0, 7, "/bin/x", []],
                   [hostile_log.THREAD, 1, 1, 7, "x"], [hostile_log.ALLOC, 1, 1, 4096, size, 0],
                   [23, ticks, {}]]
        with open(path, "wb") as file:
            file.write(hostile_log.HEADER + b"".join(map(hostile_log.encode, records)))
        return path
    first, second = log(2_000_000, 100), log(3_000_000, 7)
    for options, wanted in (((), 107), (("--from=1.9",), 7), (("--to=1.9",), 100),
                            (("--from=2.1",), 0)):
        report = json.loads(merged(tools, *options, first, second).stdout)
        equal(report["summary"]["total_bytes_allocated"], wanted, f"bytes with {options}")


@case
def logs_that_do_not_fit_are_named(tools):
    good = tools.trace(tools.fixture("basic")).log
    with open(good, "rb") as file:
        data = file.read()
    timeless = tools.trace(tools.fixture("basic"), options=["--no-timestamps"]).log
    tools.json(timeless, timeless)
    for logs in ((good, timeless), (timeless, good)):
        told = merged(tools, *logs, status=2)
        check(logs[1].encode() in told.stderr and b"times" in told.stderr, told.stderr)
    cut = tools.log()
    with open(cut, "wb") as file:
        file.write(data[:-20])
    told = merged(tools, good, cut)
    check(cut.encode() in told.stderr and b"truncated" in told.stderr, told.stderr)
    check(b'"truncated": true' in told.stdout, told.stdout)
    told = merged(tools, good, tools.folder + "/none", status=3)
    check(b"/none" in told.stderr and not told.stdout, told.stderr)
    bad = tools.log()
    process, thread = [hostile_log.PROCESS, 1, 0, 0, 7, "", []], [hostile_log.THREAD, 1, 1, 7, ""]
    for what, records in {
            "process 2 is used": [[hostile_log.THREAD, 1, 2, 7, ""]],
            "process 3 is defined": [[hostile_log.PROCESS, 3, 0, 0, 7, "", []]],
            "thread 2 is used": [process, thread, hostile_log.alloc(2, 0)],
            "stack 1 is used": [process, thread, hostile_log.alloc(1, 1)],
            "frame 1 is used": [[hostile_log.STACK, 1, 0, 1]],
            "frame 2 is defined": [[hostile_log.FRAME, 2, 0, 1, 0]],
            "module 1 is used": [[hostile_log.FRAME, 1, 1, 1, 0]],
            "module 0 is defined": [[hostile_log.MODULE, 0, "x", b""]],
            "stack 4294967295": [[hostile_log.FRAME, 1, 0, 1, 0],
                                 [hostile_log.STACK, 1, 4294967295, 1]]}.items():
        with open(bad, "wb") as file:
            file.write(hostile_log.HEADER + b"".join(map(hostile_log.encode, records)))
        told = merged(tools, good, bad, status=3)
        check(f"{bad}: corrupt at byte".encode() in told.stderr and what.encode() in told.stderr,
              f"{what}: {told.stderr}")
        check(not told.stdout, told.stdout)
