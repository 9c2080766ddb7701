# SPDX-License-Identifier: MIT
"""--export=heaptrack, against what heaptrack_print makes of the file."""
import gzip
import os
import re
import resource
import signal
import subprocess

from harness import case, check, equal, need

# What heaptrack_print can weigh stacks by, without rounding, and --json's name for the sum.
COSTS = {"allocations": "total_allocations", "temporary": "temporary_allocations",
         "leaked": "leaked_bytes", "peak": "peak_memory"}


def printed(tools, path, *options):
    result = tools.run(need("heaptrack_print"), path, "--disable-builtin-suppressions", *options)
    equal((result.returncode, result.stderr), (0, b""), f"heaptrack_print {path}")
    return result.stdout.decode(errors="replace")


def stacks(tools, path, cost):
    """The stacks of a heaptrack file with their costs, outermost first."""
    out = tools.log(".folded")
    printed(tools, path, "-a0", "-p0", "-T0", f"--flamegraph-cost-type={cost}", "-F", out)
    with open(out, encoding="utf-8") as file:
        return [(line.rsplit(" ", 1)[0], int(line.rsplit(" ", 1)[1])) for line in file]


def export(tools, log, *options, ending=".heaptrack"):
    path = tools.log(ending)
    return path, tools.json(log, f"--export=heaptrack:{path}", "--no-builtin-suppressions",
                            *options)["summary"]


def check_totals(tools, log, *options):
    path, summary = export(tools, log, *options)
    for cost, name in COSTS.items():
        equal(sum(number for _, number in stacks(tools, path, cost)), summary[name], name)
    text = printed(tools, path)
    for pattern, name in (("calls to allocation functions: (\\d+) ", "total_allocations"),
                          ("temporary memory allocations: (\\d+) ", "temporary_allocations")):
        equal(int(re.search(pattern, text).group(1)), summary[name], name)
    return path, text


@case
def heaptrack_print_shows_the_totals_of_the_log(tools):
    for name in ("basic", "realloc", "leaky", "new_delete", "zero"):
        check_totals(tools, tools.trace(tools.fixture(name)).log)
    log = tools.trace(tools.fixture("leaky")).log
    path, text = check_totals(tools, log)
    check(f"Debuggee command was: {tools.fixture('leaky')}\n" in text, text)
    last = re.search(r"\nc ([0-9a-f]+)\n$", open(path, encoding="utf-8").read()).group(1)
    seconds = (int(last, 16) + 1) / 1000
    check(f"total runtime: {seconds:.2f}" in text, f"{seconds} s in {text}")
    check(any("serve" in stack and stack.rstrip(";").endswith("copy_text (leaky.c)")
              for stack, _ in stacks(tools, path, "leaked")), "stacks end with the site")


@case
def heaptrack_export_counts_threads_and_processes_as_one(tools):
    for name in ("threads", "thread_churn", "fork", "fork_threads", "spawn", "exec"):
        check_totals(tools, tools.trace(tools.fixture(name)).log)
    # The reader looks for a new peak at allocations only, and a child's may be at its fork.
    log = tools.trace(tools.fixture("fork")).log
    check_totals(tools, log, f"--process={tools.json(log)['processes'][0]['process']}")


@case
def heaptrack_export_of_parts_and_of_logs_without_times(tools):
    check_totals(tools, tools.trace(tools.fixture("leaky")).log, "--from=0.1", "--to=0.3")
    log = tools.trace(tools.fixture("leaky"), options=["--no-timestamps"]).log
    path, _ = check_totals(tools, log)
    with open(path, encoding="utf-8") as file:
        last = file.read().splitlines()[-1]
    equal(last, f"c {tools.json(log)['summary']['events']:x}", "the last time is the last event's")


@case
def heaptrack_export_is_compressed_as_its_name_says(tools):
    log = tools.trace(tools.fixture("leaky")).log
    with open(export(tools, log)[0], "rb") as file:
        plain = file.read()
    packed, _ = export(tools, log, ending=".gz")
    with gzip.open(packed) as file:
        equal(file.read() == plain, True, "what is in the gzip file")
    zst, _ = export(tools, log, ending=".zst")
    equal(tools.run(need("zstd"), "-dc", zst).stdout == plain, True, "what is in the zstd file")
    for path in (packed, zst):
        check(os.path.getsize(path) < len(plain) / 4, f"{path} is compressed")
        check("calls to allocation functions: " in printed(tools, path), path)


@case
def heaptrack_export_tells_of_disks_that_are_full(tools):
    log = tools.trace(tools.fixture("leaky")).log
    for kind in ("dhat", "massif", "heaptrack"):
        result = tools.run(tools.analyzer, f"--export={kind}:/dev/full", log)
        equal(result.returncode, 3, f"{kind}: status")
        check(b"/dev/full: No space left on device" in result.stderr, result.stderr)
    wanted = f"--export=heaptrack:{tools.log()}"
    result = tools.run(tools.analyzer, wanted, log, env={**os.environ, "TMPDIR": "/nonexistent"})
    equal(result.returncode, 3, "status without a folder for temporary files")
    check(b"cannot make a temporary file in /nonexistent: No such" in result.stderr, result.stderr)

    def limit_files():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (65536, 65536))

    result = subprocess.run([tools.analyzer, wanted, log], capture_output=True, timeout=60,
                            preexec_fn=limit_files, restore_signals=False, check=False,
                            env={**os.environ, "TMPDIR": tools.folder})
    equal(result.returncode, 3, "status")
    told = f"cannot use a temporary file in {tools.folder}: File too large"
    check(told.encode() in result.stderr, result.stderr)
