# SPDX-License-Identifier: MIT
"""When processes are checked for leaks, and what a process notices of it."""
import json
import os
import re
import signal
import subprocess
import time

from harness import Skip, case, check, equal, need
from hardened_cases import Attached
from leak_oracles import accounts
from process_cases import one_line
from robustness_cases import wait_until
from signal_cases import how_calls_end
from survival_cases import is_clean, status_of, wait_for_breakpoints

REACHABLE = "--leak-check=reachable"
KINDS = ("definitely_lost", "indirectly_lost", "possibly_lost", "still_reachable")


def checks_of(tools, log):
    checks = tools.json(log)["leak_checks"]
    for each in checks:
        check(each["complete"], f"incomplete: {each}")
    return checks


def moments_of(tools, log):
    return [each["moment"] for each in checks_of(tools, log)]


def counts(each):
    return tuple(each[kind]["blocks"] for kind in KINDS)


def moments(tools, way, *options, fixture="moments"):
    """The moments of the checks of a run, and its exit status."""
    result = tools.trace(tools.fixture(fixture), way, options=(REACHABLE, *options))
    return moments_of(tools, result.log), result.returncode


@case
def a_process_is_checked_once_at_its_end(tools):
    ways = {"return": ("exit", 0), "exit": ("exit", 0), "quick_exit": ("exit", 0),
            "_exit": ("end", 0), "thread_exit": ("exit", 0), "leader_exit": ("exit", 0),
            "abort": ("fatal", 134), "fault": ("fatal", 139), "trap": ("fatal", 133),
            "term": ("fatal", 143), "caught": ("exit", 0), "kill": ("fatal", 137)}
    for way, (moment, status) in ways.items():
        equal(moments(tools, way), ([moment], status), way)


@case
def the_end_of_static_programs_is_seen(tools):
    for way in ("return", "quick_exit", "leader_exit"):
        equal(moments(tools, way, fixture="moments_static"), (["exit"], 0), way)
        # No symbols tell of exit: it is noticed behind it.
        equal(moments(tools, way, fixture="moments_stripped"), (["end"], 0), f"{way}, stripped")


@case
def moments_are_made_as_they_are_asked_for(tools):
    wanted = {
        ("return", "end"): ["end"], ("return", "exit,end"): ["exit", "end"],
        ("return", "fatal"): [], ("return", "none"): [], ("_exit", "exit"): ["end"],
        ("_exit", "fatal"): [], ("fault", "exit"): [], ("fault", "end"): ["end"],
        ("fault", "fatal,end"): ["fatal"], ("kill", "exit"): [], ("kill", "end"): ["end"],
        ("leader_exit", "end"): ["end"], ("thread_exit", "end"): ["end"],
        ("quick_exit", "end,exit"): ["exit", "end"],
    }
    for (way, words), found in wanted.items():
        equal(moments(tools, way, f"--leak-when={words}")[0], found, f"{way}, {words}")


@case
def exit_handlers_run_between_exit_and_end(tools):
    result = tools.trace(tools.fixture("moments"), "return",
                         options=(REACHABLE, "--leak-when=exit,end"))
    before, after = checks_of(tools, result.log)
    equal(before["definitely_lost"], {"bytes": 101, "blocks": 1}, "lost at exit")
    equal(after["definitely_lost"], {"bytes": 101, "blocks": 1}, "lost at the end")
    for kind, freed in (("bytes", 102), ("blocks", 1)):
        equal(before["still_reachable"][kind] - after["still_reachable"][kind], freed,
              f"{kind} that the exit handler frees")


@case
def a_killed_threads_stack_still_holds_its_blocks(tools):
    """Its registers and its stack are read, whichever of the process's threads is reported first:
    also where another thread has called _exit or got SIGKILL."""
    for way in ("_exit", "kill", "abort", "return"):
        for _ in range(5):
            result = tools.trace(tools.fixture("moments"), way,
                                 options=(REACHABLE, "--leak-when=end"))
            each, = checks_of(tools, result.log)
            equal(each["definitely_lost"], {"bytes": 101, "blocks": 1}, f"lost in {way}")
            equal(each["possibly_lost"]["blocks"], 0, f"possibly lost in {way}")


@case
def an_exec_ends_a_program_without_a_check(tools):
    equal(moments(tools, "exec"), (["exit"], 0), "exec")
    result = tools.trace(tools.fixture("moments"), "exec",
                         options=(REACHABLE, "--leak-when=exit,end,fatal"))
    equal([each["process"] for each in checks_of(tools, result.log)], [2, 2], "processes")


