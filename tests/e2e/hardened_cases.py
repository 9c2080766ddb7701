# SPDX-License-Identifier: MIT
"""Targets that are locked up or cramped, and code that changes under the tracer's feet."""
import os
import re
import shutil
import signal
import subprocess

from harness import (Skip, case, check, equal, leak_stacks, ledger, ledgers, need,
                     own_sums, summary_as_ledger)
from process_cases import one_line
from robustness_cases import code_of, state_of, wait_until


class Attached:
    """A fixture that prints a line when it is ready, does a round for each 'r' on its standard
    input and then prints "done", and prints its ledger at the end of it."""

    def __init__(self, tools, *command, **keywords):
        self.tools = tools
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        **keywords)
        check(self.process.stdout.readline(), f"{command} did not start")
        self.pid = self.process.pid
        self.code = code_of(self.pid)
        self.log, self.tracer, self.output, self.stats = None, None, "", {}

    def round(self):
        self.process.stdin.write(b"r")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        equal(line, b"done\n", "answer of the traced program")

    def attach(self, *options, prefix=()):
        self.log = self.tools.log()
        self.tracer = subprocess.Popen([*prefix, self.tools.tracer, "-q", "--stats", "-o", self.log,
                                        *options, "-p", str(self.pid)], stderr=subprocess.PIPE)
        wait_until(self.is_traced, "the tracer did not attach")

    def is_traced(self):
        """Its code has breakpoints, which are set while all threads are stopped, and they run."""
        check(self.tracer.poll() is None, "the tracer ended")
        tasks = os.listdir(f"/proc/{self.pid}/task")
        return (all(state_of(f"{self.pid}/task/{task}") != "t" for task in tasks) and
                code_of(self.pid) != self.code)

    def detach(self):
        self.tracer.send_signal(signal.SIGINT)
        self.output = self.tracer.communicate(timeout=60)[1].decode(errors="replace")
        equal(self.tracer.returncode, 0, f"exit status ({self.output})")
        self.stats = {name: int(value) for name, value in
                      re.findall(r"^allocptrace: ([a-z_]+) (\d+)$", self.output, re.M)}

    def end(self):
        output, _ = self.process.communicate(timeout=60)
        equal(self.process.returncode, 0, "exit status of the traced program")
        return ledgers(output)[0]


