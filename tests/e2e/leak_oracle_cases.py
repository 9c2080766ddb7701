# SPDX-License-Identifier: MIT
"""Which blocks are lost, by the program's own account, by memcheck and by LeakSanitizer."""
import signal

from harness import case, equal, need
from hardened_cases import Attached
from leak_oracles import (LOST, Sums, accounts, checks_in, lsan, memcheck, named, one_pid, ours,
                          same)

PROGRAMS = ("graph", "roots", "threads", "thread_exit", "contexts", "altstack", "fork", "handlers",
            "library", "objects")

# Where memcheck's verdict is another than what its manual says, or what is true.
MEMCHECK = {
    # It comes to the cycle before its holder, and then heeds a pointer of the holder's only if it
    # is to the block that it entered the cycle at.
    "cycle_that_is_held_by_its_second_indirectly": {"definitely_lost": (1, 56),
                                                    "indirectly_lost": (1, 56)},
    # A thread's variables of libraries that were loaded late are in blocks of their own. They hang
    # on an array whose pointer is to its second element: to memcheck, all of it is possibly lost.
    "in_living_thread_local_reachable": {"possibly_lost": (1, 123)},
    # Variables of a thread that has ended: glibc keeps its stack, and they are in it.
    "ended_thread_local_definitely": {"still_reachable": (1, 71)},
    # The same for a fork's child, which has none of its parent's other threads.
    "held_by_thread_of_parent": {"still_reachable": (1, 107)},
    # A thread that a signal ends has no registers.
    "register_at_crash_reachable": {"definitely_lost": (1, 151)},
    # Memory that cannot be written to is not looked at, whatever it had been before.
    "read_only_mapping_reachable": {"definitely_lost": (1, 60)},
}

# The same for LeakSanitizer: what it takes for lost of a function.
LSAN = {
    # An allocation of no bytes is one of one byte.
    "empty_definitely": (1, 1),
    # It starts threads with an argument of its own.
    "argument_of_thread_reachable": (1, 68),
    # What a thread has returned is not looked at, until GCC 13 and clang 16.
    "result_not_joined_reachable": (1, 73),
}


# The same for us, by program.
OURS = {
    # musl keeps a library that is closed.
    "library_musl": {"in_closed_library_definitely": {"still_reachable": (1, 124)}},
}


def changed(sums, changes):
    """Sums where some functions have others."""
    result = Sums()
    for (name, kind), counts in sums.items():
        if name not in changes:
            result[name, kind] = counts
    for name in {name for name, kind in sums} & changes.keys():
        for kind, counts in changes[name].items():
            result[name, kind] = counts
    return result


def by_memcheck(account):
    """What memcheck must say."""
    return changed(account["end"], MEMCHECK)


def by_lsan(account):
    sums = Sums()
    for (name, kind), counts in account["end"].items():
        if kind in LOST:
            sums.add((name,), *counts)
    for name in {name for name, kind in account["end"]} & LSAN.keys():
        sums[name,] = LSAN[name]
    return sums


def judged_by_memcheck(tools, program, tries=2):
    """Valgrind's heap has addresses like 0x4a46040: once in a hundred runs, a number that changes
    from run to run looks like one of them."""
    result, found = memcheck(tools, program)
    try:
        for pid, account in accounts(result.stdout).items():
            same(named(found[pid], account)[0], by_memcheck(account), f"memcheck of {pid}")
    except AssertionError:
        if tries == 1:
            raise
        judged_by_memcheck(tools, program, tries - 1)


def judged(name):
    def judge(tools):
        need("valgrind")
        judged_by_memcheck(tools, tools.fixture("leaks_" + name))
        result, found = lsan(tools, tools.fixture(f"leaks_{name}_lsan"))
        for pid, account in accounts(result.stdout).items():
            same(named(found[pid], account)[0], by_lsan(account), f"LeakSanitizer of {pid}")
    judge.__name__ = f"leaks_of_{name}_are_as_memcheck_and_lsan_judge"
    return judge


for program in PROGRAMS:
    case(judged(program))


def found(name):
    def find(tools):
        """Our verdicts are the account's, before the exit handlers and after."""
        result, found = ours(tools, tools.fixture("leaks_" + name))
        equal(result.returncode, 0, f"exit status ({result.stderr})")
        wanted = {(pid, moment): sums for pid, account in accounts(result.stdout).items()
                  for moment, sums in account.items()}
        equal(found.keys(), wanted.keys(), "processes and moments that were checked")
        for key, sums in wanted.items():
            same(named(found[key], {key: sums})[0], changed(sums, OURS.get(name, {})),
                 f"process and moment {key}")
    find.__name__ = f"leaks_of_{name}_are_found"
    return find


for program in PROGRAMS + ("library_musl",) + tuple(
        f"{name}_{kind}" for name in ("graph", "roots")
        for kind in ("static", "musl_static", "jemalloc", "mimalloc", "tcmalloc")):
    case(found(program))


@case
def leaks_of_a_program_that_crashes_are_found(tools):
    need("valgrind")
    program = tools.fixture("leaks_crash")
    judged, by_judge = memcheck(tools, program)
    result, by_us = ours(tools, program, moments=("exit", "end", "fatal"))
    equal((judged.returncode, result.returncode), (-signal.SIGILL, 128 + signal.SIGILL), "statuses")
    account = one_pid(accounts(judged.stdout))
    same(named(one_pid(by_judge), account)[0], by_memcheck(account), "memcheck")
    equal([moment for pid, moment in by_us], ["fatal"], "moments that were checked")
    same(named(one_pid(by_us), account)[0], account["end"], "we")


def without_heuristics(sums):
    changed = Sums()
    for (name, kind), counts in sums.items():
        changed.add((name, "possibly_lost" if "by_heuristic" in name else kind), *counts)
    return changed


@case
def objects_without_heuristics_are_as_memcheck_judges(tools):
    need("valgrind")
    result, found = memcheck(tools, tools.fixture("leaks_objects"),
                             options=("--leak-check-heuristics=none",))
    for pid, account in accounts(result.stdout).items():
        same(named(found[pid], account)[0], without_heuristics(account["end"]), "memcheck")


def found_after_attaching(kind, old_known):
    """Where an allocator's older blocks are not known all of its memory is searched, with what is
    left in freed blocks: then lost blocks may be taken for reachable ones."""
    def find(tools):
        """What hangs on blocks from before is not lost, and what hangs on nothing is."""
        server = Attached(tools, tools.fixture("leaks_attached" + kind))
        server.attach("--leak-check=reachable")
        server.process.stdin.write(b"x")
        output, _ = server.process.communicate(timeout=60)
        _, said = server.tracer.communicate(timeout=60)
        equal(b"only glibc's heaps can be walked" in said, not old_known, said)
        equal((server.process.returncode, server.tracer.returncode), (0, 0), "exit statuses")
        account = one_pid(accounts(output))
        found = named(one_pid(checks_in(tools, server.log)), account)[0]
        if old_known:
            same(found, account["exit"], "we")
            return
        for (name, verdict), sums in account["exit"].items():
            if verdict == "still_reachable":
                equal(found.get((name, verdict)), sums, name)
    find.__name__ = f"leaks_after_attaching_are_found{kind}"
    return find


for allocator in "", "_static":
    case(found_after_attaching(allocator, True))
for allocator in "_musl_static", "_jemalloc", "_mimalloc", "_tcmalloc":
    case(found_after_attaching(allocator, False))
