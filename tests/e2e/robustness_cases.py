# SPDX-License-Identifier: MIT
"""Programs that do much at once, or that make tracing hard; what is left behind in a process."""
import os
import re
import signal
import struct
import subprocess
import time

from harness import (Skip, case, check, equal, leak_stacks, ledger, ledgers, need, own_sums,
                     summary_as_ledger)
from process_cases import one_line
from program_cases import against_valgrind

SOURCES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../fixtures")


def line_of(file, text):
    """The number of the only line of a fixture's source that holds text."""
    with open(os.path.join(SOURCES, file), encoding="utf-8") as source:
        found = [number for number, line in enumerate(source, 1) if text in line]
    equal(len(found), 1, f"lines with {text!r} in {file}")
    return found[0]


def state_of(pid):
    with open(f"/proc/{pid}/stat", encoding="utf-8") as stat:
        return stat.read().rsplit(")", 1)[1].split()[0]


def wait_until(condition, what):
    deadline = time.time() + 60
    while not condition():
        check(time.time() < deadline, what)
        time.sleep(0.02)


def code_of(pid):
    """The bytes of each executable mapping that comes from a file."""
    code = {}
    with open(f"/proc/{pid}/maps", encoding="utf-8") as maps, open(f"/proc/{pid}/mem", "rb") as mem:
        for fields in (line.split() for line in maps):
            if "x" in fields[1] and len(fields) > 5 and fields[5].startswith("/"):
                start, end = (int(text, 16) for text in fields[0].split("-"))
                mem.seek(start)
                code[fields[0] + fields[5]] = mem.read(end - start)
    return code


def child_of(process):
    path = f"/proc/{process.pid}/task/{process.pid}/children"

    def children():
        with open(path, encoding="utf-8") as file:
            return file.read().split()
    wait_until(children, "no child was started")
    return int(children()[0])


@case
def threads_signals_and_children_at_once(tools):
    result = tools.trace(tools.fixture("storm"))
    wanted = ledger(result)
    report = tools.json(result.log)
    got = own_sums(report)
    equal(got, {key: wanted[key] for key in got}, "sums")
    summary = report["summary"]
    equal((summary["unknown_frees"], summary["missed_frees"]), (0, 0), "unexplained events")
    check(summary["threads"] >= 47, f"{summary['threads']} threads")


@case
def sandboxed_static_program_is_traced(tools):
    result = tools.trace(tools.fixture("sandbox_static"))
    wanted = ledger(result)
    got = own_sums(tools.json(result.log))
    equal(got, {key: wanted[key] for key in got}, "sums")


@case
def sandboxed_program_is_traced(tools):
    result = tools.trace(tools.fixture("sandbox"))
    equal(summary_as_ledger(tools.json(result.log)), ledger(result), "sums")


@case
def detaching_restores_the_code(tools):
    spin = subprocess.Popen([tools.fixture("spin"), "15", "3"], stdout=subprocess.PIPE)
    wait_until(lambda: len(os.listdir(f"/proc/{spin.pid}/task")) == 3, "no threads")
    before = code_of(spin.pid)
    for _ in range(3):
        result = tools.run(tools.tracer, "-q", "-o", tools.log(), "--duration=0.2", "-p",
                           str(spin.pid))
        equal(result.returncode, 0, f"exit status ({result.stderr})")
        equal(code_of(spin.pid) == before, True, "code is as before")
    equal(spin.communicate(timeout=60)[0], b"spin ended\n", "output of the process")
    equal(spin.returncode, 0, "exit status of the process")


@case
def job_control_works_while_traced(tools):
    tracer = subprocess.Popen([tools.tracer, "-q", "-o", tools.log(), "--", tools.fixture("spin"),
                               "300", "2"], stdout=subprocess.PIPE)
    child = child_of(tracer)
    wait_until(lambda: len(os.listdir(f"/proc/{child}/task")) == 2, "no threads")

    def clock():
        with open(f"/proc/{child}/stat", encoding="utf-8") as stat:
            return sum(int(field) for field in stat.read().rsplit(")", 1)[1].split()[11:13])
    for _ in range(3):
        os.kill(child, signal.SIGSTOP)
        time.sleep(0.3)
        stopped_at = clock()
        time.sleep(0.3)
        equal(clock(), stopped_at, "processor time while stopped")
        os.kill(child, signal.SIGCONT)
        wait_until(lambda at=stopped_at: clock() > at, "SIGCONT did not continue it")
    os.kill(child, signal.SIGTERM)
    tracer.communicate(timeout=60)
    equal(tracer.returncode, 128 + signal.SIGTERM, "exit status")


@case
def stopped_process_can_be_attached_to(tools):
    """It stays stopped; once it is continued, it goes on as if nothing had been."""
    spin = subprocess.Popen([tools.fixture("spin"), "2", "2"], stdout=subprocess.PIPE)
    wait_until(lambda: len(os.listdir(f"/proc/{spin.pid}/task")) == 2, "no threads")
    os.kill(spin.pid, signal.SIGSTOP)
    wait_until(lambda: state_of(spin.pid) == "T", "SIGSTOP did not stop it")
    try:
        result = tools.run(tools.tracer, "-q", "-o", tools.log(), "--duration=0.5", "-p",
                           str(spin.pid))
        equal(result.returncode, 0, f"exit status ({result.stderr})")
        equal(state_of(spin.pid), "T", "state after detaching")
    finally:
        os.kill(spin.pid, signal.SIGCONT)
    equal(spin.communicate(timeout=60)[0], b"spin ended\n", "output")
    equal(spin.returncode, 0, "exit status")