@case
def a_spawned_child_borrows_its_parents_memory(tools):
    """The vfork child is not checked before it executes a program, and is not what ends its
    parent."""
    result = tools.trace(tools.fixture("moments"), "spawn", options=(REACHABLE,))
    equal(sorted((each["process"], each["moment"]) for each in checks_of(tools, result.log)),
          [(1, "exit"), (2, "exit")], "checks")


@case
def forked_children_are_checked_for_themselves(tools):
    result = tools.trace(tools.fixture("leaks_fork"), options=(REACHABLE,))
    found = accounts(result.stdout)
    equal(len(found), 2, "processes")
    for each in checks_of(tools, result.log):
        sums = found[each["pid"]]["exit"]
        for kind in KINDS[:3]:
            told = [counted for (_, of_kind), counted in sums.items() if of_kind == kind]
            equal((each[kind]["blocks"], each[kind]["bytes"]),
                  (sum(blocks for blocks, _ in told), sum(size for _, size in told)),
                  f"{kind} of {each['pid']}")


@case
def the_summary_of_a_check_is_told(tools):
    log = tools.log()
    result = tools.run(tools.tracer, "-o", log, REACHABLE, "--", tools.fixture("moments"), "exit")
    text = result.stderr.decode()
    check(re.search(r"^allocptrace: leak check 1 of process \d+ \(at exit\): definitely lost 101 "
                    r"bytes in 1 block, indirectly lost 0 bytes in 0 blocks, .* held for "
                    r"\d+\.\d ms$", text, re.M), text)
    check(text.endswith(f"next: allocptrace-analyze {log} --leaks\n"), text)
    result = tools.trace(tools.fixture("moments"), "exit", options=(REACHABLE,))
    equal(result.stderr, b"", "with --quiet")


# ---- While the program goes on ----


class Served(Attached):
    """fixture_moments, which tells what it notices."""

    def __init__(self, tools, *prefix, fixture="moments", **keywords):
        super().__init__(tools, *prefix, tools.fixture(fixture), "serve", **keywords)

    def round(self):
        self.process.stdin.write(b"r")
        self.process.stdin.flush()
        equal(self.process.stdout.readline(), b"children 0 signals 0 interrupted 0\n",
              "what the program has noticed")

    def request(self, count):
        """Asks for a check and waits until it is in the log, the count-th one there."""
        self.tracer.send_signal(signal.SIGUSR1)
        self.wait_for_checks(count)

    def wait_for_checks(self, count):
        def there():
            check(self.tracer.poll() is None, "the tracer ended")
            result = self.tools.run(self.tools.analyzer, "--json", self.log)
            if result.returncode:
                return False
            complete = [each for each in json.loads(result.stdout)["leak_checks"]
                        if each["complete"]]
            return len(complete) >= count
        wait_until(there, f"there are no {count} checks")

    def check_untouched(self):
        check(is_clean(self.pid), "it is not as before")
        equal(children_of(self.pid), [], "children")
        check(status_of(self.pid, "State") in "RS", "it was left stopped")
        self.round()

    def finish(self):
        self.process.communicate(timeout=60)
        equal(self.process.returncode, 0, "exit status of the program")


def children_of(pid):
    found = []
    for task in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{task}/children", encoding="utf-8") as file:
            found += file.read().split()
    return found


@case
def requests_are_served_while_a_program_waits(tools):
    for snapshot in ("auto", "stop"):
        server = Served(tools)
        server.attach(REACHABLE, f"--leak-snapshot={snapshot}")
        server.round()
        server.request(1)
        server.round()
        server.request(2)
        server.round()
        server.detach()
        server.check_untouched()
        server.finish()
        checks = checks_of(tools, server.log)
        equal([each["moment"] for each in checks], ["request", "request", "detach"], snapshot)
        equal([each["snapshot"] for each in checks], [int(snapshot == "auto")] * 3, snapshot)
        equal(server.stats["leak_copies"], 3 if snapshot == "auto" else 0, "copies")


@case
def duration_ends_with_a_check(tools):
    server = Served(tools)
    log = tools.log()
    result = tools.run(tools.tracer, "-q", "-o", log, REACHABLE, "--duration=0.5", "-p",
                       str(server.pid))
    equal((result.returncode, result.stderr), (0, b""), "exit status and messages")
    server.check_untouched()
    server.finish()
    each, = checks_of(tools, log)
    equal((each["moment"], each["snapshot"]), ("detach", 1), "the check")


