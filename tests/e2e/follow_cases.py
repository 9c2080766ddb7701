# SPDX-License-Identifier: MIT
"""Programs of several processes: each one's heap is its own, and all end as they would untraced."""
import os
import shutil
import signal
import subprocess
import time

from harness import Skip, case, check, equal, ledgers, own_sums, summary_as_ledger


def by_process(output):
    """The ledgers that name their process; those of one process (exec) are summed up."""
    processes = {}
    for one in ledgers(output):
        pid = one.pop("process")
        known = processes.setdefault(pid, dict.fromkeys(one, 0))
        for key, value in one.items():
            known[key] += value
    return processes


def no_warnings(result):
    equal(result.stderr, b"", "warnings")


def exact_processes(tools, result, status=0):
    """Each process's summary is its ledger, to the unit, and they add up to the whole log's."""
    equal(result.returncode, status, f"exit status ({result.stderr})")
    no_warnings(result)
    processes = by_process(result.stdout)
    for pid, wanted in processes.items():
        report = tools.json(result.log, f"--process={pid}")
        equal(summary_as_ledger(report), wanted, f"process {pid} of {result.stdout}")
    whole = tools.json(result.log)["summary"]
    equal(whole["total_allocations"], sum(one["allocations"] for one in processes.values()),
          "allocations of all processes")
    equal((whole["unknown_frees"], whole["missed_frees"]), (0, 0), "unexplained events")
    return processes


@case
def fork_children_have_their_own_ledgers(tools):
    """With what they inherited in their peak and frees, and not among their leaks."""
    processes = exact_processes(tools, tools.trace(tools.fixture("fork")))
    equal(len(processes), 6, "processes")


def cloned(way, count):
    def run(tools):
        processes = exact_processes(tools, tools.trace(tools.fixture("clone"), way))
        equal(len(processes), count, "processes with a ledger")
    run.__name__ = f"clone_{way}_has_ledgers"
    case(run)


cloned("shared", 1)
cloned("copied", 2)
cloned("sibling", 2)


@case
def vfork_child_allocates_in_its_parents_heap(tools):
    """Until its exec, which fails once before it succeeds."""
    result = tools.trace(tools.fixture("clone"), "vfork")
    processes = exact_processes(tools, result)
    equal(len(processes), 2, "processes with a ledger")
    equal(tools.json(result.log)["summary"]["processes"], 2, "processes in the log")


@case
def memory_outlives_the_process_that_made_it(tools):
    """A process that shares its parent's memory goes on after it; the status is the parent's."""
    result = tools.trace(tools.fixture("clone"), "outlived")
    equal(result.returncode, 42, f"exit status ({result.stderr})")
    no_warnings(result)
    found = ledgers(result.stdout)
    equal(len(found), 1, f"ledgers in {result.stdout}")
    equal(summary_as_ledger(tools.json(result.log)), found[0], "sums")


@case
def threads_spawn_children(tools):
    """posix_spawn from several threads at once, of programs that exist and that do not."""
    result = tools.trace(tools.fixture("spawn"))
    equal(result.returncode, 0, f"exit status ({result.stderr})")
    no_warnings(result)
    processes = by_process(result.stdout)
    equal(len(processes), 33, "processes with a ledger")
    for pid, wanted in processes.items():
        got = own_sums(tools.json(result.log, f"--process={pid}"))
        equal(got, {key: wanted[key] for key in got}, f"process {pid}")
    equal(tools.json(result.log)["summary"]["processes"], 33, "processes in the log")


@case
def threads_allocate_while_children_are_forked(tools):
    """200 short children; what each of them does is the same and known."""
    result = tools.trace(tools.fixture("fork_threads"))
    equal(result.returncode, 0, f"exit status ({result.stderr})")
    no_warnings(result)
    (parent, wanted), = by_process(result.stdout).items()
    got = own_sums(tools.json(result.log, f"--process={parent}"))
    equal(got, {key: wanted[key] for key in got}, "the parent")
    report = tools.json(result.log, "--group-by=process")
    children = [one for one in report["allocations"] if one["process"] != parent]
    equal(len(children), 200, "children")
    for one in children:
        equal((one["count"], one["total_bytes"], one["leaked_count"], one["leaked_bytes"]),
              (10, sum(range(900, 910)), 1, 900), f"child {one['process']}")
    summary = report["summary"]
    equal(summary["inherited_frees"], 200, "blocks that were freed in a child")
    equal((summary["unknown_frees"], summary["missed_frees"]), (0, 0), "unexplained events")


@case
def call_that_forks_returns_twice(tools):
    """fork() inside an allocation function, and atfork handlers that allocate."""
    result = tools.trace(tools.fixture("fork_in_call"), options=("--allocator=fork_alloc(size)",))
    processes = exact_processes(tools, result)
    equal(len(processes), 3, "processes with a ledger")


@case
def exec_by_a_thread_while_others_allocate(tools):
    """The last of the images is undisturbed and has a ledger."""
    result = tools.trace(tools.fixture("exec_race"))
    equal(result.returncode, 0, f"exit status ({result.stderr})")
    no_warnings(result)
    wanted = ledgers(result.stdout)[0]
    report = tools.json(result.log)
    leaked = own_sums(report)  # the other images' blocks have gone with them
    equal((leaked["leaked_blocks"], leaked["leaked_bytes"]),
          (wanted["leaked_blocks"], wanted["leaked_bytes"]), "blocks alive at the end")
    summary = report["summary"]
    equal(summary["processes"], 8, "images")
    equal((summary["unknown_frees"], summary["missed_frees"]), (0, 0), "unexplained events")


