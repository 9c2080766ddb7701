# SPDX-License-Identifier: MIT
"""Programs of several processes: each one's heap is its own, and all end as they would untraced."""
import os
import re
import shutil
import signal
import struct
import subprocess
import time

from harness import Skip, case, check, equal, ledgers, need, own_sums, summary_as_ledger
from process_cases import one_line


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


def own_sums_by_process(tools, result, count):
    """What each of count processes allocated itself, with its ledger; nothing was warned of."""
    equal(result.returncode, 0, f"exit status ({result.stderr})")
    no_warnings(result)
    processes = by_process(result.stdout)
    equal(len(processes), count, "processes with a ledger")
    for pid, wanted in processes.items():
        yield pid, own_sums(tools.json(result.log, f"--process={pid}")), wanted


def open_to_all(tools, *paths):
    """Copies in a folder that another user may enter."""
    os.chmod(tools.folder, 0o755)
    copies = [os.path.join(tools.folder, os.path.basename(path)) for path in paths]
    for path, copy in zip(paths, copies):
        shutil.copy(path, copy)
        os.chmod(copy, 0o755)
    return copies


AS_NOBODY = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")


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
    for pid, got, wanted in own_sums_by_process(tools, result, 33):
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
    for pid, got, wanted in own_sums_by_process(tools, result, 3):
        equal(got["allocations"], wanted["allocations"], f"process {pid}")
        check(got["leaked_blocks"] >= 1, f"process {pid} leaks nothing")


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
    log = tools.log()
    result = tools.run("prlimit", "--nofile=64:64", tools.tracer, "-q", "-o", log, "--",
                       tools.fixture("fork_threads"))
    equal(result.returncode, 0, f"exit status ({result.stderr})")
    equal(len(ledgers(result.stdout)), 1, f"ledgers in {result.stdout}")
    children = tools.json(log)["summary"]["processes"] - 1
    check(0 < children < 200, f"{children} children were traced")
    told = result.stderr.decode().splitlines()
    equal(len(told), 1, f"lines of {told}")
    check(", like others later, is not traced" in told[0], told)


@case
def children_survive_whose_memory_is_out_of_reach(tools):
    """Not dumpable, and the tracer has no privileges: only registers can be changed."""
    if os.geteuid() != 0:
        raise Skip("only root can become another user")
    program, tracer = open_to_all(tools, tools.fixture("undumpable"), tools.tracer)
    for follow in ("yes", "no"):
        result = tools.run(*AS_NOBODY, tracer, "-q", "-o", "/dev/null", f"--follow-fork={follow}",
                           "--", program)
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


@case
def set_user_id_works_under_a_root_tracer(tools):
    """And without privileges the tracer says that it does not."""
    if os.geteuid() != 0:
        raise Skip("only root can make a set-user-ID program and run it as another user")
    program, tracer = open_to_all(tools, tools.fixture("ids"), tools.tracer)
    os.chmod(program, 0o4755)
    if b"euid=0" not in tools.run(*AS_NOBODY, program).stdout:
        raise Skip("the set-user-ID bit has no effect in this file system")
    result = tools.trace(*AS_NOBODY, program)
    equal(result.returncode, 0, f"exit status ({result.stderr})")
    no_warnings(result)
    check(b"uid=65534 euid=0\n" in result.stdout, result.stdout)
    wanted = ledgers(result.stdout)[0]
    own = own_sums(tools.json(result.log))
    equal(own, {key: wanted[key] for key in own}, "sums")
    for mode, words in ((0o4755, ()), (0o2755, ()), (0o4755, ("setpriv", "--no-new-privs"))):
        os.chmod(program, mode)
        result = tools.run(*AS_NOBODY, tracer, "-q", "-o", "/dev/null", "--", *words, program)
        equal(result.returncode, 0, f"exit status ({result.stderr})")
        check(b"uid=65534 euid=65534\n" in result.stdout, result.stdout)
        equal(b"CAP_SYS_PTRACE" in result.stderr, not words, f"warning about {mode:o} {words}")


@case
def programs_of_all_kinds_are_executed(tools):
    """Dynamic, static, of another C library, by a #! line: each has its ledger in the log."""
    kinds = {}
    for name in ("basic", "basic_static", "basic_static_pie", "basic_musl", "basic_musl_static"):
        try:
            kinds[name] = tools.fixture(name)
        except Skip:
            pass
    check(len(kinds) >= 3, f"only {list(kinds)} were built")
    script = os.path.join(tools.folder, "script")
    with open(script, "w", encoding="utf-8") as file:
        file.write(f"#!/usr/bin/env {kinds['basic_static']}\n")
    os.chmod(script, 0o755)
    result = tools.trace("sh", "-c", "; ".join(list(kinds.values()) + [script]))
    equal(result.returncode, 0, f"exit status ({result.stderr})")
    no_warnings(result)
    found = ledgers(result.stdout)
    equal(len(found), len(kinds) + 1, f"ledgers in {result.stdout}")
    processes = {}
    for site in tools.json(result.log, "--group-by=process")["allocations"]:
        name = os.path.basename(site["executable"]).removeprefix("fixture_")
        processes.setdefault(name, []).append(site["process"])
    for name in kinds:
        pids = processes[name]
        equal(len(pids), 2 if name == "basic_static" else 1, f"processes of {name}")
        for pid in pids:
            own = own_sums(tools.json(result.log, f"--process={pid}"))
            equal(own, {key: found[0][key] for key in own}, f"{name}, process {pid}")


