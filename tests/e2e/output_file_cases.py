# SPDX-License-Identifier: MIT
"""Files that reports are written to: none takes the place of a log."""
import os

from harness import case, check, equal


def contents(path):
    with open(path, "rb") as file:
        return file.read()


def refused(tools, log, *words):
    """The command line is refused, names the log, and leaves it as it was."""
    before = contents(log)
    result = tools.run(tools.analyzer, *words)
    equal((result.returncode, result.stdout), (2, b""), f"{words}")
    check(b"would replace the log " + log.encode() in result.stderr, result.stderr)
    equal(contents(log), before, f"the log after {words}")


@case
def no_report_replaces_a_log(tools):
    log = tools.trace(tools.fixture("basic")).log
    other = tools.trace(tools.fixture("basic")).log
    for option in ("--save=", "--export=pprof:", "--timeline=", "--view=sizes:"):
        refused(tools, log, option + log, log)
        refused(tools, log, option + os.path.relpath(log), other, log)
        refused(tools, log, option + log, "--compare=" + log, other)


@case
def a_saved_baseline_is_replaced_by_what_was_compared_with_it(tools):
    log = tools.trace(tools.fixture("basic")).log
    base = os.path.join(tools.folder, "base.json")
    tools.analyze(log, "--save=" + base, "--limit=1")
    before = contents(base)
    tools.analyze(log, "--save=" + base, "--compare=" + base)
    check(contents(base) != before, "not replaced")


@case
def a_link_to_the_log_keeps_its_own_message(tools):
    log = tools.trace(tools.fixture("basic")).log
    link = os.path.join(tools.folder, "link")
    os.symlink(log, link)
    result = tools.run(tools.analyzer, "--save=" + link, log)
    equal(result.returncode, 3, "status")
    check(b"symbolic link" in result.stderr, result.stderr)
