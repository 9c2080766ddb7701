# SPDX-License-Identifier: MIT
"""Tracers that are killed in the middle of leak checks, and what they leave: a few rounds here, as
many as wanted in tests/bench/leak_survival.py."""
import collections
import ctypes
import json
import os
import random
import re
import signal
import subprocess
import time

from harness import case, check, equal
from leak_moment_cases import children_of
from survival_cases import foreign_bytes, is_clean, status_of, wait_until

REACHABLE = "--leak-check=reachable"
STATUS = 42
PR_SET_CHILD_SUBREAPER = 36


def checks_in(tools, log):
    """What there is in a log: whole checks, and such as were cut off. None: no log yet."""
    if not os.path.exists(log) or not os.path.getsize(log):
        return None
    result = tools.run(tools.analyzer, "--json", "--limit=1", log)
    if result.returncode:
        equal(result.stderr.count(b"\n"), 1, f"messages ({result.stderr})")
        return None
    found = json.loads(result.stdout)["leak_checks"]
    for each in found:
        check(not each["complete"] or each["threads"], f"nothing was looked at: {each}")
    return found


def whole(found):
    return sum(each["complete"] for each in found or ())


def children_that_stay(pid):
    """The process has children of its own, which come and go."""
    found = set(children_of(pid))

    def left():
        found.intersection_update(children_of(pid))
        return found
    deadline = time.time() + 10
    while left() and time.time() < deadline:
        time.sleep(0.01)
    return found


def is_stopped(pid):
    try:
        return status_of(pid, "State") == "t"
    except (OSError, StopIteration):
        return False


class Busy:
    """fixture_leaks_busy, and tracers of it that are killed."""

    def __init__(self, tools):
        self.tools = tools
        self.process = subprocess.Popen([tools.fixture("leaks_busy"), "3", str(STATUS)],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.pid = self.process.pid
        equal(self.process.stdout.readline(), b"ready\n", "what the program says first")
        self.tracer = None
        self.log = tools.log()

    def attach(self, *options):
        self.tracer = subprocess.Popen([self.tools.tracer, "-q", "-o", self.log, REACHABLE, *options,
                                        "-p", str(self.pid)], stderr=subprocess.PIPE)

    def wait_for(self, condition, what):
        """Looks all the time: what is waited for may be short."""
        deadline = time.time() + 60
        while not condition():
            check(self.tracer.poll() is None, f"the tracer ended: {self.tracer.returncode}")
            check(time.time() < deadline, what)

    def wait_for_breakpoints(self):
        # Before the first one is set, a call that is made for us takes four bytes for a moment.
        self.wait_for(lambda: foreign_bytes(self.pid) > 4, "no breakpoint was set")

    def kill_tracer(self):
        self.tracer.kill()
        self.tracer.wait()
        self.tracer.stderr.read()  # to its end: the guardian has ended, too

    def look(self):
        """What the target is a moment later."""
        equal(self.process.poll(), None, "the target's status")
        wait_until(lambda: is_clean(self.pid), "our bytes are still there")
        equal(children_that_stay(self.pid), set(), "children that stay")
        for task in os.listdir(f"/proc/{self.pid}/task"):
            check(status_of(f"{self.pid}/task/{task}", "State") not in "tT", "a thread is stopped")

    def finish(self):
        """Its result and its status are as ever."""
        self.process.stdin.close()
        equal(self.process.wait(60), STATUS, "exit status")
        output = self.process.stdout.readline()
        told = re.fullmatch(r"busy ok children (\d+) signals (\d+) errors 0 left 0\n",
                            output.decode())
        check(told, f"the result: {output}")
        # Two children may end while a thread of it has its signals blocked for us.
        check(0 < int(told[2]) <= int(told[1]) or told[1] == "0", f"children and signals: {output}")
        return int(told[1]) - int(told[2])

    def abandon(self):
        self.process.kill()
        self.process.wait()
        # A copy that has been left has its pipes, too.
        self.process.stdin.close()
        self.process.stdout.close()


def become_reaper():
    """Of processes whose parents have ended."""
    equal(ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0), 0, "prctl")


