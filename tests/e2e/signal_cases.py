# SPDX-License-Identifier: MIT
"""Signals reach a traced program as they would reach it untraced."""
from harness import case, check, equal

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
