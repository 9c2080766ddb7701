# SPDX-License-Identifier: MIT
"""Leaks of real programs, by kind, against memcheck's."""
import os

from harness import case, check, equal, need
from leak_oracles import LOST, memcheck, one_pid, ours, same, totals
from program_cases import BESIDE, ENVIRONMENT, cc1_command, script


# Blocks whose kind depends on where an allocator puts them, by the function that allocates them.
BY_ADDRESS = {
    # It aligns the block to a line of the cache and keeps that address alone (glibc 2.35 and later,
    # elf/dl-find_object.c): it is the block's beginning once in four times.
    "_dlfo_mappings_segment_allocate",
}


def kinds(records):
    """Sums by kind, but for those blocks."""
    return totals([(functions, "by address" if BY_ADDRESS & set(functions) else kind, *counts)
                   for functions, kind, *counts in records])


def whole(sums):
    return tuple(sum(column) for column in zip(*sums.values()))


def both_judge(tools, *command, runs=1, **keywords):
    """Sums by kind that memcheck and we find, of runs that leave the same: a program that hashes
    addresses may need several."""
    need("valgrind")
    verdicts, judgements = {}, {}
    for _ in range(runs):
        judged, found = memcheck(tools, *command, env=ENVIRONMENT, **keywords)
        wanted = kinds(one_pid(found))
        judgements[whole(wanted)] = wanted
        result, found = ours(tools, *command, moments=("end",), env=ENVIRONMENT | BESIDE,
                             **keywords)
        equal(result.returncode, judged.returncode, f"exit status ({result.stderr})")
        equal(result.stdout, judged.stdout, "output")
        got = kinds(one_pid(found))
        verdicts[whole(got)] = got
        for left in verdicts.keys() & judgements.keys():
            return verdicts[left], judgements[left]
    return got, wanted


def against_memcheck(tools, *command, **keywords):
    got, wanted = both_judge(tools, *command, **keywords)
    check(whole(wanted)[0], "nothing was left to be judged")
    same(got, wanted, "blocks and bytes")


@case
def sqlite3_leaks_as_memcheck_says(tools):
    against_memcheck(tools, need("sqlite3"), ":memory:", ".read " + script(tools))


@case
def python3_leaks_as_memcheck_says(tools):
    against_memcheck(tools, "/usr/bin/python3", "-I", "-S", "-c",
                     "import json; print(len(json.dumps({str(i): [i] * 3 for i in range(500)})))")


@case
def perl_leaks_as_memcheck_says(tools):
    against_memcheck(tools, "/usr/bin/perl", "-e",
                     'my %h; for (1..2000) { $h{"k$_"} = [1..3] } print scalar keys %h')


@case
def jq_leaks_as_memcheck_says(tools):
    # Ends without freeing anything.
    against_memcheck(tools, need("jq"), "-n", "[range(300) | {a: ., b: tostring}] | halt_error")


@case
def git_leaks_as_memcheck_says(tools):
    folder = os.path.join(tools.folder, "repository")
    git = need("git")
    for words in (("init", "-q", folder), ("-C", folder, "-c", "user.name=a", "-c", "user.email=b",
                                           "commit", "-q", "--allow-empty", "-m", "first")):
        equal(tools.run(git, *words).returncode, 0, f"git {words[0]}")
    against_memcheck(tools, git, "-C", folder, "log", "--oneline")


@case
def cc1_leaks_as_memcheck_says(tools):
    against_memcheck(tools, *cc1_command(tools), runs=6)


@case
def cpp_program_leaks_as_memcheck_says(tools):
    file = os.path.join(tools.folder, "build.ninja")
    with open(file, "w", encoding="utf-8") as out:
        out.write("rule copy\n  command = cp $in $out\n")
        out.writelines(f"build {i + 1}: copy {i}\n" for i in range(300))
    against_memcheck(tools, need("ninja"), "-f", file, "-t", "targets", "all")


@case
def rust_program_leaks_as_memcheck_says(tools):
    against_memcheck(tools, tools.fixture("rust"))


@case
def ripgrep_leaks_as_memcheck_says(tools):
    """But for two blocks. Its last frame, of 4 KiB, lies where a call that has returned kept a pointer
    to them (a watchpoint tells), and does not write there; memcheck knows what is not initialized."""
    file = os.path.join(tools.folder, "text")
    with open(file, "w", encoding="utf-8") as out:
        out.write("one\ntwo\n")
    got, wanted = both_judge(tools, need("rg"), "-c", "-j1", "e", file)
    equal(whole(got), whole(wanted), "blocks and bytes")
    for kind in LOST:
        equal(got[kind], wanted[kind], kind)
    check(got["still_reachable"] >= wanted["still_reachable"], f"{got}, {wanted}")