def reap_all():
    """{pid: exit status} of all that is left, which must end. Whoever waits for a child of his has
    done so."""
    ended = {}

    def none_left():
        for child in children_of(os.getpid()):
            pid, status = os.waitpid(int(child), os.WNOHANG)
            if pid:
                ended[pid] = os.waitstatus_to_exitcode(status)
        return not children_of(os.getpid())
    try:
        wait_until(none_left, "processes are left")
    except AssertionError:
        for child in children_of(os.getpid()):
            with open(f"/proc/{child}/stat", encoding="utf-8") as file:
                print("left:", file.read(), flush=True)
            os.kill(int(child), signal.SIGKILL)
            os.waitpid(int(child), 0)
        raise
    return ended


def at_once(busy):
    """Half of these fall into the attaching."""
    busy.attach("--leak-interval=0.002")
    time.sleep(random.random() * 0.4)


def among_intervals(busy):
    busy.attach("--leak-interval=0.002")
    busy.wait_for_breakpoints()
    time.sleep(random.random() * 0.2)


def with_a_copy(busy):
    busy.attach("--leak-interval=0.002", "--leak-snapshot=fork", "--leak-when=none")
    busy.wait_for_breakpoints()
    busy.wait_for(lambda: any(is_stopped(child) for child in children_of(busy.pid)), "no copy")
    time.sleep(random.random() * 0.01)


def with_a_childs_copy(busy):
    """The child may end before anybody looks for its copy."""
    def there():
        try:
            return any(children_of(child) for child in children_of(busy.pid))
        except OSError:
            return False
    busy.attach("--leak-interval=0.002", "--leak-snapshot=fork", "--leak-when=none")
    busy.wait_for_breakpoints()
    busy.wait_for(there, "no copy of a child")


def while_held(busy):
    busy.attach("--leak-interval=0.002", "--leak-snapshot=stop", "--leak-when=none")
    busy.wait_for_breakpoints()
    time.sleep(random.random() * 0.1)


def after_a_request(busy):
    """The first one is in the log, and stays there."""
    busy.attach("--leak-when=none")
    busy.wait_for_breakpoints()
    busy.tracer.send_signal(signal.SIGUSR1)
    busy.wait_for(lambda: whole(checks_in(busy.tools, busy.log)), "no check")
    busy.tracer.send_signal(signal.SIGUSR1)
    time.sleep(random.random() * 0.03)


MOMENTS = (at_once, among_intervals, with_a_copy, with_a_childs_copy, while_held, after_a_request)


def attached_round(tools, moment, counts):
    busy = Busy(tools)
    try:
        moment(busy)
        busy.kill_tracer()
        busy.look()
        counts["SIGCHLDs that fell together"] += busy.finish()
    finally:
        busy.abandon()
    reap_all()
    found = checks_in(tools, busy.log)
    check(moment is not after_a_request or whole(found), "the check is gone")
    counts[moment.__name__] += 1
    counts["whole checks"] += whole(found)
    counts["checks cut off"] += len(found or ()) - whole(found)


def launched_round(tools, counts):
    """What the tracer has launched is killed with it, and so are its copies and children."""
    log = tools.log()
    tracer = subprocess.Popen([tools.tracer, "-q", "-o", log, REACHABLE, "--leak-interval=0.002",
                               "--", tools.fixture("leaks_busy"), "3", str(STATUS)],
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    time.sleep(random.random() * 0.5)
    equal(tracer.poll(), None, "the tracer's exit status")
    targets = [int(child) for child in children_of(tracer.pid)]
    tracer.kill()
    tracer.wait()

    ended = reap_all()
    for target in targets:
        # One that was not seized yet ends before it is the program.
        check(ended[target] in (-signal.SIGKILL, 127), f"the target's exit status {ended[target]}")
        counts["killed with their tracer"] += 1
    tracer.communicate()
    found = checks_in(tools, log)
    counts["launched"] += 1
    counts["whole checks"] += whole(found)
    counts["checks cut off"] += len(found or ()) - whole(found)


@case
def killed_in_a_check_a_tracer_spares_the_target(tools):
    become_reaper()
    counts = collections.Counter()
    for moment in MOMENTS:
        attached_round(tools, moment, counts)
    check(counts["whole checks"], counts)


@case
def killed_in_a_check_a_tracer_takes_what_it_has_launched_along(tools):
    become_reaper()
    counts = collections.Counter()
    for _ in range(4):
        launched_round(tools, counts)