@case
def a_launched_program_goes_on_after_its_check(tools):
    """It is not the tracer's to wait for any more, and has no child left."""
    marker = os.path.join(tools.folder, "went-on")
    result = tools.trace("sh", "-c", f"exec >/dev/null 2>&1; sleep 2; wait; echo > {marker}",
                         options=(REACHABLE, "--duration=0.5"))
    equal(result.returncode, 0, f"exit status ({result.stderr})")
    check({"detach"} == set(moments_of(tools, result.log)), "moments")
    wait_until(lambda: os.path.exists(marker), "the program did not go on")


@case
def intervals_are_kept_while_threads_allocate(tools):
    for snapshot in ("fork", "stop"):
        result = tools.trace(tools.fixture("spin"), "2", "3", options=(
            REACHABLE, "--leak-interval=0.1", f"--leak-snapshot={snapshot}"))
        equal(result.stdout, b"spin ended\n", "the program's output")
        checks = checks_of(tools, result.log)
        made = [each for each in checks if each["moment"] == "interval"]
        check(len(made) >= 3, f"{len(made)} checks")
        for each in made:
            equal(each["snapshot"], int(snapshot == "fork"), "copies")
            equal(each["definitely_lost"]["blocks"], 0, f"lost blocks of {each}")
        equal(checks[-1]["moment"], "exit", "the last check")


@case
def intervals_end_with_the_check_at_exit(tools):
    """What exit handlers leave is not what is told of the program."""
    made, status = moments(tools, "slow_exit", "--leak-interval=0.05")
    equal(status, 0, "exit status")
    equal(made[-1], "exit", f"the last of {made}")
    # Where that is not wanted they go on.
    made, status = moments(tools, "slow_exit", "--leak-interval=0.05", "--leak-when=none")
    check(len(made) >= 2 and set(made) == {"interval"}, made)


@case
def an_interval_that_is_not_over_is_left_out(tools):
    stats = tools.stats(tools.fixture("spin"), "1", "2",
                        options=(REACHABLE, "--leak-interval=0.000001"))
    # At two intervals at least, and at exit: how many there are is a matter of time.
    check(stats["leak_checks"] > 2 and stats["leak_skipped"] > 0, stats)


@case
def interrupted_calls_end_as_without_checks(tools):
    """Each of many ways to wait, with checks that follow on each other."""
    for snapshot in ("fork", "stop"):
        log = tools.log()
        options = (REACHABLE, "--duration=0.5", "--leak-interval=0.02",
                   f"--leak-snapshot={snapshot}")
        equal(how_calls_end(tools, [log], options), how_calls_end(tools), "how the calls ended")
        made = moments_of(tools, log)
        check(made.count("interval") >= 3 and made[-1] == "detach", made)


@case
def requests_without_checks_end_the_tracer(tools):
    spin = subprocess.Popen([tools.tracer, "-q", "-o", tools.log(), "--", tools.fixture("spin"),
                             "30"], stdout=subprocess.DEVNULL)
    time.sleep(0.5)
    spin.send_signal(signal.SIGUSR1)
    equal(spin.wait(60), -signal.SIGUSR1, "exit status")


# ---- Where there can be no copy ----

CLONE = 56


def held_for_a_check(tools, server, *options, prefix=()):
    server.attach(REACHABLE, *options, prefix=prefix)
    server.tracer.send_signal(signal.SIGINT)
    server.output = server.tracer.communicate(timeout=60)[1].decode(errors="replace")
    equal(server.tracer.returncode, 0, f"exit status ({server.output})")
    return checks_of(tools, server.log)


@case
def a_sandboxed_process_is_held_instead(tools):
    def server():
        return Attached(tools, tools.fixture("locked_server"), str(CLONE))

    if os.geteuid() != 0:
        raise Skip("only root may read another process's filters")
    locked = server()
    each, = held_for_a_check(tools, locked)
    equal(each["snapshot"], 0, "copies")
    locked.round()
    locked.end()
    locked = server()
    equal(held_for_a_check(tools, locked, "--leak-snapshot=fork"), [], "checks")
    check(f"process {locked.pid} is not checked for leaks: a seccomp filter" in locked.output,
          locked.output)
    locked.round()
    locked.end()


