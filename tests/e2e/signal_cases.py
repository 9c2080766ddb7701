# SPDX-License-Identifier: MIT
"""Signals reach a traced program as they would reach it untraced."""
import subprocess

from harness import case, check, equal, ledger

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


@case
def waiting_calls_end_as_without_a_tracer(tools):
    """While a tracer comes and goes: no EINTR, and no sleep that is shorter."""
    outputs = []
    for attaches in (0, 3):
        with subprocess.Popen([tools.fixture("signals_restart")], stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE) as waiting:
            equal(waiting.stdout.readline(), b"ready\n", "first line")
            for _ in range(attaches):
                result = tools.run(tools.tracer, "-q", "-o", tools.log(), "--duration=0.1", "-p",
                                   str(waiting.pid))
                equal(result.returncode, 0, f"exit status ({result.stderr})")
            output, _ = waiting.communicate(b"\n", timeout=60)
            equal(waiting.returncode, 0, "exit status of the waiting program")
            outputs.append(output)
    check(b"epoll_wait: 1" in outputs[0], outputs[0])
    equal(outputs[1], outputs[0], "how the calls ended")
