# SPDX-License-Identifier: MIT
"""Gates: which exit status a log's numbers lead to, and what is told."""
import os

from harness import case, check, equal


def judged(tools, log, *options):
    """Exit status, standard output and standard error of the analyzer."""
    result = tools.run(tools.analyzer, *options, log)
    return result.returncode, result.stdout.decode(), result.stderr.decode()


@case
def gates_judge_each_number_of_the_log(tools):
    log = tools.trace(tools.fixture("basic")).log
    summary = tools.json(log)["summary"]
    members = {"leaked": "leaked_bytes", "leaked-blocks": "leaked_blocks", "peak": "peak_memory",
               "peak-blocks": "peak_blocks", "allocated": "total_bytes_allocated",
               "allocations": "total_allocations", "reallocations": "total_reallocations",
               "temporary": "temporary_allocations", "failed": "failed_allocations",
               "invalid-frees": "unknown_frees"}
    for name, member in members.items():
        value = summary[member]
        equal(judged(tools, log, f"--fail-if={name} != {value}", "--json")[0], 0, name)
        status, _, told = judged(tools, log, f"--fail-if={name} == {value}", "--json")
        equal(status, 1, name)
        check(f"--fail-if='{name} == {value}': {name} is " in told and f"{value:,}" in told, told)


@case
def every_tripped_gate_is_told_and_reports_are_the_same(tools):
    log = tools.trace(tools.fixture("leaky")).log
    plain = judged(tools, log)
    equal(plain[0], 0, "status without gates")
    status, output, told = judged(tools, log, "--fail-if=leaked>0", "--fail-if=leaked>100G",
                                  "--warn-if=peak>1", "--fail-if=allocations>1e2")
    equal((status, output), (1, plain[1]), "status and report")
    lines = told.splitlines()
    equal(len(lines), 3, f"lines in {told}")
    check("'leaked>0'" in lines[0] and "warning: --warn-if='peak>1'" in lines[1] and
          "'allocations>1e2'" in lines[2], told)
    equal(judged(tools, log, "--warn-if=leaked>0")[0], 0, "status of a warning")


@case
def gates_yield_to_errors_and_judge_what_is_left_of_a_log(tools):
    log = tools.trace(tools.fixture("leaky")).log
    with open(log, "rb") as file:
        data = file.read()
    cut = tools.log()
    with open(cut, "wb") as file:
        file.write(data[:len(data) // 2])
    status, output, told = judged(tools, cut, "--fail-if=allocations>0")
    equal(status, 1, "status for a truncated log")
    check("truncated" in told and "'allocations>0'" in told and "Allocated" in output, told)
    with open(cut, "wb") as file:
        file.write(data[:len(data) // 2] + b"\xff" + data[len(data) // 2:])
    status, output, told = judged(tools, cut, "--fail-if=allocations>0")
    equal((status, output), (3, ""), "status for a corrupt log")
    check("--fail-if" not in told, told)
    equal(judged(tools, os.path.join(tools.folder, "none"), "--fail-if=leaked>0")[0], 3, "no log")
    equal(judged(tools, log, "--fail-if=leaked>0", "--export=folded:/dev/full")[0], 3, "full disk")
    for wrong, accepted in (("leek>0", "leaked-blocks"), ("leaked~0", ">="), ("leaked>x", "100M")):
        for option in ("--fail-if", "--warn-if"):
            status, output, told = judged(tools, log, f"{option}={wrong}")
            equal((status, output), (2, ""), f"{option}={wrong}")
            check(accepted in told and option in told, told)
