#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""fuzz_smoke.py FUZZER TRACER FIXTURES [RUNS [FOLDER]]: fuzzes the analyzer, beginning with real
logs: of threads, forks, programs executed, mappings, leak checks; compressed and cut off. FOLDER is
kept, and goes on growing from run to run."""
import os
import subprocess
import sys
import tempfile

FUZZER, TRACER, FIXTURES = (os.path.abspath(word) for word in sys.argv[1:4])
RUNS = sys.argv[4] if len(sys.argv) > 4 else "4000"
PROGRAMS = (("basic",), ("realloc",), ("fork",), ("exec",), ("mmap", "--mmap"), ("thread_churn",),
            ("leaky",), ("longjmp", "--no-timestamps"), ("inlined", "--depth=8"))

# Programs whose leaks are looked for.
LEAKS = (("leaks_graph",), ("leaks_threads",), ("leaks_fork", "--leak-when=exit,end"))


def make_corpus(folder):
    sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "e2e"))
    import leak_log
    leak_log.sample().write(os.path.join(folder, "leak_sample.cbor"))
    leak_log.attached_sample().write(os.path.join(folder, "leak_attached.cbor"))
    for name, *options in LEAKS:
        program = os.path.join(FIXTURES, "fixture_" + name)
        if os.path.exists(program):
            log = os.path.join(folder, name + ".cbor")
            subprocess.run((TRACER, "-q", "-o", log, "--leak-check=reachable", *options, "--",
                            program), check=True, stdout=subprocess.DEVNULL)
    for name, *options in PROGRAMS:
        program = os.path.join(FIXTURES, "fixture_" + name)
        if not os.path.exists(program):
            continue
        for suffix in (".cbor", ".cbor.zst"):
            log = os.path.join(folder, name + suffix)
            subprocess.run((TRACER, "-q", "-o", log, *options, "--", program), check=True,
                           stdout=subprocess.DEVNULL)
        with open(os.path.join(folder, name + ".cbor"), "rb") as file:
            data = file.read()
        with open(os.path.join(folder, name + ".cut"), "wb") as file:
            file.write(data[:len(data) * 2 // 3])


def main():
    with tempfile.TemporaryDirectory(prefix="allocptrace-fuzz-") as own:
        folder = os.path.abspath(sys.argv[5]) if len(sys.argv) > 5 else own
        os.makedirs(folder, exist_ok=True)
        if not os.listdir(folder):
            make_corpus(folder)
        sizes = [os.path.getsize(os.path.join(folder, name)) for name in os.listdir(folder)]
        print(f"{len(sizes)} logs, {sum(sizes)} bytes", flush=True)
        return subprocess.run((FUZZER, f"-runs={RUNS}", "-max_len=40000", "-len_control=0",
                               "-timeout=60", "-rss_limit_mb=1500", "-seed=1",
                               "-print_final_stats=1", folder), cwd=own, check=False).returncode


sys.exit(main())
