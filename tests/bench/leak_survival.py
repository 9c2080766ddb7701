#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""leak_survival.py BUILD_FOLDER [ROUNDS [LAUNCHED]]: tracers that are killed at random moments of leak
checks. ROUNDS of them have been attached to a busy program of four threads, which forks children all
the time; LAUNCHED have started it. Prints what became of the programs and of the logs."""
import collections
import os
import shutil
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../e2e"))
from harness import Tools  # noqa: E402
from leak_survival_cases import (MOMENTS, attached_round, become_reaper,  # noqa: E402
                                 launched_round)

BUILD = sys.argv[1]
ROUNDS = int(sys.argv[2]) if len(sys.argv) > 2 else 200
LAUNCHED = int(sys.argv[3]) if len(sys.argv) > 3 else ROUNDS


def rounds(what, count, make):
    counts = collections.Counter()
    failed = 0
    start = time.monotonic()
    for i in range(count):
        try:
            make(i, counts)
        except (AssertionError, subprocess.TimeoutExpired) as error:
            failed += 1
            print(f"{what} {i}: {error}", flush=True)
    print(f"{what}: {failed} of {count} failed in {time.monotonic() - start:.0f} s; " +
          ", ".join(f"{name} {number}" for name, number in counts.items()), flush=True)
    return failed


def main():
    tools = Tools(os.path.join(BUILD, "tracer/allocptrace"),
                  os.path.join(BUILD, "output/analyze/allocptrace-analyze"),
                  os.path.join(BUILD, "fixtures"))
    become_reaper()
    try:
        failed = rounds("attached", ROUNDS, lambda i, counts: attached_round(
            tools, MOMENTS[i % len(MOMENTS)], counts))
        failed += rounds("launched", LAUNCHED, lambda i, counts: launched_round(tools, counts))
    finally:
        shutil.rmtree(tools.folder)
    return failed != 0


sys.exit(main())
