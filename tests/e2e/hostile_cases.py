# SPDX-License-Identifier: MIT
"""Logs made to cost as much as possible, and names made to deceive whoever sees them."""
import json
import os
import re
import resource
import shutil
import unicodedata

import hostile_log
from harness import case, check, equal

REPORTS = (("-v",), ("--leaks", "-vvv"), ("--flamegraph",), ("--json",),
           ("--json", "--group-by=thread"), ("--timeline",), ("--flamegraph", "--filter=zzz"),
           ("--tree=top-down",), ("--tree=bottom-up", "--min-share=0", "--limit=0"))

LEAK_REPORTS = (("--leaks",), ("--leaks=full", "--limit=20", "-vv"), ("--json", "--check=all"),
                ("--leaks=full", "--group-by=process"), ("--leaks=checks",))

# What docs/log-format.md promises, bytes.
MEMORY_BASE = 128 << 20
MEMORY_PER_BYTE = 64


def sanitized_build(tools):
    """AddressSanitizer reserves terabytes of addresses: there is no limit under which it runs."""
    with open(tools.analyzer, "rb") as file:
        return b"__asan_init" in file.read()


def count_of(tools):
    """As large as shows what a log may cost; where nothing is limited a quarter does."""
    return 20_000 if sanitized_build(tools) else 80_000


def bounded(tools, size):
    """Limits the analyzer to what a log of size bytes may cost it, in time by an upper bound that
    only work by the square of the log's size exceeds."""
    unlimited = sanitized_build(tools)

    def limit():
        if not unlimited:
            memory = MEMORY_BASE + MEMORY_PER_BYTE * size
            resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
            resource.setrlimit(resource.RLIMIT_CPU, (20, 20))
    return limit


@case
def hostile_logs_cost_by_their_size(tools):
    path, count = tools.log(), count_of(tools)
    for number, kind in enumerate(hostile_log.KINDS):
        data = hostile_log.log_of(kind, count)
        with open(path, "wb") as file:
            file.write(data)
        report = REPORTS[number % len(REPORTS)]
        result = tools.run(tools.analyzer, *report, path, preexec_fn=bounded(tools, len(data)))
        equal((result.returncode, result.stderr), (0, b""), f"{kind.__name__} {report}")


@case
def hostile_leak_checks_cost_by_their_size(tools):
    path, count = tools.log(), count_of(tools)
    kinds = hostile_log.CHECK_KINDS + hostile_log.OPEN_CHECK_KINDS
    for number, kind in enumerate(kinds):
        data = hostile_log.log_of(kind, count)
        with open(path, "wb") as file:
            file.write(data)
        reports = (LEAK_REPORTS[number % 5], LEAK_REPORTS[(number + 2) % 5])
        if kind in hostile_log.OPEN_CHECK_KINDS:
            reports = (("--leaks=checks",), ("--json",))
        for report in reports:
            result = tools.run(tools.analyzer, *report, path, preexec_fn=bounded(tools, len(data)))
            equal((result.returncode, result.stderr), (0, b""), f"{kind.__name__} {report}")


@case
def deep_and_inlined_stacks_are_cut_in_reports(tools):
    """These would be printed by the square of the log's size."""
    for kind in (hostile_log.one_chain, hostile_log.inlined_chain, hostile_log.inlined_stacks):
        path = tools.log()
        data = hostile_log.log_of(kind, 20_000)
        with open(path, "wb") as file:
            file.write(data)
        for report in (("--flamegraph",), ("--leaks",)):
            result = tools.run(tools.analyzer, *report, path, preexec_fn=bounded(tools, len(data)))
            equal((result.returncode, result.stderr), (0, b""), f"{kind.__name__} {report}")
            deepest = (max(line.count(b";") for line in result.stdout.splitlines())
                       if report == ("--flamegraph",) else
                       max(block.count(b"\n") for block in result.stdout.split(b"\n\n")))
            check(deepest <= 4100, f"{kind.__name__}: {deepest} frames in one stack")


def write_compressed(tools, parts, **options):
    path = tools.log(".cbor.zst")
    data = hostile_log.zstd_frame(parts, **options)
    with open(path, "wb") as file:
        file.write(data)
    return path


@case
def compressed_log_that_grows_ten_thousandfold_is_streamed(tools):
    """2 GB from 100 KB, in records that are passed over, and in a note that is kept once."""
    size = 7 << 20
    unknown = [hostile_log.encode([99, b""])[:-1] + b"\x5a" + size.to_bytes(4, "big"), (b"x", size)]
    note = [hostile_log.encode([11, ""])[:-1] + b"\x7a" + size.to_bytes(4, "big"), (b"y", size)]
    path = write_compressed(tools, [hostile_log.HEADER] + unknown * 250 + note * 50
                            + [hostile_log.END])
    check(os.path.getsize(path) < 150_000, "size of the compressed log")
    result = tools.run(tools.analyzer, path, preexec_fn=bounded(tools, 0))
    equal((result.returncode, result.stderr), (0, b""), "status and errors")
    equal(result.stdout.count(b"Note: yyy"), 50, "notes")


@case
def compressed_log_with_a_huge_window_is_refused(tools):
    parts = [hostile_log.HEADER, hostile_log.END]
    tools.analyze(write_compressed(tools, parts, window_log=23))
    result = tools.run(tools.analyzer, write_compressed(tools, parts, window_log=31),
                       preexec_fn=bounded(tools, 0))
    equal(result.returncode, 3, "exit status")
    check(b"window of more than 8 MiB" in result.stderr, result.stderr)


# ---- Names ----

NASTY = "\x1b]0;owned\x07\x1b[2J\r;\n\u202e\u2066\x9b31m\x7f"


