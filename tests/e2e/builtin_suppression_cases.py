# SPDX-License-Identifier: MIT
"""Suppressions that are built in: what the C library keeps for itself is no leak of a program's."""
import re

from harness import case, check, equal

LOST = {"lost_stream", "lost_line", "lost_text", "lost_copy", "lost_path"}
KINDS = ("definitely_lost", "indirectly_lost", "possibly_lost", "still_reachable")


def trace(tools, name, *words):
    return tools.trace(tools.fixture(name), *words, options=(
        "--leak-check=reachable", "--leak-when=exit,end")).log


def losers(stacks):
    """The fixture's functions that lose what they get, of stacks all of which have one."""
    found = set()
    for stack in stacks:
        names = [name for name in stack if name.startswith("lost_")]
        check(names, f"a leak that is none: {stack}")
        found.update(names)
    return found


def is_clean(tools, log):
    """That nothing is told of a program but what is suppressed; its --json."""
    report = tools.json(log, "--check=all", "--leak-kinds=all", "--fail-if=leaked-blocks>0",
                        "--fail-if=lost-blocks>0", "--fail-if=possibly-lost-blocks>0")
    for checked in report["leak_checks"]:
        equal([checked[kind]["blocks"] for kind in KINDS], [0] * 4, f"{checked['sites']}")
    equal(report["summary"]["leaked_blocks"], 0, "blocks not freed")
    return report


def leaks_of(tools, log):
    """Of a program that leaks: the functions that checks and --leaks=unfreed tell."""
    report = tools.json(log, "--check=all", "--leak-kinds=all")
    checked = [[site["stack"] for site in one["sites"]] for one in report["leak_checks"]]
    equal(len(checked), 2, "checks")
    equal(losers(checked[0]), losers(checked[1]), "both checks")
    text = tools.analyze(log, "--leaks=unfreed", "--limit=0")
    unfreed = [re.findall(r"^    (\w+)", record, re.M) for record in text.split("\n\n")
               if "not freed, of" in record]
    equal(losers(unfreed), losers(checked[0]), "what was not freed")
    return losers(unfreed)


def lost_by(tools, log):
    """Blocks of the check as the program called exit, that are lost for sure."""
    first = tools.json(log, "--check=1", "--leak-kinds=definite")["leak_checks"][0]
    return losers(site["stack"] for site in first["sites"])


@case
def a_clean_program_has_no_leaks(tools):
    log = trace(tools, "leaks_runtime")
    summary = is_clean(tools, log)["summary"]
    check(summary["built_in_suppressed_blocks"] > 8, summary)
    whole = tools.json(log, "--no-builtin-suppressions")["summary"]
    equal((whole["built_in_suppressed_blocks"], whole["built_in_suppressed_bytes"]), (0, 0), "none")
    equal((whole["leaked_blocks"], whole["leaked_bytes"]),
          (summary["built_in_suppressed_blocks"], summary["built_in_suppressed_bytes"]), "all")
    equal(tools.run(tools.analyzer, "--no-builtin-suppressions", "--fail-if=leaked>0",
                    log).returncode, 1, "gate without")


@case
def what_the_c_library_gives_away_is_the_programs(tools):
    log = trace(tools, "leaks_runtime", "leak")
    equal(leaks_of(tools, log), LOST | {"lost_in_constructor"}, "leaks")
    # The C library leads to each stream.
    equal(lost_by(tools, log), LOST - {"lost_stream"} | {"lost_in_constructor"}, "lost")


@case
def static_programs_have_the_same_leaks(tools):
    for name in ("leaks_runtime_static", "leaks_runtime_musl_static"):
        is_clean(tools, trace(tools, name))
        equal(leaks_of(tools, trace(tools, name, "leak")), LOST, name)


@case
def built_in_suppressions_are_told_apart(tools):
    log = trace(tools, "leaks_runtime")
    text = tools.analyze(log)
    blocks = tools.json(log)["summary"]["built_in_suppressed_blocks"]
    check(re.search(rf"^Suppressed .* in {blocks} blocks more \(built-in\)", text, re.M), text)
    for options in (["--leaks"], ["--leaks=summary"], ["--leaks=unfreed"],
                    ["--leaks=unfreed", f"--compare={log}"], [f"--compare={log}"]):
        text = tools.analyze(log, *options)
        check(re.search(r"^ *suppressed \(built-in\): .* in \d+ blocks$", text, re.M), text)
        check("suppressions used" not in text, text)
        text = tools.analyze(log, *options, "-v")
        check(re.search(r"\nBuilt-in suppressions used\n.*\n(.*\n)*.*  /ld-linux\n", text), text)
    for options in (["--leaks"], ["--leaks=unfreed"]):
        text = tools.analyze(log, *options, "--no-builtin-suppressions")
        check("built-in" not in text, text)
    # What is given comes first, and is counted by itself.
    with open(path := tools.log(".supp"), "w", encoding="utf-8") as file:
        file.write("leak:^main$\n")
    report = tools.json(log, f"--suppressions={path}")
    mine, = report["suppressions"]
    summary = report["summary"]
    check(0 < mine["blocks"] <= summary["suppressed_blocks"], mine)
    equal(summary["suppressed_blocks"] + summary["built_in_suppressed_blocks"], blocks, "blocks")
    equal(sum(one["blocks"] for one in report["built_in_suppressions"]),
          summary["built_in_suppressed_blocks"], "blocks by pattern")
    for checked in report["leak_checks"]:
        check(checked["suppressed"]["blocks"] > 0, checked)


@case
def exceptions_of_cpp_programs_have_memory_of_their_own(tools):
    log = trace(tools, "new_delete")
    own = tools.json(log)["summary"]
    whole = tools.json(log, "--no-builtin-suppressions")["summary"]
    equal(own["leaked_bytes"] + own["built_in_suppressed_bytes"], whole["leaked_bytes"], "bytes")
    check(own["built_in_suppressed_bytes"] > 50_000, own)
    equal(own["leaked_bytes"], 360, "what the program leaks")


@case
def a_saved_baseline_keeps_what_was_not_suppressed(tools):
    """One of both options each is compared with a log."""
    log = trace(tools, "leaks_runtime")
    tools.analyze(log, "--no-builtin-suppressions", f"--save={(path := tools.log('.json'))}")
    text = tools.analyze(log, f"--compare={path}", "--fail-if=leaked-growth!=0")
    check("No site changed." in text, text)
