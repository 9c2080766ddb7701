# SPDX-License-Identifier: MIT
"""--free-stacks: where blocks end, also where that ends the program."""
import signal

from harness import Skip, case, check, equal, ledger, own_sums
from log_records import ALLOC, ALLOCATOR, END, FRAME, FREE, STACK, SYMBOL, records

FRAME_FLAGS = 3


class Events:
    """The allocations and the frees of a log as pairs of an address and a stack, which is a list of
    functions from the innermost outwards."""

    def __init__(self, log):
        frames, names, stacks = {}, {}, {}
        allocations, frees, self.ended = [], [], False
        for kind, fields in records(log):
            if kind == FRAME:
                frames[fields[0]] = fields
            elif kind == SYMBOL:
                names[fields[0]] = fields[1][0][0]
            elif kind == STACK:
                stacks[fields[0]] = fields[1:]
            elif kind == ALLOC:
                allocations.append((fields[2], fields[4]))
            elif kind == FREE:
                frees.append((fields[2], fields[3] if len(fields) > 3 else 0))
            self.ended = kind == END

        def functions(stack):
            path = []
            while stack:
                stack, frame = stacks[stack]
                path.append(frame)
            check(not path or frames[path[0]][FRAME_FLAGS] & ALLOCATOR, "innermost frame's flags")
            return [names.get(frame, "?") for frame in path]

        self.allocations = [(address, functions(stack)) for address, stack in allocations]
        self.frees = [(address, functions(stack)) for address, stack in frees]


def made_by(events, *names):
    """The addresses of those whose stacks begin so."""
    return [address for address, stack in events if stack[:len(names)] == list(names)]


@case
def frees_have_no_stack_unless_asked_for(tools):
    result = tools.trace(tools.fixture("frees"))
    equal([stack for _, stack in Events(result.log).frees], [[]] * 21, "stacks")


@case
def free_stacks_name_the_function_that_frees(tools):
    """Also of frees in a signal handler that has interrupted an allocation, which keeps its own."""
    result = tools.trace(tools.fixture("frees"),
                         options=("--free-stacks", "--allocator=raising_alloc(size)"))
    equal(result.returncode, 0, "exit status")
    events = Events(result.log)
    frees = events.frees
    equal(len(frees), 21, "frees")
    equal(len(made_by(frees, "free", "release", "main")), 10, "by release")
    equal(len(made_by(frees, "free", "release", "release_below", "main")), 10, "by release_below")
    equal(len(made_by(frees, "free", "release", "on_signal")), 1, "by the handler")
    check("raising_alloc" in frees[-1][1], f"the handler's stack ends early: {frees[-1][1]}")
    equal(len(made_by(events.allocations, "raising_alloc", "main")), 1, "interrupted allocations")


def wrong_free(tools, word):
    """The address of the last free, in which glibc ends the program, and how often it was that of an
    allocation and of a free."""
    result = tools.trace(tools.fixture("frees"), word, options=("--free-stacks",))
    equal(result.returncode, 128 + signal.SIGABRT, f"exit status ({result.stderr})")
    events = Events(result.log)
    check(events.ended, "the log's end is missing")
    wrong = made_by(events.frees, "free", "release_wrongly", "main")
    equal(len(wrong), 1, f"frees by release_wrongly in {events.frees}")
    return [sum(address == wrong[0] for address, _ in each)
            for each in (events.allocations, events.frees)]


@case
def double_free_is_recorded_with_its_stack_before_the_abort(tools):
    allocations, frees = wrong_free(tools, "double")
    check(frees == allocations + 1, f"{allocations} allocations and {frees} frees of the block")


@case
def wild_free_is_recorded_with_its_stack_before_the_abort(tools):
    equal(wrong_free(tools, "wild"), [0, 1], "allocations and frees of what was no block")


@case
def free_stacks_are_those_of_libdwfl(tools):
    stats = tools.stats(tools.fixture("frees"), options=("--free-stacks", "--verify-unwind=1"))
    check(stats["verified_unwinds"] >= 42, f"{stats['verified_unwinds']} stacks compared")
    equal(stats["differing_unwinds"], 0, "differing stacks")
    plain = tools.stats(tools.fixture("frees"))
    equal(stats["unwinds"] - plain["unwinds"], 21, "further unwinds")
    equal(stats["breakpoint_stops"], plain["breakpoint_stops"], "stops")


@case
def free_stacks_change_no_ledger(tools):
    """Threads, coroutines, deallocators that go on in others and those that the user names."""
    tried = {"threads": (), "new_delete": (), "jemalloc": (), "coroutines": (), "realloc": (),
             "arena": ("--allocator=arena_alloc(_,size)", "--allocator=arena_free(_,ptr)",
                       "--allocator=arena_resize(_,ptr,size)",
                       "--allocator=arena_make(_,out,count,size)")}
    for fixture, options in tried.items():
        try:
            program = tools.fixture(fixture)
        except Skip:
            continue
        result = tools.trace(program, options=("--free-stacks", *options))
        wanted = ledger(result)
        got = own_sums(tools.json(result.log))
        equal(got, {key: wanted[key] for key in got}, fixture)
        frees = Events(result.log).frees
        check(frees and all(stack for _, stack in frees), f"{fixture}: frees without a stack")
