# SPDX-License-Identifier: MIT
"""What is told of leak checks: kinds, stacks, totals, gates; in logs written for it."""
import re

import leak_log
from gate_cases import judged
from harness import case, check, equal
from leak_log import DEFINITELY, INDIRECTLY, LeakLog, REACHABLE, sample

KINDS = ("definitely_lost", "indirectly_lost", "possibly_lost", "still_reachable")


def records(text):
    """The records of --leaks, each a list of its lines."""
    return [block.splitlines() for block in text.split("\n\n")
            if re.search(r"^.*: \d+ of \d+$", block.split("\n")[0])]


def lines_of(text):
    return [line.strip() for line in text.splitlines()]


def told(tools, log, *options, status=2):
    """What an error says."""
    result = tools.run(tools.analyzer, *options, log)
    equal((result.returncode, result.stdout), (status, b""), f"{options}")
    return result.stderr.decode()


@case
def leaks_of_a_check_are_told_as_memcheck_does(tools):
    log = sample(ticks=500_000).write(tools.log())
    text = tools.analyze(log, "--leaks")
    equal(text.splitlines()[0],
          "Leak check 1 of server (process 101), as it called exit, after 500.000 ms", "heading")
    found = records(text)
    equal(len(found), 2, f"records in {text}")
    equal(found[0][0], "48 bytes (16 bytes direct, 32 bytes indirect) in 1 block are definitely "
          "lost: 1 of 2", "what is definitely lost")
    equal([line.split()[0] for line in found[0][1:]], ["malloc", "make_node", "make_tree", "main"],
          "its stack")
    equal(found[1][0], "50 bytes in 1 block are possibly lost: 2 of 2", "what is possibly lost")
    totals = ["definitely lost: 16 bytes in 1 block", "indirectly lost: 32 bytes in 1 block",
              "possibly lost: 50 bytes in 1 block", "still reachable: 108 bytes in 2 blocks"]
    for report in ("--leaks", "--leaks=summary", "--leaks=full"):
        shown = lines_of(tools.analyze(log, report))
        equal([line for line in shown if ": " in line and line in totals], totals, report)


@case
def kinds_of_leaks_can_be_chosen(tools):
    log = sample().write(tools.log())
    for options, kinds in ((["--leaks=full"], "dipr"), (["--leaks", "--leak-kinds=all"], "dipr"),
                           (["--leaks", "--leak-kinds=reachable"], "r"),
                           (["--leaks", "--leak-kinds=definite,indirect"], "di"),
                           (["--leaks", "--leak-kinds=possible", "--filter=make_tree"], "p"),
                           (["--leaks=full", "--filter=load"], "ir"),
                           (["--leaks=full", "--threshold-bytes=48"], "dpr"),
                           (["--leaks=full", "--min-count=2"], "dr"),
                           (["--leaks=full", "--limit=1"], "d")):
        first = {"definitely": "d", "indirectly": "i", "possibly": "p", "still": "r"}
        found = [first[line[0].split(": ")[0].split()[-2]]
                 for line in records(tools.analyze(log, *options))]
        equal("".join(found), kinds, f"{options}")
    for options in (["--leak-kinds=lost"], ["--leak-kinds=definite,"], ["--leaks=all"],
                    ["--check=0"], ["--check=-1"], ["--check=first"]):
        check("takes" in told(tools, log, *options), options)


@case
def checks_of_several_processes_are_summed_up_or_told_apart(tools):
    log = sample()
    child = log.process(parent=1, origin=2)
    log.check(process=2, moment=leak_log.ENDED)
    log.verdict(DEFINITELY, 0x1000, 16, "malloc make_node make_tree main", thread=child)
    log.end_check()
    log.check(process=1)
    log.verdict(DEFINITELY, 0x1000, 1000, "malloc make_node make_tree main")
    log.write(path := tools.log())
    text = tools.analyze(path, "--leaks")
    check(text.startswith("2 leak checks, the last one of each process, summed up"), text)
    equal(records(text)[0][0], "64 bytes (32 bytes direct, 32 bytes indirect) in 2 blocks are "
          "definitely lost: 1 of 2", "of both")
    found = records(tools.analyze(path, "--leaks", "--group-by=process"))
    equal([(lines[0].split()[0], lines[1].strip()) for lines in found[:2]],
          [("48", "in process 101"), ("16", "in process 102")], "each")
    equal(len(records(tools.analyze(path, "--leaks", "--process=102"))), 1, "of the child")
    listed = [line.split() for line in tools.analyze(path, "--leaks=checks").splitlines()[1:4]]
    equal([(line[0], line[3]) for line in listed], [("1*", "exit"), ("2*", "end"), ("3", "exit")],
          "list of the checks")
    check(tools.analyze(path, "--leaks=checks").count("(cut off)") == 1, "what was cut off")
    check("1,000 bytes in 1 block" in tools.analyze(path, "--leaks", "--check=3", "-v"), "--check=3")
    check("number 3" in told(tools, path, "--check=4"), "no such check")


