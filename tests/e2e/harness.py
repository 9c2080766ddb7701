# SPDX-License-Identifier: MIT
"""What the end-to-end tests share: running a program under the tracer, reading the log with the
analyzer, and the program's own ledger."""
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

CASES = {}
SKIPPED = 77  # CTest's SKIP_RETURN_CODE
TIMEOUT = 300


class Skip(Exception):
    pass


def case(function):
    CASES[function.__name__] = function
    return function


def need(*programs):
    """The paths of programs that a case cannot do without."""
    paths = [shutil.which(program) for program in programs]
    if None in paths:
        raise Skip(f"{programs[paths.index(None)]} is not installed")
    return paths[0] if len(paths) == 1 else paths


class Tools:
    def __init__(self, tracer, analyzer, fixtures):
        self.tracer, self.analyzer, self.fixtures = tracer, analyzer, fixtures
        self.folder = tempfile.mkdtemp(prefix="allocptrace-e2e-")
        self.runs = 0

    def fixture(self, name):
        path = os.path.join(self.fixtures, "fixture_" + name)
        if not os.path.exists(path):
            raise Skip(f"fixture {name} was not built: its compiler or library is missing")
        return path

    def log(self, suffix=".cbor"):
        self.runs += 1
        return os.path.join(self.folder, f"log{self.runs}{suffix}")

    def run(self, *words, **keywords):
        keywords.setdefault("stdin", subprocess.DEVNULL)
        keywords.setdefault("timeout", TIMEOUT)
        return subprocess.run(words, capture_output=True, **keywords)

    def trace(self, *command, options=(), log=None, **keywords):
        """Runs a program under the tracer; the result has the log's path as .log."""
        log = log or self.log()
        result = self.run(self.tracer, "-q", "-o", log, *options, "--", *command, **keywords)
        result.log = log
        return result

    def analyze(self, log, *options, status=0):
        result = self.run(self.analyzer, *options, log)
        check(result.returncode == status, f"analyzer: {result.returncode}: {result.stderr}")
        return result.stdout.decode()

    def json(self, log, *options):
        return json.loads(self.analyze(log, "--json", *options))

    def stats(self, *command, options=()):
        """The tracer's counters after running a program."""
        result = self.run(self.tracer, "-q", "--stats", "-o", self.log(), *options, "--", *command)
        text = result.stderr.decode(errors="replace")
        return {name: int(value)
                for name, value in re.findall(r"^allocptrace: ([a-z_]+) (\d+)$", text, re.M)}


def check(truth, message):
    if not truth:
        raise AssertionError(message)


def equal(got, wanted, what):
    check(got == wanted, f"{what}: got {got}, wanted {wanted}")


def ledgers(output):
    """The ledgers in a program's output, as dictionaries of numbers."""
    found = re.findall(r"^ledger (allocations=.*)$", output.decode(errors="replace"), re.M)
    return [{key: int(value) for key, value in (word.split("=") for word in line.split())}
            for line in found]


def ledger(result):
    equal(result.returncode, 0, f"exit status ({result.stderr})")
    found = ledgers(result.stdout)
    equal(len(found), 1, f"number of ledgers in {result.stdout}")
    return found[0]


def own_sums(report):
    """The sums of what a fixture's own code allocated, without the libraries below it."""
    sums = {"allocations": 0, "bytes": 0, "leaked_blocks": 0, "leaked_bytes": 0}
    for site in report["allocations"]:
        # By source file: a static program's module holds the C library, too.
        if "/fixtures/" not in (site["file"] or ""):
            continue
        sums["allocations"] += site["count"]
        sums["bytes"] += site["total_bytes"]
        sums["leaked_blocks"] += site["leaked_count"]
        sums["leaked_bytes"] += site["leaked_bytes"]
    return sums


def summary_as_ledger(report):
    summary = report["summary"]
    return {"allocations": summary["total_allocations"], "frees": summary["total_deallocations"],
            "bytes": summary["total_bytes_allocated"], "peak": summary["peak_memory"],
            "leaked_bytes": summary["leaked_bytes"], "leaked_blocks": summary["leaked_blocks"]}


def leak_stacks(tools, log):
    """The stacks of --leaks, each a list of lines from the innermost outwards."""
    text = tools.analyze(log, "--leaks", "--limit=0")
    # What is said about all of them, below, is not indented.
    blocks = [block for block in text.split("\n\n")[1:] if "\n    " in block]
    return [[line.strip() for line in block.splitlines()[1:]] for block in blocks]


def main():
    if sys.argv[1:] == ["--list"]:
        for name, function in CASES.items():
            print(function.__module__, name)
        return 0
    if len(sys.argv) != 5:
        sys.exit(f"usage: {sys.argv[0]} TRACER ANALYZER FIXTURES CASE")
    tools = Tools(*sys.argv[1:4])
    try:
        CASES[sys.argv[4]](tools)
    except Skip as reason:
        print(f"skipped: {reason}")
        return SKIPPED
    finally:
        shutil.rmtree(tools.folder, ignore_errors=True)
    return 0
