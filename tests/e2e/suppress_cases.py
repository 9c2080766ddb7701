# SPDX-License-Identifier: MIT
"""Suppressions of leaks, as LeakSanitizer takes them."""
import os
import re

from harness import Skip, case, check, equal, need

# By what each of the fixture's leaks is known: its size.
SIZES = {101: 2, 203: 1, 307: 1, 402: 1, 409: 1, 503: 1, 601: 1}

FILES = [
    "",
    "# only a comment\n\n  \t\n",
    "leak:parse\n",
    "leak:^parse\n",
    "leak:parser::\n",
    "  leak:^parser::token_list(int)$  \t\r\n",
    "leak:token_list$\n",
    "leak:^token\n",
    "leak:foo\n",
    "leak:^foo$\n",
    "leak:foofoo\nleak:outer\n",
    "leak:foo()$\nleak:keep\n",
    "leak:^outer*()$\n",
    "leak:o*_foo\n",
    "leak:*list*int\n",
    "leak:keep<char>\n",
    "leak:operator*\n",
    "leak:*\n",
    "leak:\n",
    "leak:^$\n",
    "leak: parse\n",
    "leak:suppress.cc\n",
    "leak:/suppress.cc$\n",
    "leak:fixture_suppress\n",
    "leak:nothing\nleak:^main$\n",
    "leak:$\n",
    "leak:outer_foo()$x\n",
    "leak:^^parse\n",
]