def check_shown(text, what):
    """Nothing in it that a terminal or an eye could be misled by."""
    for character in text.decode("utf-8", errors="strict"):
        check(character == "\n" or unicodedata.category(character) not in ("Cc", "Cf", "Zl", "Zp"),
              f"{what}: {character!r} in {text[:2000]}")


def patched(tools, name, replacements, target):
    """A copy of a fixture with names in it written over, in its symbols and its debug info."""
    with open(tools.fixture(name), "rb") as file:
        data = file.read()
    for placeholder, text in replacements.items():
        check(placeholder in data, placeholder)
        data = data.replace(placeholder, text.ljust(len(placeholder), b"_")[:len(placeholder)])
    with open(target, "wb") as file:
        file.write(data)
    os.chmod(target, 0o755)


@case
def hostile_names_are_shown_neutralized(tools):
    valid = ("ok" + NASTY).encode()
    invalid = b"bad\xff\xc0\xaf\x1b[31m;\nname"
    folder = os.path.join(tools.folder, "folder" + NASTY)
    os.mkdir(folder)
    program = os.path.join(folder, "program" + NASTY)
    library = os.path.join(folder, "library" + NASTY + ".so")
    patched(tools, "hostile", {b"bad_name_placeholder_0123456789": invalid,
                               b"good_name_placeholder_0123456789": valid,
                               b"source_name_placeholder_0123456789": b"dir/src" + invalid}, program)
    shutil.copy(os.path.join(tools.fixtures, "libfixture_hostile_library.so"), library)
    for options in ((), ("-v",)):
        log = os.path.join(folder, "log" + NASTY)
        result = tools.run(tools.tracer, "-o", log, *options, "--", program, "thr\x1b[1m;\n\u202e",
                           library)
        equal(result.returncode, 0, f"exit status ({result.stderr})")
        check_shown(result.stderr, "tracer")
        # The command that it prints is for a shell, and names the log.
        command = re.search(rb"next: allocptrace-analyze (.*)\n", result.stderr)[1]
        shown = tools.run("bash", "-c", b'exec "$0" ' + command, tools.analyzer)
        equal((shown.returncode, shown.stderr), (0, b""), "the next command")
    texts = {report: tools.run(tools.analyzer, *report, log) for report in REPORTS[:-1] + (
        ("-vvv",), ("--group-by=thread",), ("--group-by=module",), ("--group-by=file", "-vv"),
        ("--group-by=process",), ("--json", "--group-by=process"))}
    for report, result in texts.items():
        equal(result.returncode, 0, f"{report}: {result.stderr}")
        check_shown(result.stdout, report)
    check(rb"bad\xff\xc0\xaf\x1b[31m;\x0aname" in texts["--leaks", "-vvv"].stdout, "function's name")
    check(rb"thr\x1b[1m;\x0a" in texts["--group-by=thread",].stdout, "thread's name")
    check(rb"library\x1b]0;owned" in texts["--group-by=module",].stdout, "library's path")
    check(rb"src" in texts["--group-by=file", "-vv"].stdout, "source file's name")
    functions = [site["function"] for site in json.loads(texts["--json",].stdout)["allocations"]]
    check(any(name and name.startswith("ok" + NASTY[:10]) for name in functions), functions)


@case
def hostile_names_keep_the_folded_format(tools):
    """One line a stack, frames between semicolons, a weight behind the last space."""
    program = os.path.join(tools.folder, "program")
    patched(tools, "hostile", {b"good_name_placeholder_0123456789": b"a b;c\nd 12 "}, program)
    result = tools.trace(program, "thread", os.path.join(tools.fixtures,
                                                         "libfixture_hostile_library.so"))
    equal(result.returncode, 0, f"exit status ({result.stderr})")
    lines = tools.analyze(result.log, "--flamegraph", "--filter=a b").splitlines()
    equal(len(lines), 1, f"stacks with that function in {lines}")
    stack, weight = lines[0].rsplit(" ", 1)
    equal(int(weight), 1001, "weight")
    frames = stack.split(";")
    equal(frames[-2], "main", f"the caller in {frames}")
    check(frames[-1].startswith(r"a b:c\x0ad 12 _"), frames[-1])


@case
def hostile_names_stay_neutralized_in_messages(tools):
    name = os.path.join(tools.folder, "no" + NASTY)
    for words in ((tools.tracer, "--", name), (tools.tracer, "-o", name + "/x", "--", "true"),
                  (tools.tracer, "--" + NASTY), (tools.tracer, "--allocator=" + NASTY, "true"),
                  (tools.analyzer, name), (tools.analyzer, "--" + NASTY),
                  (tools.analyzer, "--filter=(" + NASTY, name),
                  (tools.analyzer, "--metric=" + NASTY, name)):
        result = tools.run(*words)
        check(result.returncode not in (0, -6, -11), f"exit status of {words}")
        equal(result.stderr.count(b"\n"), 1, f"lines of {result.stderr}")
        check_shown(result.stderr, words)


@case
def default_log_is_named_after_the_program_within_bounds(tools):
    folder = os.path.join(tools.folder, "here")
    os.mkdir(folder)
    for name in ("x" * 250, "p\x1b[2J\n" + "\u00e9" * 100):
        program = os.path.join(tools.folder, name)
        shutil.copy(tools.fixture("status"), program)
        result = tools.run(tools.tracer, "--", program, "exit", "0", cwd=folder)
        equal(result.returncode, 0, f"exit status ({result.stderr})")
        check_shown(result.stderr, "tracer")
        logs = os.listdir(folder)
        equal(len(logs), 1, logs)
        check(re.fullmatch(r"allocptrace\.(x{200}|p_\[2J_\u00e9{90,}_*)\.\d+\.cbor", logs[0]), logs)
        os.unlink(os.path.join(folder, logs[0]))