@case
def json_has_all_checks_and_the_sites_of_those_shown(tools):
    log = sample(moment=leak_log.REQUEST, ticks=1000)
    sample(log, ticks=2_000_000)
    log.write(path := tools.log())
    report = tools.json(path)
    first, last = report["leak_checks"]
    equal((first["check"], first["moment"], first["time"], first["shown"], "sites" in first),
          (1, "request", 0.001, False, False), "the first check")
    equal((last["pid"], last["process"], last["moment"], last["complete"], last["pause_ns"]),
          (101, 1, "exit", True, 1500), "the last check")
    for one in (first, last):
        equal([one[kind]["bytes"] for kind in KINDS], [16, 32, 50, 108], "bytes by kind")
        equal([one[kind]["blocks"] for kind in KINDS], [1, 1, 1, 2], "blocks by kind")
    sites = last["sites"]
    equal([(site["kind"], site["bytes"]) for site in sites],
          list(zip(KINDS, (16, 32, 50, 108))), "sites")
    equal((sites[0]["indirect_bytes"], sites[0]["function"], sites[0]["stack"]),
          (32, "make_node", ["malloc", "make_node", "make_tree", "main"]), "a site")
    equal([report["summary"][f"{kind}_bytes"] for kind in KINDS], [16, 32, 50, 108], "summary")
    every = tools.json(path, "--check=all", "--leak-kinds=indirect")
    equal([[site["bytes"] for site in one["sites"]] for one in every["leak_checks"]], [[32], [32]],
          "sites of all checks")
    equal(every["summary"]["definitely_lost_bytes"], 32, "all checks summed up")
    without = tools.json(tools.trace(tools.fixture("basic")).log)
    equal(without["leak_checks"], [], "a log without checks")
    check("definitely_lost_bytes" not in without["summary"], "nothing is said without a check")


@case
def gates_judge_what_a_check_found(tools):
    log = sample().write(tools.log())
    values = {"lost": (48, 2), "definitely-lost": (16, 1), "indirectly-lost": (32, 1),
              "possibly-lost": (50, 1), "still-reachable": (108, 2)}
    for name, (size, blocks) in values.items():
        for gate, value in ((name, size), (f"{name}-blocks", blocks)):
            equal(judged(tools, log, f"--fail-if={gate} != {value}")[0], 0, gate)
            equal(judged(tools, log, f"--fail-if={gate} == {value}")[0], 1, gate)
    without = tools.trace(tools.fixture("basic")).log
    for name in values:
        check("--leak-check=reachable" in told(tools, without, f"--fail-if={name}>0"), name)
    check("cut off" in told(tools, cut_off(tools), "--fail-if=lost>0"), "a check that was cut off")


def cut_off(tools):
    log = LeakLog()
    log.alloc(0x1000, 16, "malloc main")
    log.check()
    log.verdict(DEFINITELY, 0x1000, 16, "malloc main")
    return log.write(tools.log(), cut=True)


@case
def logs_without_a_whole_check_tell_what_was_not_freed(tools):
    leaky = tools.trace(tools.fixture("leaky")).log
    text = tools.analyze(leaky, "--leaks")
    check(text.startswith(tools.analyze(leaky, "--leaks=unfreed")) and
          "--leak-check=reachable" in text, text)
    check("not freed" in tools.analyze(cut_off(tools), "--leaks"), "a check that was cut off")
    check("16 bytes in 1 block" in tools.analyze(cut_off(tools), "--leaks", "--check=1"), "--check")
    check("No leak checks" in tools.analyze(leaky, "--leaks=checks"), "list")
    for options in (["--leaks=summary"], ["--leaks=full"], ["--leak-kinds=all"], ["--check=1"]):
        check("--leak-check=reachable" in told(tools, leaky, *options), options)


@case
def suppressed_blocks_take_what_they_lead_to_with_them(tools):
    log = sample().write(tools.log())
    with open(path := tools.log(".supp"), "w", encoding="utf-8") as file:
        file.write("leak:make_tree\nleak:nothing\n")
    report = tools.json(log, f"--suppressions={path}")
    last = report["leak_checks"][0]
    equal([last[kind]["bytes"] for kind in KINDS], [0, 0, 0, 108], "what is left")
    equal(last["suppressed"], {"bytes": 98, "blocks": 3}, "suppressed")
    equal(len(last["sites"]), 1, "sites")
    text = tools.analyze(log, "--leaks", f"--suppressions={path}")
    check("suppressed: 98 bytes in 3 blocks" in text and "make_tree\n" in text, text)
    equal(judged(tools, log, f"--suppressions={path}", "--fail-if=lost>0")[0], 0, "gate")


