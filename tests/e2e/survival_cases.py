# SPDX-License-Identifier: MIT
"""What a target is after a tracer that was killed, or that used SIGTRAP as the target does, too."""
import os
import random
import signal
import subprocess
import time

from harness import case, check, equal


def wait_until(condition, what):
    deadline = time.time() + 60
    while not condition():
        check(time.time() < deadline, what)
        time.sleep(0.02)


def status_of(pid, name):
    with open(f"/proc/{pid}/status", encoding="utf-8") as status:
        return next(line for line in status if line.startswith(name + ":")).split()[1]


def catches(pid, number):
    return int(status_of(pid, "SigCgt"), 16) >> (number - 1) & 1


def foreign_bytes(pid):
    """How many bytes of the process's code are not those of its files."""
    count = 0
    with open(f"/proc/{pid}/maps", encoding="utf-8") as maps, \
            open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:
        for line in maps:
            words = line.split(maxsplit=5)
            if len(words) < 6 or "x" not in words[1] or not words[5].startswith("/"):
                continue
            start, end = (int(word, 16) for word in words[0].split("-"))
            memory.seek(start)
            mapped = memory.read(end - start)
            with open(words[5].strip(), "rb") as file:
                file.seek(int(words[2], 16))
                of_file = file.read(end - start)
            if mapped != of_file:
                count += sum(a != b for a, b in zip(mapped, of_file))
    return count


def attach(tools, pid, *options, log=None):
    return subprocess.Popen([tools.tracer, "-q", *options, "-o", log or tools.log(), "-p", str(pid)],
                            stderr=subprocess.PIPE)


def traced(pid, by):
    return status_of(pid, "TracerPid") == str(by.pid)


def wait_for_breakpoints(pid, tracer):
    # Before the first one is set, a call that is made for us takes four bytes for a moment.
    wait_until(lambda: foreign_bytes(pid) > 4 or tracer.poll() is not None, "no breakpoint was set")
    equal(tracer.poll(), None, "the tracer's exit status")


def is_clean(pid):
    return status_of(pid, "TracerPid") == "0" and not foreign_bytes(pid) and \
        not catches(pid, signal.SIGTRAP)


def affinities(pid):
    return [os.sched_getaffinity(int(thread)) for thread in os.listdir(f"/proc/{pid}/task")]


@case
def killed_tracer_spares_the_target(tools):
    """At any moment: while it attaches, sets breakpoints, traces."""
    spin = subprocess.Popen([tools.fixture("spin"), "100000", "3"])
    try:
        wait_until(lambda: len(os.listdir(f"/proc/{spin.pid}/task")) == 3, "no threads")
        before = affinities(spin.pid)
        for i in range(50):
            tracer = attach(tools, spin.pid)
            if i % 2:
                wait_for_breakpoints(spin.pid, tracer)
            time.sleep(random.random() * 0.1)
            tracer.kill()
            tracer.wait()
            tracer.stderr.read()  # to its end: the guardian has ended, too
            equal(spin.poll(), None, f"the target's status after kill {i}")
            wait_until(lambda: is_clean(spin.pid), "our bytes are still there")
            check(status_of(spin.pid, "State") in "RS", "the target was left stopped")
        equal(affinities(spin.pid), before, "the processors that its threads may use")
    finally:
        spin.kill()
        spin.wait()


@case
def target_survives_without_the_guardian(tools):
    """Both are killed: the target goes on, more slowly, and the next tracer clears that away."""
    spin = subprocess.Popen([tools.fixture("spin"), "100000", "3"])
    try:
        for _ in range(3):
            tracer = attach(tools, spin.pid)
            wait_for_breakpoints(spin.pid, tracer)
            with open(f"/proc/{tracer.pid}/task/{tracer.pid}/children", encoding="utf-8") as file:
                guardian = int(file.read().split()[0])
            os.kill(guardian, signal.SIGKILL)
            tracer.kill()
            tracer.wait()
            time.sleep(0.5)
            equal(spin.poll(), None, "the target's status")
            check(foreign_bytes(spin.pid), "somebody has put the code back")
            log = tools.log()
            result = tools.run(tools.tracer, "--stats", "-o", log, "--duration=0.5", "-p",
                               str(spin.pid))
            equal(result.returncode, 0, f"exit status ({result.stderr})")
            check(b"text_bytes_differing 0\n" in result.stderr, result.stderr)
            check(is_clean(spin.pid), "our bytes are still there")
            check(tools.json(log)["summary"]["total_allocations"] > 50, "little was seen")
            equal(spin.poll(), None, "the target's status")
    finally:
        spin.kill()
        spin.wait()


