# SPDX-License-Identifier: MIT
"""Which blocks are lost, by the program's own account, by memcheck and by LeakSanitizer."""
from harness import case, need
from leak_oracles import LOST, Sums, accounts, lsan, memcheck, named, same

PROGRAMS = ("graph", "roots", "threads", "contexts", "altstack", "fork", "handlers", "library",
            "objects")

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


def by_memcheck(account):
    """What memcheck must say."""
    sums = Sums()
    for (name, kind), counts in account["end"].items():
        if name not in MEMCHECK:
            sums[name, kind] = counts
    for name in {name for name, kind in account["end"]} & MEMCHECK.keys():
        for kind, counts in MEMCHECK[name].items():
            sums[name, kind] = counts
    return sums


def by_lsan(account):
    sums = Sums()
    for (name, kind), counts in account["end"].items():
        if kind in LOST:
            sums.add((name,), *counts)
    for name in {name for name, kind in account["end"]} & LSAN.keys():
        sums[name,] = LSAN[name]
    return sums


def judged(name):
    def judge(tools):
        need("valgrind")
        result, found = memcheck(tools, tools.fixture("leaks_" + name))
        for pid, account in accounts(result.stdout).items():
            same(named(found[pid], account)[0], by_memcheck(account), f"memcheck of {pid}")
        result, found = lsan(tools, tools.fixture(f"leaks_{name}_lsan"))
        for pid, account in accounts(result.stdout).items():
            same(named(found[pid], account)[0], by_lsan(account), f"LeakSanitizer of {pid}")
    judge.__name__ = f"leaks_of_{name}_are_as_memcheck_and_lsan_judge"
    return judge


for program in PROGRAMS:
    case(judged(program))


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