@case
def leak_stacks_have_functions_and_lines(tools):
    result = tools.trace(tools.fixture("basic"))
    ledger(result)
    for stack in leak_stacks(tools, result.log):
        places = [re.fullmatch(r"(\S+) \((?:.*/)?([^/:]+?)(?::(\d+))?\)", line) for line in stack]
        check(all(places), stack)
        own = [place.groups() for place in places if place[2] == "basic.c"]
        equal(own, [("allocate", "basic.c", str(line_of("basic.c", "block = malloc(size);"))),
                    ("leak_some", "basic.c", str(line_of("basic.c", "allocate(1021 + i);"))),
                    ("main", "basic.c", str(line_of("basic.c", "    leak_some();")))], "frames")
        equal(stack[-1].split()[0], "_start", "outermost frame")


@case
def forked_childrens_leaks_are_their_own(tools):
    result = tools.trace(tools.fixture("fork"))
    equal(result.returncode, 0, f"exit status ({result.stderr})")
    got = own_sums(tools.json(result.log))
    for key in ("leaked_blocks", "leaked_bytes"):
        equal(got[key], sum(one[key] for one in ledgers(result.stdout)), key)


@case
def mappings_count_page_by_page(tools):
    """Against a program that maps nothing itself: both have what the dynamic linker maps."""
    with_none, with_some = (
        tools.json(tools.trace(tools.fixture(name), options=("--mmap",)).log)["summary"]
        for name in ("arena", "mmap"))
    page = os.sysconf("SC_PAGESIZE")
    for key, pages in (("mapped_bytes", 30 + 20 + 10 + 50), ("mapped_at_end", 30 + 20 - 5)):
        equal(with_some[key] - with_none[key], pages * page, key)


@case
def rust_counts_as_valgrind(tools):
    against_valgrind(tools, tools.fixture("rust"))


@case
def leaky_counts_as_valgrind(tools):
    against_valgrind(tools, tools.fixture("leaky"))


@case
def stripped_static_program_runs_and_is_named(tools):
    ldconfig = need("/sbin/ldconfig")
    plain = tools.run(ldconfig, "-p")
    result = tools.trace(ldconfig, "-p")
    equal((result.returncode, result.stdout), (plain.returncode, plain.stdout), "what it does")
    one_line(result, 0, "allocptrace", ldconfig, "no symbols")


@case
def thirty_two_bit_program_is_named(tools):
    program = os.path.join(tools.folder, "i386")
    with open(program, "wb") as file:
        # ELFCLASS32, ET_EXEC, EM_386: no more is looked at before it is refused.
        file.write(b"\x7fELF\x01\x01\x01" + bytes(9) + struct.pack("<HH", 2, 3) + bytes(32))
    os.chmod(program, 0o755)
    one_line(tools.trace(program), 126, "allocptrace", program, "32-bit")


@case
def thread_is_not_taken_for_a_process(tools):
    spin = subprocess.Popen([tools.fixture("spin"), "30", "2"], stdout=subprocess.DEVNULL)
    try:
        tasks = f"/proc/{spin.pid}/task"
        wait_until(lambda: len(os.listdir(tasks)) == 2, "no threads")
        thread = max(int(name) for name in os.listdir(tasks))
        result = tools.run(tools.tracer, "-q", "-o", tools.log(), "-p", str(thread))
        one_line(result, 125, "allocptrace", str(thread), f"process, {spin.pid}")
    finally:
        spin.kill()
        spin.wait()


@case
def damaged_logs_end_in_a_status_of_the_contract(tools):
    """Cut off or changed anywhere: 0 or 3 with one line at most, never a crash."""
    with open(tools.trace(tools.fixture("threads")).log, "rb") as log:
        data = log.read()
    damaged = os.path.join(tools.folder, "damaged")
    step = max(len(data) // 60, 1)
    for position in range(1, len(data), step):
        cut = data[:position]
        flipped = bytearray(data)
        flipped[position] ^= 0xff
        for content in (cut, bytes(flipped)):
            with open(damaged, "wb") as file:
                file.write(content)
            result = tools.run(tools.analyzer, "--json", damaged)
            text = result.stderr.decode(errors="replace")
            check(result.returncode in (0, 3), f"offset {position}: {result.returncode}: {text}")
            check(len(text.splitlines()) <= 1, f"offset {position}: {text}")
            equal(bool(result.stdout), result.returncode == 0, f"offset {position}: output")


@case
def reports_that_cannot_be_written_are_errors(tools):
    if not os.path.exists("/dev/full"):
        raise Skip("no /dev/full")
    log = tools.trace(tools.fixture("basic")).log
    for option in ("--json", "--leaks", "--flamegraph", "-v"):
        with open("/dev/full", "wb") as full:
            result = subprocess.run([tools.analyzer, option, log], stdout=full,
                                    stderr=subprocess.PIPE, check=False)
        one_line(result, 3, "allocptrace-analyze", "No space left")