def stacks_left(tools, log, path):
    """Blocks by size, from --leaks: each stack of the fixture leaks blocks of one size."""
    text = tools.analyze(log, "--leaks", "--limit=0", "-v", f"--suppressions={path}")
    left = {}
    for size, blocks in re.findall(r"^([\d,]+) bytes in (\d+) blocks? \(", text, re.M):
        left[int(size.replace(",", "")) // int(blocks)] = int(blocks)
    return left


def judged_by_lsan(tools, program, path):
    result = tools.run(program, env={
        "PATH": os.environ["PATH"],
        "ASAN_OPTIONS": "detect_leaks=1",
        "LSAN_OPTIONS": f"suppressions={path}:print_suppressions=1:exitcode=23"})
    text = result.stderr.decode()
    if "LeakSanitizer has encountered a fatal error" in text:
        return None, None
    left = {}
    for size, blocks in re.findall(r"leak of (\d+) byte\(s\) in (\d+) object", text):
        left[int(size) // int(blocks)] = int(blocks)
    equal(result.returncode, 23 if left else 0, f"LSan's exit status ({text})")
    used = text.split("Suppressions used:")[1] if "Suppressions used:" in text else ""
    # The pattern may be empty, and is all that stands behind one blank.
    return left, {pattern: (int(count), int(size)) for count, size, pattern in
                  re.findall(r"^ +(\d+) +(\d+) (.*)$", used, re.M)}


@case
def suppressions_match_as_in_lsan(tools):
    need("llvm-symbolizer")
    program = tools.fixture("suppress_clang_asan")
    log = tools.trace(tools.fixture("suppress")).log
    equal(stacks_left(tools, log, "/dev/null"), SIZES, "leaks without suppressions")
    path = tools.log(".supp")
    for content in FILES:
        with open(path, "w", encoding="utf-8") as file:
            file.write(content)
        left, used = judged_by_lsan(tools, program, path)
        if left is None:
            raise Skip("LeakSanitizer does not work here")
        equal(stacks_left(tools, log, path), left, f"leaks left by {content!r}")
        report = tools.json(log, f"--suppressions={path}")
        got = {entry["pattern"]: (entry["blocks"], entry["bytes"])
               for entry in report.get("suppressions", []) if entry["blocks"]}
        equal(got, used, f"suppressions used of {content!r}")


@case
def suppressed_leaks_count_nowhere(tools):
    log = tools.trace(tools.fixture("suppress")).log
    paths = [tools.log(".supp"), tools.log(".supp")]
    for path, content in zip(paths, ("leak:token_list\nleak:unused\n", "leak:^main$\n")):
        with open(path, "w", encoding="utf-8") as file:
            file.write(content)
    options = [f"--suppressions={path}" for path in paths]
    whole, summary = tools.json(log)["summary"], tools.json(log, *options)["summary"]
    equal((whole["leaked_bytes"], whole["suppressed_bytes"]), (2627, 0), "without suppressions")
    equal((summary["leaked_bytes"], summary["leaked_blocks"]), (0, 0), "what is left")
    equal((summary["suppressed_bytes"], summary["suppressed_blocks"]), (2627, 8), "suppressed")
    equal(summary["current_memory"], whole["current_memory"], "memory at the end")
    report = tools.json(log, *options)
    equal(sum(site["leaked_bytes"] + site["leaked_count"] for site in report["allocations"]), 0,
          "leaks of sites")
    equal(report["suppressions"], [{"pattern": "token_list", "blocks": 2, "bytes": 202},
                                   {"pattern": "unused", "blocks": 0, "bytes": 0},
                                   {"pattern": "^main$", "blocks": 6, "bytes": 2425}], "used")
    equal(tools.run(tools.analyzer, "--fail-if=leaked>0", log).returncode, 1, "gate without")
    for text in (tools.analyze(log, "--fail-if=leaked>0", "--fail-if=leaked-blocks>0", *options),
                 tools.analyze(log, "--leaks", *options),
                 tools.analyze(log, f"--compare={log}", "--leaks", *options)):
        check(re.search(r"Suppressions used\n.*\n +2 +202  token_list\n +6 +2,425  \^main\$\n",
                        text) and "unused" not in text, text)
    text = tools.analyze(log, *options)
    check("Suppressed    2.57 KiB (2,627 bytes) in 8 blocks more" in text and
          "Not freed     0 bytes in 0 blocks" in text, text)
    # A baseline that knew nothing of them.
    base = tools.log(".json")
    tools.analyze(log, f"--save={base}")
    text = tools.analyze(log, f"--compare={base}", "--fail-if=leaked-growth!=0", *options)
    check("No site changed." in text, text)


@case
def generated_suppressions_match_what_they_were_made_for(tools):
    log = tools.trace(tools.fixture("suppress")).log
    path = tools.log(".supp")
    for options, left in (((), {}), (("--filter=keep",), {101: 2, 203: 1, 307: 1, 503: 1, 601: 1}),
                          (("--filter=operator",), {101: 2, 307: 1, 402: 1, 409: 1, 503: 1, 601: 1}),
                          (("--filter=foofoo",), {101: 2, 203: 1, 307: 1, 402: 1, 409: 1, 601: 1}),
                          (("--limit=1",), SIZES), # outer_foo() calls foofoo()
                          (("--limit=2",), {size: count for size, count in SIZES.items()
                                            if size < 503})):
        with open(path, "w", encoding="utf-8") as file:
            file.write(tools.analyze(log, "--leaks", "--gen-suppressions", *options))
        equal(stacks_left(tools, log, path), left, f"leaks left by those of {options}")
    # parse() calls token_list(): no name of its stack tells its own leak from that one.
    text = tools.analyze(log, "--gen-suppressions", "--threshold-bytes=307", "--filter=parse",
                         "--min-count=1")
    check("# 307 bytes" in text and "Nothing tells it" in text and "\nleak:" not in text, text)
    for name in ("leaky", "inlined", "fork_threads"):
        log = tools.trace(tools.fixture(name)).log
        with open(path, "w", encoding="utf-8") as file:
            file.write(tools.analyze(log, "--gen-suppressions"))
        tools.analyze(log, f"--suppressions={path}", "--fail-if=leaked-blocks>0")


@case
def wrong_suppressions_are_told_by_file_and_line(tools):
    log = tools.trace(tools.fixture("suppress")).log
    path = tools.log(".supp")
    for content, line in (("leek:x\n", 1), ("# fine\n\nleak:x\nrace:y", 4), ("leak\n", 1)):
        with open(path, "w", encoding="utf-8") as file:
            file.write(content)
        result = tools.run(tools.analyzer, f"--suppressions={path}", log)
        equal((result.returncode, result.stdout), (2, b""), f"status ({result.stderr})")
        check(f"{path}:{line}: ".encode() in result.stderr, result.stderr)
    for missing in (os.path.join(tools.folder, "none"), tools.folder):
        result = tools.run(tools.analyzer, f"--suppressions={missing}", log)
        equal(result.returncode, 2, f"status ({result.stderr})")
        check(missing.encode() in result.stderr, result.stderr)