@case
def a_process_whose_children_are_elsewhere_is_held_instead(tools):
    """The first child in a new pid namespace is its init, and takes the namespace with it."""
    unshare = need("unshare")
    if tools.run(unshare, "--pid", "true").returncode:
        raise Skip("a pid namespace cannot be made here")
    server = Served(tools, unshare, "--pid")
    each, = held_for_a_check(tools, server)
    equal(each["snapshot"], 0, "copies")
    server.check_untouched()
    server.finish()


@case
def a_process_at_its_limit_is_held_instead(tools):
    if os.geteuid() != 0:
        raise Skip("only root can become a user without other processes")
    prlimit, setpriv = need("prlimit", "setpriv")
    # One thread more than the process has would be one too many.
    server = Served(tools, setpriv, "--reuid=54321", prlimit, "--nproc=2")
    each, = held_for_a_check(tools, server)
    equal(each["snapshot"], 0, "copies")
    server.check_untouched()
    server.finish()


# ---- When something dies ----


@case
def a_killed_tracer_leaves_no_copies(tools):
    """At any moment of checks that follow on each other."""
    spin = subprocess.Popen([tools.fixture("spin"), "100000", "2"])
    try:
        for i in range(12):
            tracer = subprocess.Popen([tools.tracer, "-q", "-o", tools.log(), REACHABLE,
                                       "--leak-interval=0.002", "-p", str(spin.pid)],
                                      stderr=subprocess.PIPE)
            wait_for_breakpoints(spin.pid, tracer)
            time.sleep(i * 0.013)
            tracer.kill()
            tracer.wait()
            tracer.stderr.read()  # to its end: the guardian has ended, too
            equal(spin.poll(), None, f"the target's status after kill {i}")
            wait_until(lambda: is_clean(spin.pid), "our bytes are still there")
            equal(children_of(spin.pid), [], f"children after kill {i}")
    finally:
        spin.kill()
        spin.wait()


@case
def a_copy_that_is_killed_cuts_its_check_off(tools):
    """By the kernel that has run out of memory, say: nothing is told that was not read, and the next
    check is a whole one."""
    server = Served(tools)
    server.attach(REACHABLE, "--leak-when=none")
    killed = 0
    deadline = time.time() + 60
    while not killed:
        check(time.time() < deadline, "no copy was seen")
        server.tracer.send_signal(signal.SIGUSR1)
        until = time.time() + 0.2
        while time.time() < until and not killed:
            for child in children_of(server.pid):
                try:
                    if status_of(child, "State") == "t":
                        os.kill(int(child), signal.SIGKILL)
                        killed += 1
                except (OSError, StopIteration):
                    pass
    server.round()
    before = len(tools.json(server.log)["leak_checks"])
    server.tracer.send_signal(signal.SIGUSR1)
    wait_until(lambda: len(tools.json(server.log)["leak_checks"]) > before, "no further check")
    server.detach()
    server.check_untouched()
    server.finish()
    equal(tools.json(server.log)["leak_checks"][-1]["complete"], True, "the last check")


@case
def what_could_not_be_read_is_told(tools):
    result = tools.trace(tools.fixture("leaks_unread"), options=(REACHABLE,))
    equal(result.returncode, 0, "exit status")
    made, = checks_of(tools, result.log)
    equal((made["unreadable_bytes"], made["definitely_lost"]["bytes"]), (4096, 161), "the check")
    check(b"4,096 bytes could not be read: what only they lead to counts as lost" in result.stderr,
          result.stderr)
    # Nothing is said where all could be read.
    result = tools.trace(tools.fixture("moments"), "return", options=(REACHABLE,))
    check(b"could not be read" not in result.stderr, result.stderr)


@case
def insisting_on_the_end_does_not_wait_for_a_check(tools):
    server = Served(tools)
    server.attach(REACHABLE)
    for _ in range(3):
        server.tracer.send_signal(signal.SIGINT)
    server.tracer.communicate(timeout=60)
    equal(server.tracer.returncode, 0, "exit status")
    server.check_untouched()
    server.finish()


@case
def an_unusable_log_stops_no_checked_program(tools):
    result = tools.run(tools.tracer, "-o", "/dev/full", REACHABLE, "--", tools.fixture("moments"),
                       "return")
    one_line(result, 125, "allocptrace", "/dev/full", "No space left")
