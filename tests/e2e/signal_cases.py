# SPDX-License-Identifier: MIT
"""Signals reach a traced program as they would reach it untraced."""
import os
import pty
import select
import signal
import subprocess
import time

from harness import case, check, equal, ledger, need

STEPPED = "--allocator=stepped_alloc(size)"


def same_as_untraced(tools, fixture, *options, arguments=()):
    program = tools.fixture(fixture)
    plain = tools.run(program, *arguments)
    result = tools.trace(program, *arguments, options=options)
    equal((result.returncode, result.stdout.decode()), (plain.returncode, plain.stdout.decode()),
          f"what it prints ({result.stderr})")
    return result


@case
def queued_signals_keep_order_and_siginfo(tools):
    same_as_untraced(tools, "signals_queued")


@case
def signals_wait_for_a_single_step(tools):
    result = same_as_untraced(tools, "signals_queued", STEPPED, "--stats")
    check(b"single_steps 0\n" not in result.stderr, result.stderr)


FAULTING = ("read_alloc(size)", "second_alloc(size)", "divide_alloc(size)", "call_alloc(size)",
            "pointer_alloc(size)", "undefined_alloc(size)", "read_free=free")


@case
def handlers_see_the_programs_own_instructions(tools):
    """And calls that a handler or a fault interrupts at their first instruction count once."""
    program = tools.fixture("signals_place")
    plain = tools.run(program)
    result = tools.trace(program, options=[f"--allocator={spec}" for spec in FAULTING])
    texts = [run.stdout.decode().partition("ledger")[0] for run in (plain, result)]
    equal(texts[1], texts[0], "what handlers saw")
    wanted = ledger(result)
    summary = tools.json(result.log)["summary"]
    equal(summary["unknown_frees"], 0, "frees of no block")
    equal(summary["total_deallocations"], wanted["frees"], "frees")
    # The faulting functions return 1 or 7.
    equal(summary["total_allocations"], wanted["allocations"] + 6 * 20, "allocations")


def how_calls_end(tools, logs=(), options=("--duration=0.1",)):
    """What the program says of its waiting calls after a tracer has come and gone for each log."""
    with subprocess.Popen([tools.fixture("signals_restart")], stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE) as waiting:
        equal(waiting.stdout.readline(), b"ready\n", "first line")
        for log in logs:
            result = tools.run(tools.tracer, "-q", "-o", log, *options, "-p", str(waiting.pid))
            equal(result.returncode, 0, f"exit status ({result.stderr})")
        output, _ = waiting.communicate(b"\n", timeout=60)
        equal(waiting.returncode, 0, "exit status of the waiting program")
    check(b"epoll_wait: 1" in output, output)
    return output


@case
def waiting_calls_end_as_without_a_tracer(tools):
    """While a tracer comes and goes: no EINTR, and no sleep that is shorter."""
    equal(how_calls_end(tools, [tools.log() for _ in range(3)]), how_calls_end(tools),
          "how the calls ended")


@case
def parents_are_told_of_stops_as_without_a_tracer(tools):
    same_as_untraced(tools, "signals_parent")


@case
def untraced_parent_is_told_of_stops_while_its_child_is_attached_to(tools):
    child = subprocess.Popen([tools.fixture("spin"), "300", "2"])
    tracer = subprocess.Popen([tools.tracer, "-q", "-o", tools.log(), "-p", str(child.pid)],
                              stderr=subprocess.PIPE)
    try:
        deadline = time.monotonic() + 60
        while not traced(child.pid):
            check(time.monotonic() < deadline, "it was not attached to")
            time.sleep(0.05)
        for _ in range(5):
            os.kill(child.pid, signal.SIGSTOP)
            _, status = os.waitpid(child.pid, os.WUNTRACED)
            check(os.WIFSTOPPED(status) and os.WSTOPSIG(status) == signal.SIGSTOP, status)
            os.kill(child.pid, signal.SIGCONT)
            _, status = os.waitpid(child.pid, os.WCONTINUED)
            check(os.WIFCONTINUED(status), status)
        tracer.send_signal(signal.SIGINT)
        equal(tracer.wait(60), 0, f"exit status ({tracer.stderr.read()})")
        child.terminate()
        equal(child.wait(60), -signal.SIGTERM, "status of the child")
    finally:
        child.kill()
        tracer.kill()
        child.wait()
        tracer.wait()


def traced(pid):
    with open(f"/proc/{pid}/status", encoding="utf-8") as status:
        return "TracerPid:\t0\n" not in status.read()


class Shell:
    """An interactive bash with a terminal of its own."""

    def __init__(self, folder):
        self.pid, self.terminal = pty.fork()
        if self.pid == 0:
            os.chdir(folder)
            os.environ["PS1"] = "$ "
            os.execvp("bash", ["bash", "--norc", "--noprofile", "-i"])
        self.output = ""

    def type(self, text):
        os.write(self.terminal, text.encode())

    def expect(self, text):
        """Reads on until text comes; what came before it."""
        deadline = time.monotonic() + 60
        while text not in self.output:
            check(time.monotonic() < deadline, f"no {text!r} in {self.output!r}")
            if select.select([self.terminal], [], [], 0.2)[0]:
                self.output += os.read(self.terminal, 4096).decode(errors="replace")
        before, self.output = self.output.split(text, 1)
        return before

    def close(self):
        os.kill(self.pid, signal.SIGKILL)
        os.close(self.terminal)
        os.waitpid(self.pid, 0)


@case
def keys_in_a_shell_stop_and_end_a_traced_program(tools):
    """Ctrl-Z, fg and Ctrl-C."""
    need("bash")
    shell = Shell(tools.folder)
    try:
        for _ in range(2):
            shell.type(f"{tools.tracer} -q -o log.cbor -- {tools.fixture('spin')} 300 2; "
                       "echo \"status=$?\"\n")
            time.sleep(1)
            shell.type("\x1a")
            shell.expect("Stopped")
            shell.type("jobs\n")
            shell.expect("Stopped")
            shell.type("fg; echo \"ended=$?\"\n")
            time.sleep(1)
            shell.type("\x03")
            shell.expect(f"ended={128 + signal.SIGINT}")
        shell.type("jobs; echo none=$?\n")
        check("spin" not in shell.expect("none=0").replace("none=$?", ""), "a job is left")
    finally:
        shell.close()
    check(tools.json(os.path.join(tools.folder, "log.cbor"))["summary"]["total_allocations"] > 0,
          "nothing was recorded")