@case
def several_logs_keep_their_checks_apart(tools):
    first, second = sample(), LeakLog()
    second.stack("other main")  # stacks have other numbers there
    sample(second)
    second.check(ticks=10)
    root = second.root(leak_log.STACK, thread=1, address=0x7fff0)
    second.verdict(REACHABLE, 0x1000, 7, "malloc load main", root=root, holder=0x7fff0)
    second.end_check()
    logs = first.write(tools.log()), second.write(tools.log())
    result = tools.run(tools.analyzer, "--leaks=full", *logs)
    equal((result.returncode, result.stderr), (0, b""), "status and errors")
    text = result.stdout.decode()
    check("115 bytes in 3 blocks are still reachable" in text and
          "definitely lost: 16 bytes" in text, text)
    result = tools.run(tools.analyzer, "--leaks=summary", "--check=2", *logs)
    check(b"indirectly lost: 32 bytes in 1 block" in result.stdout, result)


@case
def baselines_carry_the_totals_of_checks(tools):
    before, now = LeakLog(), sample()
    before.check()
    before.verdict(DEFINITELY, 0x1000, 10, "malloc main")
    before.verdict(INDIRECTLY, 0x2000, 32, "malloc main", holder=0x1000)
    before.end_check()
    before, now = before.write(tools.log()), now.write(tools.log())
    tools.analyze(before, f"--save={(saved := tools.log('.json'))}")
    for base in (before, saved):
        text = tools.analyze(now, f"--compare={base}")
        check("Definitely lost" in text and "+60.0%" in text, text)
        pairs = tools.json(now, f"--compare={base}")["compare"]["summary"]
        equal(pairs["definitely_lost_bytes"], {"before": 10, "now": 16}, "pair")
        equal(judged(tools, now, f"--compare={base}", "--fail-if=definitely-lost-growth>5")[0], 1,
              "gate")
        equal(judged(tools, now, f"--compare={base}", "--fail-if=indirectly-lost-growth>0")[0], 0,
              "gate")
    basic = tools.trace(tools.fixture("basic")).log
    check("baseline" in told(tools, now, f"--compare={basic}", "--fail-if=lost-growth>0"),
          "no check before")


def path_of(lines):
    """What a record says of how its block is reached."""
    lines = [line.strip() for line in lines]
    return lines[lines.index("reached from") + 1:]


@case
def paths_lead_from_a_root_to_a_block(tools):
    log = sample()
    found = records(tools.analyze(log.write(tools.log()), "--leaks=full"))
    check("  reached from" not in found[0], "nothing holds what is definitely lost")
    equal(path_of(found[1]), ["a lost block", "-> 16 bytes from make_node (make_node.c:10)",
                              "+8 -> 32 bytes of these"], "what is indirectly lost")
    equal(path_of(found[2]), ["global cache+0x10 in server", "-> 100 bytes from load (load.c:10)",
                              "+16 -> into 50 bytes of these"], "what is possibly lost")
    equal(path_of(found[3]), ["global cache+0x10 in server", "-> 100 bytes of these"],
          "the largest one that is reachable")


@case
def each_kind_of_root_is_named(tools):
    log = LeakLog()
    log.check()
    kinds = ((leak_log.REGISTER, {"thread": 1, "name": "r12"}, "register r12 of worker (thread 201)"),
             (leak_log.STACK, {"thread": 1, "address": 0x7f01}, "stack at 0x7f01 of worker (thread 201)"),
             (leak_log.TLS, {"thread": 1, "name": "errors+8"},
              "thread-local errors+8 of worker (thread 201)"),
             (leak_log.TLS, {"address": 0x10}, "thread-local data at 0x10 of an unknown thread"),
             (leak_log.GLOBAL, {"module": 1, "address": 0x20}, "global data at 0x20 in server"),
             (leak_log.MAPPING, {"address": 0x30}, "memory outside the heap at 0x30"),
             (77, {"address": 0x40}, "memory outside the heap at 0x40"))
    for number, (kind, fields, _) in enumerate(kinds):
        root = log.root(kind, **fields)
        log.verdict(REACHABLE, 0x1000 * (number + 1), 8 + number, f"f{number} main", root=root,
                    holder=fields.get("address"))
    log.end_check()
    found = records(tools.analyze(log.write(tools.log()), "--leaks=full"))
    equal([path_of(lines)[0] for lines in found], [text for _, _, text in reversed(kinds)], "roots")


