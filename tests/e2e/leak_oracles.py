# SPDX-License-Identifier: MIT
"""What judges of leaks say of a program, in one form: blocks and bytes by (function, kind), where the
function is the innermost one of a stack that the program's account (fixtures/leaks/leaks.h) names,
or "" if there is none."""
import collections
import glob
import os
import re
import xml.etree.ElementTree

from harness import Skip, check, equal

KINDS = ("still_reachable", "possibly_lost", "indirectly_lost", "definitely_lost")
LOST = ("indirectly_lost", "definitely_lost")
XML_KINDS = {"Leak_StillReachable": "still_reachable", "Leak_PossiblyLost": "possibly_lost",
             "Leak_IndirectlyLost": "indirectly_lost", "Leak_DefinitelyLost": "definitely_lost"}


class Sums(collections.defaultdict):
    """(blocks, bytes) by key, where equal keys add up."""

    def __init__(self):
        super().__init__(lambda: (0, 0))

    def add(self, key, blocks, size):
        self[key] = (self[key][0] + blocks, self[key][1] + size)


def accounts(output):
    """{pid: {"exit": sums, "end": sums}} of a program's output."""
    found = {}
    for line in output.decode().splitlines():
        words = line.split()
        if words[0] == "leaks:":
            account = found[int(words[1])] = {"exit": Sums(), "end": Sums()}
        elif words[0] == "leak:":
            for moment, kind in zip(("exit", "end"), words[2:4]):
                if kind != "freed":
                    account[moment].add((words[1], kind), int(words[4]), int(words[5]))
    check(found, f"no account in {output}")
    return found


def site_of(functions, account):
    """Functions from the innermost outwards; C++ names may come with what they are called with."""
    names = {name for moment in account.values() for name, kind in moment}
    for function in functions:
        name = re.sub(r"\(.*", "", function or "").split("::")[-1]
        if name in names:
            return name
    return ""


def memcheck(tools, *command, options=(), **keywords):
    """The result of a run under memcheck, and {pid: [(functions, kind, blocks, bytes)]} of it. The
    C library's own memory is not freed for the check: no other judge would do that."""
    folder = tools.log("")
    os.mkdir(folder)
    result = tools.run("valgrind", "--leak-check=full", "--show-leak-kinds=all", "--xml=yes",
                       f"--xml-file={folder}/%p", "--run-libc-freeres=no", "--run-cxx-freeres=no",
                       "--keep-debuginfo=yes", "--num-callers=100", *options, *command, **keywords)
    found = {}
    for path in glob.glob(folder + "/*"):
        records = found[int(os.path.basename(path))] = []
        for error in xml.etree.ElementTree.parse(path).getroot().iter("error"):
            kind = XML_KINDS.get(error.findtext("kind"))
            if not kind:
                continue
            what = error.find("xwhat")
            # A definitely lost block's record counts what it holds too, and says so.
            direct = re.match(r"[\d,]+ \(([\d,]+) direct", what.findtext("text"))
            size = int(direct.group(1).replace(",", "") if direct else what.findtext("leakedbytes"))
            functions = [frame.findtext("fn") for frame in error.find("stack")]
            records.append((functions, kind, int(what.findtext("leakedblocks")), size))
    return result, found


def lsan(tools, program):
    """The result of a run of a program built for LeakSanitizer, and {pid: [(functions, blocks,
    bytes)]}: of what it calls direct and indirect leaks, which for cycles is another division than
    ours. It knows no possibly lost blocks: a pointer into the middle is one to the block."""
    options = "exitcode=0:fast_unwind_on_malloc=0:max_leaks=0:malloc_context_size=100"
    result = tools.run(program, env={"PATH": os.environ["PATH"], "LSAN_OPTIONS": options})
    text = result.stderr.decode()
    if "LeakSanitizer has encountered a fatal error" in text:
        raise Skip("LeakSanitizer does not work here")
    found = collections.defaultdict(list)
    for report in text.split("=" * 65)[1:]:
        pid = int(re.search(r"==(\d+)==ERROR: LeakSanitizer", report).group(1))
        for size, blocks, stack in re.findall(
                r"leak of (\d+) byte\(s\) in (\d+) object\(s\) allocated from:\n((?: +#.*\n)+)",
                report):
            functions = re.findall(r"^ +#\d+ 0x[0-9a-f]+ in (.+?)(?: \(| /|$)", stack, re.M)
            found[pid].append((functions, int(blocks), int(size)))
    return result, found


def ours(tools, *command, moments=("exit", "end"), **keywords):
    """The result of a run under the tracer, and {(pid, moment): [(functions, kind, blocks, bytes)]}
    of what its checks say."""
    result = tools.trace(*command, options=("--leak-check=reachable",
                                            "--leak-when=" + ",".join(moments)), **keywords)
    return result, checks_in(tools, result.log)


def checks_in(tools, log):
    """{(pid, moment): [(functions, kind, blocks, bytes)]} of a log."""
    found = {}
    for number in range(1, len(tools.json(log)["leak_checks"]) + 1):
        report = tools.json(log, "--limit=0", "--leak-kinds=all", f"--check={number}",
                            "--no-builtin-suppressions")
        checked, = (one for one in report["leak_checks"] if one["shown"])
        key = checked["pid"], checked["moment"]
        check(key not in found, f"a second check of {key}")
        records = found[key] = [(site["stack"], site["kind"], site["blocks"], site["bytes"])
                                for site in checked["sites"]]
        same(totals(records), {kind: (checked[kind]["blocks"], checked[kind]["bytes"])
                               for kind in KINDS}, "sums of sites")
    return found


def totals(records):
    """Sums by kind."""
    sums = Sums()
    for kind in KINDS:
        sums.add(kind, 0, 0)
    for functions, kind, blocks, size in records:
        sums.add(kind, blocks, size)
    return sums


def named(records, account):
    """Records as sums, by the account's names: of those that have one, and of others."""
    own, others = Sums(), Sums()
    for functions, *kind, blocks, size in records:
        site = site_of(functions, account)
        (own if site else others).add((site, *kind), blocks, size)
    return own, others


def same(got, wanted, what):
    lines = [f"{key}: got {got.get(key)}, wanted {wanted.get(key)}"
             for key in sorted(got.keys() | wanted.keys()) if got.get(key) != wanted.get(key)]
    check(not lines, f"{what}:\n  " + "\n  ".join(lines))


def one_pid(found):
    equal(len(found), 1, f"number of processes in {found}")
    return next(iter(found.values()))