def program_of_32_bits(path, program):
    """Forks; the child executes program and the parent waits for it and exits with 7."""
    start = 0x8048000
    code_at = 52 + 32
    text = program.encode() + b"\0"

    def build(name, words):
        return (b"\xb8\2\0\0\0\xcd\x80\x85\xc0\x75\x24"                # fork; jump if parent
                + b"\xb8\x0b\0\0\0\xbb" + struct.pack("<I", name)       # execve(name,
                + b"\xb9" + struct.pack("<I", words) + b"\xba\0\0\0\0"   # words, NULL)
                + b"\xcd\x80\xb8\1\0\0\0\xbb\1\0\0\0\xcd\x80"           # _exit(1)
                + b"\xb8\7\0\0\0\xbb\xff\xff\xff\xff\x31\xc9\x31\xd2\xcd\x80"  # waitpid(-1, 0, 0)
                + b"\xb8\1\0\0\0\xbb\7\0\0\0\xcd\x80")                  # _exit(7)
    name = start + code_at + len(build(0, 0))
    words = name + len(text)
    image = build(name, words) + text + struct.pack("<II", name, 0)
    size = code_at + len(image)
    header = b"\x7fELF\1\1\1" + bytes(9) + struct.pack(
        "<HHIIIIIHHHHHH", 2, 3, 1, start + code_at, 52, 0, 0, 52, 32, 1, 0, 0, 0)
    segment = struct.pack("<IIIIIIII", 1, 0, start, start, size, size, 5, 0x1000)
    with open(path, "wb") as file:
        file.write(header + segment + image)
    os.chmod(path, 0o755)


@case
def program_of_32_bits_is_a_link_between_others(tools):
    """It is not traced itself, which is said; the program that its child executes is."""
    small = os.path.join(tools.folder, "small")
    program_of_32_bits(small, tools.fixture("basic"))
    try:
        plain = tools.run(small)
    except OSError as error:
        raise Skip("the kernel executes no 32-bit programs") from error
    equal((plain.returncode, len(ledgers(plain.stdout))), (7, 1), "untraced")
    result = tools.trace("sh", "-c", f"{small}; exit $?")
    equal((result.returncode, result.stdout), (7, plain.stdout), "status and output")
    told = result.stderr.decode().splitlines()
    equal(len(told), 1, f"lines of {told}")
    check(small in told[0] and "another architecture" in told[0], told)
    wanted = ledgers(result.stdout)[0]
    own = own_sums(tools.json(result.log))
    equal(own, {key: wanted[key] for key in own}, "sums")
    result = tools.trace("sh", "-c", f"{small}; exit $?", options=("--follow-fork=no",))
    equal((result.returncode, result.stdout, result.stderr), (7, plain.stdout, b""), "not followed")


@case
def daemon_is_traced_until_it_ends(tools):
    """The status is that of the program that was started."""
    end = os.path.join(tools.folder, "end")
    tracer = subprocess.Popen([tools.tracer, "-q", "-o", tools.log(), "--",
                               tools.fixture("daemon"), end], stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE)
    first = ledgers(tracer.stdout.readline())[0]
    time.sleep(0.5)
    equal(tracer.poll(), None, "status while the daemon runs")
    open(end, "wb").close()
    equal((tracer.wait(60), tracer.stderr.read()), (3, b""), "status and warnings")
    with open(end, "rb") as file:
        output = file.read()
    second = ledgers(output)[0]
    check(b"daemon text=0" not in output, "the daemon was not traced to its end")
    for wanted in (first, second):
        report = tools.json(tracer.args[3], f"--process={wanted.pop('process')}")
        own = own_sums(report)
        equal(own, {key: wanted[key] for key in own}, "sums")