def rounds_while_attached(tools, *command, prefix=()):
    """Two rounds of six are made while the tracer is attached; each is a hundred allocations."""
    server = Attached(tools, *command)
    server.round()
    server.attach(prefix=prefix)
    for _ in range(2):
        server.round()
    server.detach()
    equal(code_of(server.pid) == server.code, True, "code is as before")
    for _ in range(3):
        server.round()
    wanted = server.end()
    seen = own_sums(tools.json(server.log))
    equal((seen["allocations"], seen["bytes"]),
          (wanted["allocations"] // 3, wanted["bytes"] // 3), "sums of two rounds of six")
    return server


def rounds_under_a_filter(tools, *filters, prefix=()):
    return rounds_while_attached(tools, tools.fixture("locked_server"), *filters, prefix=prefix)


RT_SIGACTION = 13
MMAP, MPROTECT, READ_EXEC, WRITE_EXEC = 9, 10, 5, 6


@case
def filter_that_permits_our_call_costs_no_steps(tools):
    """One of the usual kind, against memory that is written and executed, and one that has nothing
    to do with it."""
    server = rounds_under_a_filter(tools, f"{MMAP}:{WRITE_EXEC}", f"{MPROTECT}:{WRITE_EXEC}", "101",
                                   f"{RT_SIGACTION}")
    equal(server.stats["single_steps"], 0, "single steps")


@case
def filter_that_kills_on_our_call_is_not_asked(tools):
    """Whichever of several filters it is, and whether it looks at arguments or not."""
    for filters in ((f"{MMAP}",), (f"{MMAP}:{READ_EXEC}", "101"), ("101", f"{MMAP}:{READ_EXEC}")):
        server = rounds_under_a_filter(tools, *filters)
        # An entry and a return of each allocation, an entry of each free.
        check(server.stats["single_steps"] > 2 * 2 * 100, server.stats)
        check("seccomp filter" in server.output, server.output)


@case
def filter_that_cannot_be_read_is_not_risked(tools):
    if os.geteuid() != 0:
        raise Skip("only root has the capability to give up")
    server = rounds_under_a_filter(tools, f"{MMAP}", prefix=("setpriv", "--bounding-set=-sys_admin",
                                                             "--inh-caps=-sys_admin"))
    check("CAP_SYS_ADMIN" in server.output, server.output)


def counts_of_rewritten(tools, kind):
    """What was counted by the tracer, and by the program, which must be as it is without us."""
    plain = tools.run(tools.fixture("rewritten"), kind)
    result = tools.trace(tools.fixture("rewritten"), kind)
    equal((result.returncode, result.stdout), (plain.returncode, plain.stdout), kind)
    seen, wanted = summary_as_ledger(tools.json(result.log)), ledger(result)
    return [[one[key] for key in ("allocations", "frees", "bytes")] for one in (seen, wanted)]


@case
def code_may_change_under_its_breakpoints(tools):
    for kind in ("write", "map", "move", "trap"):
        seen, wanted = counts_of_rewritten(tools, kind)
        equal(seen, wanted, kind)


@case
def library_may_be_overwritten(tools):
    """The dynamic linker's own blocks come on top; they are the same in both."""
    library, traps = (counts_of_rewritten(tools, kind) for kind in ("library", "traps"))
    differences = [[one - other for one, other in zip(*pair)] for pair in zip(library, traps)]
    equal(differences[0], differences[1], "what the generated code allocates")


@case
def data_where_code_was_is_not_restored(tools):
    tracer = subprocess.Popen([tools.tracer, "-q", "-o", tools.log(), "--",
                               tools.fixture("rewritten"), "data"], stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE)
    equal(tracer.stdout.readline(), b"ready\n", "first line")
    tracer.terminate()
    equal(tracer.wait(60), 128 + signal.SIGTERM, "exit status")
    output, _ = tracer.communicate(timeout=60)
    equal(output, b"intact\n", "what the program says")


@case
def leak_sanitizer_is_warned_of(tools):
    """As a library and within the program; said once, though children have it, too."""
    for name, variable in (("basic_asan", "ASAN_OPTIONS"), ("basic_clang_asan", "ASAN_OPTIONS"),
                           ("basic_lsan", "LSAN_OPTIONS")):
        program = tools.fixture(name)
        result = tools.trace("sh", "-c", f"{program} && exit 9; {program}; exit 0")
        equal(result.returncode, 0, f"exit status with it ({result.stderr})")
        warnings = [line for line in result.stderr.decode().splitlines()
                    if line.startswith("allocptrace: ")]
        equal(len(warnings), 1, f"warnings in {result.stderr}")
        check("LeakSanitizer" in warnings[0] and "detect_leaks=0" in warnings[0], warnings)
        for options in ("detect_leaks=0", "verbosity=0:detect_leaks=1,detect_leaks=false"):
            result = tools.trace(program, env={**os.environ, variable: options})
            equal((result.returncode, result.stderr), (0, b""), f"{name} with {options}")


@case
def debugger_in_the_target_is_warned_of(tools):
    strace = need("strace")
    result = tools.trace(strace, "-f", "-o", "/dev/null", "true")
    check(result.returncode != 0, "strace cannot have worked")
    warnings = [line for line in result.stderr.decode().splitlines()
                if line.startswith("allocptrace: ")]
    equal(len(warnings), 1, f"warnings in {result.stderr}")
    check("(strace)" in warnings[0] and "Operation not permitted" in warnings[0], warnings)


def warnings_of(result):
    return [line for line in result.stderr.decode(errors="replace").splitlines()
            if line.startswith("allocptrace: ")]


@case
def limits_of_the_tracer_are_named(tools):
    for option, value, words in (("--nofile", 16, ("open files", "ulimit -n", "16")),
                                 ("--as", 60000 << 10, ("virtual memory", "ulimit -v", "60000"))):
        limited = ("prlimit", f"{option}={value}:{value}", tools.tracer)
        if tools.run(*limited, "--version").returncode:
            continue  # a tracer with AddressSanitizer needs much more by itself
        result = tools.run(*limited, "-o", tools.log(), "--", tools.fixture("basic"))
        one_line(result, 125, "allocptrace", *words)
        equal(result.stdout, b"", "the program must not have run")


@case
def too_many_processes_are_left_alone(tools):
    """More than there are descriptors for: those that are not traced run as if we were not there."""
    log = tools.log()
    result = tools.run("prlimit", "--nofile=80:80", tools.tracer, "-q", "-o", log, "--",
                       tools.fixture("crowd"), "100")
    equal(result.returncode, 0, f"exit status ({result.stderr})")
    warnings = warnings_of(result)
    equal(len(warnings), 1, f"warnings in {result.stderr}")
    check("Too many open files" in warnings[0] and "ulimit -n" in warnings[0], warnings)
    report = tools.json(log)["summary"]
    # The budget is 80 less what is kept free and what the modules take.
    check(20 * 10 < report["total_allocations"] < 2 * 20 * 60, report)


@case
def unreadable_library_is_warned_of_once(tools):
    path = os.path.join(tools.folder, "odd.so")
    with open(path, "wb") as file:
        file.write(b"\x7fELF\xff\xff" + bytes(4090))
    result = tools.trace(tools.fixture("dlopen"), path)
    ledger(result)
    warnings = warnings_of(result)
    equal(len(warnings), 1, f"warnings in {result.stderr}")
    check(path in warnings[0], warnings)


def stats_of(result):
    return {name: int(value) for name, value in
            re.findall(r"^allocptrace: ([a-z_]+) (\d+)$", result.stderr.decode(), re.M)}


@case
def coroutines_have_stacks_that_end(tools):
    result = tools.trace(tools.fixture("coroutines"), options=("--stats",))
    wanted = ledger(result)
    got = own_sums(tools.json(result.log))
    equal(got, {key: wanted[key] for key in got}, "sums")
    equal(stats_of(result)["incomplete_stacks"], 0, "incomplete stacks")
    outermost = {line.split(";")[0] for line in
                 tools.analyze(result.log, "--flamegraph").splitlines()}
    equal(outermost, {"_start", "__start_context"}, "outermost functions")


def frame_count(stack):
    """Of a stack of --leaks, which shows the innermost frames and the number of the others."""
    others = re.fullmatch(r"\[(\d+) more frames\]", stack[-1])
    return len(stack) - 1 + int(others[1]) if others else len(stack)


@case
def recursion_may_be_deep(tools):
    """100,000 frames: all of them if wanted, the innermost ones by default; each stack once."""
    frames = 100000
    for depth, wanted_frames in ((200000, frames), (512, 510)):
        result = tools.trace(tools.fixture("deep"), str(frames),
                             options=("--stats", f"--depth={depth}"))
        wanted = ledger(result)
        got = own_sums(tools.json(result.log))
        equal(got, {key: wanted[key] for key in got}, "sums")
        stats = stats_of(result)
        equal(stats["depth_limited_stacks"], 21 if depth < frames else 0, "cut stacks")
        check(stats["unwound_frames"] < 22 * wanted_frames + 1000, stats)
        deepest = max(frame_count(stack) for stack in leak_stacks(tools, result.log))
        # Around the recursion are main() and what the C library has before it.
        check(wanted_frames <= deepest <= wanted_frames + 8, f"{deepest} frames")


@case
def thousand_threads_are_traced(tools):
    result = tools.trace(tools.fixture("thread_crowd"), options=("--stats",))
    wanted = ledger(result)
    report = tools.json(result.log)
    got = own_sums(report)
    equal(got, {key: wanted[key] for key in got}, "sums")
    equal((report["summary"]["threads"], stats_of(result)["single_steps"]), (1001, 0),
          "threads and single steps")


@case
def thousand_threads_are_attached_to(tools):
    crowd = Attached(tools, tools.fixture("thread_crowd"))
    crowd.round()
    crowd.attach()
    crowd.round()
    crowd.detach()
    equal(code_of(crowd.pid) == crowd.code, True, "code is as before")
    crowd.round()
    wanted = crowd.end()
    seen = own_sums(tools.json(crowd.log))
    equal((seen["allocations"], seen["bytes"]),
          (wanted["allocations"] // 3, wanted["bytes"] // 3), "sums of one round of three")


# ---- Credentials and limits of the target ----

NOBODY = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")


def need_root():
    if os.geteuid() != 0:
        raise Skip("only root can do this")


@case
def undumpable_process_is_traced_or_named(tools):
    need_root()
    rounds_while_attached(tools, *NOBODY, tools.fixture("locked_server"), "nodump")
    server = Attached(tools, *NOBODY, tools.fixture("locked_server"), "nodump")
    result = tools.run(*NOBODY, tools.tracer, "-q", "-o", "/dev/null", "-p", str(server.pid))
    one_line(result, 125, "allocptrace", "not dumpable", "root")
    server.end()


@case
def target_without_room_is_single_stepped(tools):
    """Memory for relocated instructions cannot be mapped: all is locked, or there is no more."""
    need_root()
    for word, reason in (("lock", "Resource temporarily unavailable"),
                         ("full", "Cannot allocate memory")):
        server = rounds_while_attached(tools, tools.fixture("locked_server"), word)
        check(server.stats["single_steps"] > 2 * 2 * 100, server.stats)
        check(reason in server.output, server.output)


# ---- Namespaces and root folders ----

def need_mounts(tools):
    need_root()
    if tools.run(need("unshare"), "-m", "true").returncode:
        raise Skip("no namespaces here")


def fill_root(tools, folder, *programs):
    """A root folder with programs and the libraries that they need."""
    for program in programs:
        files = re.findall(r"(/\S+) \(0x", tools.run("ldd", program).stdout.decode())
        for path in (program, *files):
            target = folder + ("/" + os.path.basename(program) if path == program else path)
            os.makedirs(os.path.dirname(target), exist_ok=True)
            shutil.copy(path, target)


@case
def namespaces_are_seen_through(tools):
    """Other process ids, another root of mounts, other users: inside, and around the tracer."""
    need_mounts(tools)
    unshared = ("unshare", "-m", "-p", "-f", "--mount-proc")
    fork = tools.fixture("fork")
    for command, prefix in (((*unshared, fork), ()), (("unshare", "-U", "-r", fork), ()),
                            ((fork,), unshared)):
        log = tools.log()
        result = tools.run(*prefix, tools.tracer, "-q", "-o", log, "--", *command)
        equal((result.returncode, result.stderr), (0, b""), "exit status and messages")
        got = own_sums(tools.json(log))
        for key in ("allocations", "bytes", "leaked_blocks", "leaked_bytes"):
            equal(got[key], sum(one[key] for one in ledgers(result.stdout)), key)


@case
def files_are_those_of_the_target(tools):
    """Static and dynamic programs below another root folder, which is a plain one, a file system
    that only the target sees, or an overlay."""
    need_mounts(tools)
    lower, root = (os.path.join(tools.folder, name) for name in ("lower", "root"))
    programs = tools.fixture("basic"), tools.fixture("basic_static")
    for folder in (lower, root, lower + "/upper", lower + "/work"):
        os.mkdir(folder)
    fill_root(tools, lower, *programs)
    overlay = f"lowerdir={lower},upperdir={root}/upper,workdir={root}/work"
    for prepare in (f"mount --bind {lower} {root}",
                    f"mount -t tmpfs none {root} && cp -r {lower}/* {root}",
                    f"mount -t tmpfs none {root} && mkdir {root}/upper {root}/work {root}/all && "
                    f"mount -t overlay none -o {overlay} {root}/all && mount --bind {root}/all {root}"):
        for program in ("fixture_basic", "fixture_basic_static"):
            result = tools.trace("unshare", "-m", "sh", "-c",
                                 f"{prepare} && exec chroot {root} /{program}")
            wanted = ledger(result)
            got = own_sums(tools.json(result.log))
            equal(got, {key: wanted[key] for key in got}, f"{program} after {prepare}")
            equal(result.stderr, b"", "messages")


@case
def program_may_be_deleted_or_replaced(tools):
    need_root()
    for replace in (os.unlink, lambda path: shutil.copy(tools.fixture("spin"), path + "~") and
                    os.rename(path + "~", path)):
        program = shutil.copy(tools.fixture("locked_server"), tools.folder)
        server = Attached(tools, program)
        replace(program)
        server.round()
        server.attach()
        server.round()
        server.detach()
        wanted = server.end()
        seen = own_sums(tools.json(server.log))
        equal((seen["allocations"], seen["bytes"]),
              (wanted["allocations"] // 2, wanted["bytes"] // 2), "sums of one round of two")


@case
def program_finds_its_stack_as_it_is(tools):
    """Our own mappings are out of the way of what a program reads from /proc/self/maps, whether
    its stack may grow much or little."""
    for limit in ("8388608", "67108864"):
        command = ("prlimit", f"--stack={limit}", tools.fixture("own_maps"))
        plain, result = tools.run(*command), tools.trace(*command)
        if plain.returncode:
            continue  # this limit cannot be set here
        found = [re.fullmatch(rb"stack (\d+) KiB, 0 mappings of writable code\n", one.stdout)
                 for one in (plain, result)]
        check(all(found), result.stdout)
        # The kernel puts the stack's start at random within a few pages.
        check(abs(int(found[0][1]) - int(found[1][1])) <= 64, (plain.stdout, result.stdout))