@case
def exec_images_add_up(tools):
    result = tools.trace(tools.fixture("exec"))
    equal(result.returncode, 0, f"exit status ({result.stderr})")
    no_warnings(result)
    processes = by_process(result.stdout)
    equal(len(processes), 3, "processes with a ledger")
    for pid, wanted in processes.items():
        report = tools.json(result.log, f"--process={pid}")
        equal(own_sums(report)["allocations"], wanted["allocations"], f"process {pid}")
        check(report["summary"]["leaked_blocks"] >= 1, f"process {pid} leaks nothing")


@case
def unfollowed_children_are_untouched(tools):
    """Their code is the file's and nobody traces them; the parent's ledger is as if alone."""
    result = tools.trace(tools.fixture("unfollowed"), options=("--follow-fork=no",))
    equal(result.returncode, 0, f"exit status ({result.stderr})")
    no_warnings(result)
    reports = [line for line in result.stdout.decode().splitlines() if "text=" in line]
    wanted = [name + " text=0 tracer=0"
              for name in ("fork", "grandchild", "vfork", "spawn", "spawn")]
    equal(reports, wanted, "what the children see")
    followed = tools.trace(tools.fixture("unfollowed"))
    check(b"fork text=0" not in followed.stdout and b"tracer=0" not in followed.stdout,
          "the fixture does not see that it is traced")
    report = tools.json(result.log)
    equal(report["summary"]["processes"], 1, "processes")
    own, wanted = own_sums(report), ledgers(result.stdout)[0]
    equal(own, {key: wanted[key] for key in own}, "the parent")


@case
def children_of_killed_forks_are_found(tools):
    """Nobody announces a child whose parent is killed in the middle of the fork."""
    result = tools.trace(tools.fixture("fork_killed"), timeout=120)
    equal(result.returncode, 0, f"exit status ({result.stderr})")
    equal(result.stdout, b"all killed\n", "output")
    no_warnings(result)
    summary = tools.json(result.log)["summary"]
    equal(summary["total_allocations"], summary["processes"] - 1 - 150,
          "one allocation in each process but the first and the killed ones")
    equal(summary["unknown_frees"], 0, "unexplained frees")


@case
def children_survive_a_lack_of_descriptors(tools):
    """Children beyond the limit are let go, without breakpoints, and told of once."""
    for limit in range(64, 96, 2):
        log = tools.log()
        result = tools.run("prlimit", f"--nofile={limit}:{limit}", tools.tracer, "-q", "-o", log,
                           "--", tools.fixture("fork_threads"))
        equal(result.returncode, 0, f"exit status ({result.stderr})")
        equal(len(ledgers(result.stdout)), 1, f"ledgers in {result.stdout}")
        children = tools.json(log)["summary"]["processes"] - 1
        if 0 < children < 200:
            break
    check(0 < children < 200, f"{children} children were traced under all limits")
    told = result.stderr.decode().splitlines()
    equal(len(told), 1, f"lines of {told}")
    check(", like others later, is not traced" in told[0], told)


@case
def children_survive_whose_memory_is_out_of_reach(tools):
    """Not dumpable, and the tracer has no privileges: only registers can be changed."""
    if os.geteuid() != 0:
        raise Skip("only root can become another user")
    program = os.path.join(tools.folder, "undumpable")
    tracer = os.path.join(tools.folder, "allocptrace")
    shutil.copy(tools.fixture("undumpable"), program)
    shutil.copy(tools.tracer, tracer)
    os.chmod(tools.folder, 0o755)
    for follow in ("yes", "no"):
        result = tools.run("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", tracer,
                           "-q", "-o", "/dev/null", f"--follow-fork={follow}", "--", program)
        equal(result.returncode, 29, f"exit status ({result.stderr})")
        check(b"is not recorded" in result.stderr, result.stderr)


@case
def detaching_waits_for_no_vfork_parent(tools):
    """It waits in the kernel for its child, which must not wait for the tracer."""
    log = tools.log()
    tracer = subprocess.Popen([tools.tracer, "-q", "-o", log, "--", tools.fixture("vfork_slow")],
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    equal(tracer.stdout.readline(), b"vforked\n", "output")
    tracer.send_signal(signal.SIGTERM)
    time.sleep(0.5)
    output, errors = tracer.communicate(b"x", timeout=60)
    equal((tracer.returncode, errors), (128 + signal.SIGTERM, b""), "exit status and warnings")
    equal(len(ledgers(output)), 1, f"ledgers in {output}")
    equal(tools.json(log)["summary"]["total_allocations"], 20, "allocations until then")


@case
def thread_that_executes_keeps_its_affinity(tools):
    """It is bound to the tracer's core while it is busy, and takes that over into the new image."""
    if len(os.sched_getaffinity(0)) < 2:
        raise Skip("there is only one core")
    log = tools.log()
    tracer = subprocess.Popen([tools.tracer, "-q", "-o", log, "--cpu=share", "--",
                               tools.fixture("exec_busy"), "sh", "-c",
                               "echo $$; exec sleep 300"], stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE)
    sleep = int(tracer.stdout.readline())
    try:
        check(len(os.sched_getaffinity(sleep)) == 1, "the fixture was never bound")
        tracer.send_signal(signal.SIGTERM)
        tracer.wait(60)
        equal(os.sched_getaffinity(sleep), os.sched_getaffinity(0), "affinity after detaching")
    finally:
        os.kill(sleep, signal.SIGKILL)
        tracer.communicate()