@case
def interrupt_detaches_from_a_daemon(tools):
    """Ctrl-C is for the program while it runs, and then for the tracer."""
    end = os.path.join(tools.folder, "end")
    tracer = subprocess.Popen([tools.tracer, "-o", tools.log(), "--", tools.fixture("daemon"), end],
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    tracer.stdout.readline()
    told = tracer.stderr.readline().decode()
    check("Ctrl-C" in told, told)
    tracer.send_signal(signal.SIGINT)
    equal(tracer.wait(60), 3, f"exit status ({tracer.stderr.read()})")
    open(end, "wb").close()
    deadline = time.time() + 60
    output = b""
    while b"daemon" not in output:
        check(time.time() < deadline, f"the daemon is gone: {output}")
        with open(end, "rb") as file:
            output = file.read()
    check(b"daemon text=0 tracer=0\n" in output, output)


@case
def unreadable_program_is_a_link_between_others(tools):
    """Without privileges the memory of one that may only be executed is out of reach. What its
    children execute is traced."""
    if os.geteuid() != 0:
        raise Skip("only root can become another user")
    shell, program, tracer = open_to_all(tools, need("dash"), tools.fixture("basic"), tools.tracer)
    os.chmod(shell, 0o711)
    folder = os.path.join(tools.folder, "of-nobody")
    os.mkdir(folder)
    os.chmod(folder, 0o777)
    log = os.path.join(folder, "log")
    for follow, told, traced in (("yes", 1, 1), ("no", 1, 0)):
        result = tools.run(*AS_NOBODY, tracer, "-q", "-o", log, f"--follow-fork={follow}", "--",
                           shell, "-c", f"kill -WINCH $$; {program}; exit 3")
        equal(result.returncode, 3, f"exit status ({result.stderr})")
        lines = result.stderr.decode().splitlines()
        equal(len(lines), told, f"lines of {lines}")
        check("cannot open the memory" in lines[0], lines)
        wanted = ledgers(result.stdout)[0]
        report = tools.json(log)
        equal(report["summary"]["processes"], traced, "processes")
        own = own_sums(report)
        equal(own, {key: wanted[key] * traced for key in own}, "sums")
        os.unlink(log)


@case
def untraced_child_of_an_attached_process_survives(tools):
    """It has a copy of the breakpoints, and of what takes a process past them without a tracer."""
    shell = subprocess.Popen(["sh", "-c", f"read x; exec {tools.fixture('clone')} untraced"],
                             stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    log = tools.log()
    tracer = subprocess.Popen([tools.tracer, "-q", "-o", log, "-p", str(shell.pid)],
                              stderr=subprocess.PIPE)
    deadline = time.time() + 60
    while not os.path.exists(log) or os.path.getsize(log) < 300:
        check(time.time() < deadline and tracer.poll() is None, "the tracer did not attach")
        time.sleep(0.1)
    output, _ = shell.communicate(b"\n", timeout=60)
    equal((tracer.wait(60), tracer.stderr.read()), (0, b""), "status and warnings of the tracer")
    equal(shell.returncode, 0, "exit status: that of the child is in it")
    child, parent = by_process(output).items()
    equal(tools.json(log, f"--process={parent[0]}")["summary"]["leaked_bytes"],
          parent[1]["leaked_bytes"], "what the parent leaks")
    check(child[1]["allocations"] > 200, output)


@case
def reports_can_be_about_one_process(tools):
    result = tools.trace(tools.fixture("fork"))
    processes = by_process(result.stdout)
    parent = tools.json(result.log)["processes"][0]["process"]
    child = min(pid for pid in processes if pid != parent)
    option = f"--process={child}"
    leaks = tools.analyze(result.log, "--leaks", option)
    check(leaks.startswith("431 bytes in 1 block"), leaks)
    folded = tools.analyze(result.log, "--flamegraph", option)
    equal(sum(int(line.rsplit(" ", 1)[1]) for line in folded.splitlines()),
          processes[child]["bytes"], "weights of the folded stacks")
    summary = tools.analyze(result.log, option)
    check(re.search(rf"^Process +{child}  \S*fixture_fork$", summary, re.M), summary)
    check("in 11 allocations" in summary, summary)
    wrong = tools.run(tools.analyzer, "--process=1", result.log)
    one_line(wrong, 2, "allocptrace-analyze", "no process 1", f"{child} (fixture_fork)")


@case
def process_that_executes_programs_is_all_of_them(tools):
    result = tools.trace(tools.fixture("exec"))
    listed = tools.json(result.log)["processes"]
    first = listed[0]["process"]
    origins = [one["origin"] for one in listed if one["process"] == first]
    equal(origins, ["launch", "exec", "exec"], "programs of the first process")
    check(all(one["parent"] == first for one in listed[1:]), listed)
    summary = tools.analyze(result.log, f"--process={first}")
    check("(3 programs, summed up)" in summary, summary)
    wrong = tools.run(tools.analyzer, "--process=1", result.log)
    equal(wrong.stderr.count(b"(fixture_exec)"), 3, f"processes in {wrong.stderr}")


@case
def forking_process_is_attached_to_and_left(tools):
    """At any moment: in forks, and on the way to SIGCHLD's handler. Its children, each of which it
    waits for, are in all states of being followed."""
    forking = subprocess.Popen([tools.fixture("fork_threads"), "1000000"],
                               stdout=subprocess.DEVNULL)
    try:
        for number in range(12):
            follow = "--follow-fork=" + ("no" if number % 4 == 3 else "yes")
            result = tools.run(tools.tracer, "-q", "-o", tools.log(), "--duration=0.05", follow,
                               "-p", str(forking.pid))
            equal((result.returncode, result.stderr), (0, b""), f"status in round {number}")
        equal(forking.poll(), None, "exit status of the process")
        with open(f"/proc/{forking.pid}/status", encoding="utf-8") as file:
            check("TracerPid:\t0\n" in file.read(), "it is still traced")
    finally:
        forking.kill()
        forking.wait()
