# SPDX-License-Identifier: MIT
"""Fixtures that print their own ledger: the profile must agree with it to the unit."""
import re

from harness import (Skip, case, check, equal, leak_stacks, ledger, ledgers, own_sums,
                     summary_as_ledger)

# Nothing but the fixture's own code allocates in these: all totals are the ledger's.
EXACT = {
    "basic": (), "realloc": (), "calloc": (), "aligned": (), "reallocarray": (), "zero": (),
    "huge": (), "recursion": (), "recursion_o2": (), "recursion_frame_pointer": (),
    "return_site": (), "sigtrap": (), "tail_call": (), "basic_no_pie": (), "basic_stripped": (),
    "basic_full_relro": (), "basic_musl": (), "basic_musl_static": (), "realloc_musl": (),
    "arena": ("--allocator=arena_alloc(_,size)", "--allocator=arena_free(_,ptr)",
              "--allocator=arena_resize(_,ptr,size)", "--allocator=arena_make(_,out,count,size)"),
    "longjmp": ("--allocator=pool_alloc(size)", "--allocator=pool_free(ptr)"),
    "signal_alloc": ("--allocator=bump_alloc(size)",),
    "handler_jump": ("--allocator=bump_alloc(size)",),
}

# The C library allocates as well: the ledger is compared with the fixture's own sites.
OWN_SITES = {
    "basic_static": (), "basic_static_pie": (), "threads": (), "thread_churn": (), "dlopen": (),
    "constructors": (), "new_delete": (), "operator_new": (), "inlined": (),
    "new_throw": ("--allocator=checked_alloc(size)",),
    "exit_in_call": ("--allocator=slot_alloc(size)",),
    "basic_jemalloc": (), "jemalloc": (), "basic_mimalloc": (), "mimalloc": (),
    "basic_tcmalloc": (), "threads_musl_static": (),
}


def exact(name, options):
    def run(tools):
        result = tools.trace(tools.fixture(name), options=options)
        wanted = ledger(result)
        equal(summary_as_ledger(tools.json(result.log)), wanted, name)
    return run


def own_sites(name, options):
    def run(tools):
        result = tools.trace(tools.fixture(name), options=options)
        wanted = ledger(result)
        got = own_sums(tools.json(result.log))
        equal(got, {key: wanted[key] for key in got}, name)
    return run


for fixture, words in EXACT.items():
    run = exact(fixture, words)
    run.__name__ = "ledger_" + fixture
    case(run)
for fixture, words in OWN_SITES.items():
    run = own_sites(fixture, words)
    run.__name__ = "ledger_" + fixture
    case(run)


@case
def walk_gives_the_same_profile(tools):
    """libdwfl's own walk of each stack leads to the same log, but for times."""
    reports = []
    for unwind in ("rows", "walk"):
        result = tools.trace(tools.fixture("recursion_o2"),
                             options=("--unwind=" + unwind, "--no-timestamps"))
        ledger(result)
        reports.append(tools.analyze(result.log, "--flamegraph"))
    check(reports[0] and reports[0] == reports[1], f"{reports[0]} against {reports[1]}")


@case
def equal_runs_give_equal_logs(tools):
    """Without times, and with the addresses that setarch makes equal."""
    logs = []
    for _ in range(2):
        log = tools.log()
        result = tools.run("setarch", "-R", tools.tracer, "-q", "--no-timestamps", "-o", log, "--",
                           tools.fixture("basic"))
        if b"Operation not permitted" in result.stderr:
            raise Skip("the sandbox forbids personality(2)")
        text = tools.analyze(log) + tools.analyze(log, "--leaks", "-vvv")
        logs.append(text.replace(log, "LOG"))
    equal(logs[1], logs[0], "second report")


@case
def stacks_reach_the_start(tools):
    """Complete stacks: main's down to _start, threads' down to clone."""
    result = tools.trace(tools.fixture("threads"))
    ledger(result)
    stacks = leak_stacks(tools, result.log)
    check(stacks, "no leaks were listed")
    for stack in stacks:
        check(re.match(r"_start|.*clone", stack[-1]), f"ends in {stack[-1]}")
        check("[incomplete]" not in " ".join(stack), f"incomplete: {stack}")


@case
def recursion_has_every_frame(tools):
    """The known chain of two functions by turns, without frame pointers."""
    result = tools.trace(tools.fixture("recursion_o2"))
    ledger(result)
    names = [line.split()[0] for line in max(leak_stacks(tools, result.log), key=len)]
    chain = [name for name in names if name.startswith("descend_")]
    check(len(chain) >= 100, f"{len(chain)} frames")
    check(all(a != b for a, b in zip(chain, chain[1:])), f"not by turns: {chain}")
    equal(names[-1], "_start", "outermost frame")


@case
def inlined_frames_have_names_and_lines(tools):
    result = tools.trace(tools.fixture("inlined"))
    ledger(result)
    text = tools.analyze(result.log, "--leaks", "-vv", "--limit=0")
    lines = re.findall(r"^    (\S.*) \((\S+inlined\.cc):(\d+)\)$", text, re.M)
    check(len(lines) >= 2, text)
    check(not re.search(r"_Z[A-Z0-9]", text), f"a name is still mangled: {text}")


@case
def depth_cuts_the_outer_frames(tools):
    result = tools.trace(tools.fixture("recursion"), options=("--depth=20",))
    ledger(result)
    stack = max(leak_stacks(tools, result.log), key=len)
    equal(len(stack), 21, f"lines in {stack}")
    equal(stack[-1], "[deeper frames left out]", "last line")


@case
def mappings_are_followed(tools):
    result = tools.trace(tools.fixture("mmap"), options=("--mmap",))
    equal(result.returncode, 0, "exit status")
    summary = tools.json(result.log)["summary"]
    check(summary["mapped_bytes"] > 0 and summary["mapped_peak"] > 0, summary)


@case
def forked_children_have_heaps_of_their_own(tools):
    result = tools.trace(tools.fixture("fork"))
    equal(result.returncode, 0, f"exit status ({result.stderr})")
    summed = {}
    for one in ledgers(result.stdout):
        for key, value in one.items():
            summed[key] = summed.get(key, 0) + value
    got = own_sums(tools.json(result.log))
    equal(got["allocations"], summed["allocations"], "allocations")
    equal(got["bytes"], summed["bytes"], "bytes")


@case
def unfollowed_children_run_clean(tools):
    result = tools.trace(tools.fixture("fork"), options=("--follow-fork=no",))
    equal(result.returncode, 0, f"exit status ({result.stderr})")
    equal(tools.json(result.log)["summary"]["processes"], 1, "processes")


@case
def exec_is_followed(tools):
    result = tools.trace(tools.fixture("exec"))
    equal(result.returncode, 0, f"exit status ({result.stderr})")
    wanted = sum(one["allocations"] for one in ledgers(result.stdout))
    equal(own_sums(tools.json(result.log))["allocations"], wanted, "allocations of all images")


@case
def rust_names_are_demangled(tools):
    result = tools.trace(tools.fixture("rust"))
    equal(result.returncode, 0, f"exit status ({result.stderr})")
    text = tools.analyze(result.log, "--leaks", "-vv", "--limit=0")
    check("rust_demo" in text or "fixture_rust" in text, text)
    check(not re.search(r"_ZN|_R[NIC]", text), f"a name is still mangled: {text}")
    sites = tools.json(result.log)["allocations"]
    check(not any((site["function"] or "").startswith("alloc::") for site in sites), sites)