@case
def json_has_the_paths(tools):
    report = tools.json(sample().write(path := tools.log()))
    paths = {(site["kind"], site["bytes"]): site["path"]
             for site in report["leak_checks"][0]["sites"]}
    load = {"left_out": 0, "offset": None, "into": False, "bytes": 100, "function": "load"}
    node = {"left_out": 0, "offset": None, "into": False, "bytes": 16, "function": "make_node"}
    cache = {"kind": "global", "name": "cache+0x10", "module": "/bin/server", "address": 0x4010,
             "thread": None}
    equal(paths, {("definitely_lost", 16): None,
                  ("indirectly_lost", 32): {"root": None, "blocks": [
                      node, {**load, "offset": 8, "bytes": 32}]},
                  ("possibly_lost", 50): {"root": cache, "blocks": [
                      load, {**node, "offset": 16, "bytes": 50, "into": True}]},
                  ("still_reachable", 108): {"root": cache, "blocks": [load]}}, "paths")
    tools.analyze(path, f"--save={(saved := tools.log('.json'))}")
    with open(saved, encoding="utf-8") as file:
        check('"path"' not in file.read(), "a baseline has paths")


@case
def json_has_the_paths_of_each_check_by_itself(tools):
    log = LeakLog()
    for name, size in (("first", 10), ("second", 1000)):
        log.check()
        root = log.root(leak_log.TLS, thread=1, address=0x7f00, name=name)
        log.verdict(REACHABLE, 0x1000, size, "malloc main", root=root, holder=0x7f00)
        log.end_check()
    report = tools.json(log.write(tools.log()), "--check=all")
    paths = [each["sites"][0]["path"] for each in report["leak_checks"]]
    equal([path["root"] for path in paths],
          [{"kind": "tls", "name": name, "module": None, "address": 0x7f00, "thread": 201}
           for name in ("first", "second")], "roots")
    equal([path["blocks"][0]["bytes"] for path in paths], [10, 1000], "blocks")


@case
def the_middle_of_a_long_path_is_left_out(tools):
    log = LeakLog()
    log.check()
    root = log.root(leak_log.GLOBAL, module=1, name="list")
    count = 5000
    for number in range(count):
        address = 0x1000 + 32 * number
        log.verdict(REACHABLE, address, 24 + (number == count - 1), "append main",
                    root=0 if number else root, holder=address - 24 if number else 0x500)
    log.end_check()
    path = path_of(records(tools.analyze(log.write(tools.log()), "--leaks=full"))[0])
    equal(path[:3], ["global list in server", "-> 24 bytes from append (append.c:10)",
                     "-> [4,993 more blocks]"], "its beginning")
    equal(path[3:], ["+8 -> 24 bytes from append (append.c:10)"] * 5 + ["+8 -> 25 bytes of these"],
          "its end")


@case
def blocks_from_before_attaching_are_told_apart(tools):
    log = leak_log.attached_sample()
    log.write(path := tools.log())
    before = "[allocated before attach]"
    text = tools.analyze(path)
    check("Before attach 99.61 KiB (102,000 bytes) in 2 blocks, 1 freed since" in text, text)
    report = tools.json(path)
    summary = report["summary"]
    equal([summary[f"before_attach_{name}"]
           for name in ("bytes", "blocks", "freed", "freed_bytes", "left_bytes")],
          [102_000, 2, 1, 100_000, 2000], "before attach")
    equal([summary[name] for name in ("total_allocations", "total_deallocations", "peak_memory",
                                      "current_memory", "leaked_bytes", "unknown_frees")],
          [1, 0, 105_000, 3000, 3000, 0], "the rest")
    site = report["leak_checks"][0]["sites"][1]
    equal((site["kind"], site["before_attach"], site["function"], site["stack"]),
          ("still_reachable", True, before, [before]), "in a leak check")
    check("before_attach_bytes" not in tools.json(sample().write(tools.log()))["summary"], "none")
    lines = tools.analyze(path, "--timeline").splitlines()
    column = lines[0].split(",").index(f'"{before}"')
    equal([lines[i].split(",")[column] for i in (1, -1)], ["102000", "2000"], "timeline")
    for view in ("--view=peak", "--group-by=thread", "--view=threads"):
        check(before in tools.analyze(path, view), view)
    equal(tools.analyze(path, "--flamegraph", "--metric=peak").splitlines()[-1],
          f"{before} 102000", "flame graph")
    check(before in tools.analyze(path, "--leaks=full"), "--leaks=full")
    check(before not in tools.analyze(path, "--leaks=unfreed"), "--leaks=unfreed")
    tools.analyze(path, f"--save={(saved := tools.log('.json'))}")
    equal(tools.json(path, f"--compare={saved}")["compare"]["allocations"], [],
          "compared with itself")