@case
def what_was_recorded_before_the_kill_is_readable(tools):
    spin = subprocess.Popen([tools.fixture("spin"), "100000", "2"])
    log = tools.log()
    try:
        tracer = attach(tools, spin.pid, log=log)
        wait_for_breakpoints(spin.pid, tracer)
        time.sleep(1.5)
        tracer.kill()
        tracer.wait()
        told = tracer.stderr.read().decode()
        check(f"process {spin.pid} goes on" in told, told)
    finally:
        spin.kill()
        spin.wait()
    result = tools.run(tools.analyzer, "--json", log)
    equal(result.returncode, 0, f"exit status ({result.stderr})")
    check(b'"total_allocations": 0' not in result.stdout, "nothing was recorded")


@case
def own_use_of_sigtrap_is_as_without_a_tracer(tools):
    for mode, wanted in (("handled", 0), ("only", 0), ("ignored", 0), ("default", -5)):
        program = tools.fixture("trap_state")
        alone = tools.run(program, mode, stdin=None, input=b"\n")
        equal(alone.returncode, wanted, f"{mode}, without a tracer")
        launched = tools.run(tools.tracer, "-q", "-o", tools.log(), "--", program, mode,
                             stdin=None, input=b"\n")
        equal(launched.returncode, wanted if wanted >= 0 else 128 - wanted,
              f"{mode}, launched: {launched.stderr}")
        process = subprocess.Popen([program, mode], stdin=subprocess.PIPE)
        tracer = attach(tools, process.pid)
        wait_for_breakpoints(process.pid, tracer)
        process.communicate(b"\n", timeout=60)
        equal(process.returncode, wanted, f"{mode}, attached to")
        equal(tracer.wait(60), 0, f"{mode}: exit status of the tracer: {tracer.stderr.read()}")


@case
def own_handler_outlives_the_tracer(tools):
    process = subprocess.Popen([tools.fixture("trap_state"), "serve"], stdin=subprocess.PIPE,
                               stdout=subprocess.PIPE)

    def serve():
        process.stdin.write(b"\n")
        process.stdin.flush()
        equal(process.stdout.readline(), b"served\n", "answer")

    serve()
    tracer = attach(tools, process.pid)
    wait_for_breakpoints(process.pid, tracer)
    serve()
    tracer.kill()
    serve()
    tracer.wait()
    tracer.stderr.read()
    serve()
    tracer = attach(tools, process.pid)
    wait_for_breakpoints(process.pid, tracer)
    serve()
    tracer.send_signal(signal.SIGINT)
    equal(tracer.wait(60), 0, f"exit status ({tracer.stderr.read()})")
    serve()
    check(catches(process.pid, signal.SIGTRAP), "its handler is gone")
    equal(foreign_bytes(process.pid), 0, "bytes of ours")
    process.communicate(timeout=60)
    equal(process.returncode, 0, "exit status")


@case
def signals_to_the_tracer_end_the_tracing(tools):
    spin = subprocess.Popen([tools.fixture("spin"), "100000", "3"])
    try:
        for numbers in ((signal.SIGINT,), (signal.SIGTERM,), (signal.SIGHUP,),
                        (signal.SIGINT, signal.SIGINT, signal.SIGINT)):
            tracer = attach(tools, spin.pid, "--stats")
            wait_for_breakpoints(spin.pid, tracer)
            for number in numbers:
                tracer.send_signal(number)
            text = tracer.stderr.read()
            equal(tracer.wait(60), 0, f"exit status after {numbers}: {text}")
            check(b"text_bytes_differing 0\n" in text, text)
            check(is_clean(spin.pid), f"our bytes are still there after {numbers}")
            equal(spin.poll(), None, "the target's status")
    finally:
        spin.kill()
        spin.wait()
