# SPDX-License-Identifier: MIT
"""A log beside a baseline: what is the same, what a changed program changed, and what is no
baseline."""
import json
import os
import pty
import re
import shutil
import subprocess

import hostile_log
from harness import case, check, equal

RED, GREEN = b"\x1b[31m", b"\x1b[32m"


def version(tools, name):
    """The log of a fixture under a name of its own folder, as a program that is built anew."""
    folder = os.path.join(tools.folder, name)
    os.makedirs(folder, exist_ok=True)
    program = shutil.copy(tools.fixture(name), os.path.join(folder, "prog"))
    log = tools.trace(program).log
    return log


def saved(tools, log, *options):
    path = tools.log(".json")
    result = tools.run(tools.analyzer, f"--save={path}", *options, log)
    equal((result.returncode, result.stdout, result.stderr), (0, b"", b""), "saving")
    return path


def compared(tools, base, log, *options, status=0, warned=b""):
    result = tools.run(tools.analyzer, f"--compare={base}", *options, log)
    equal(result.returncode, status, f"status ({result.stderr})")
    check(warned in result.stderr and bool(warned) == bool(result.stderr), result.stderr)
    return result.stdout.decode()


def changed_sites(tools, base, log, *options):
    report = json.loads(compared(tools, base, log, "--json", *options))["compare"]
    return {site["function"]: {name: (value["before"], value["now"])
                               for name, value in site.items()
                               if isinstance(value, dict) and value["before"] != value["now"]
                               and "slack" not in name} # the C library's
            for site in report["allocations"]}


@case
def a_log_has_not_changed_since_itself(tools):
    for name, hows in (("fork_threads", ("line", "thread", "process", "module", "file")),
                       ("leaky", ("function",)), ("inlined", ("function", "line"))):
        log = tools.trace(tools.fixture(name)).log
        for how in [()] + [(f"--group-by={key}",) for key in hows]:
            for base in (log, saved(tools, log, *how)):
                text = compared(tools, base, log, *how, "--fail-if=growth!=0",
                                "--fail-if=leaked-growth!=0%", "--fail-if=allocations-growth!=0")
                check("No site changed." in text, f"{name} {how}: {text}")
                equal(changed_sites(tools, base, log, *how), {}, f"{name} {how}")
        text = compared(tools, log, log, "--leaks")
        check(text.startswith("0 bytes in 0 blocks more"), text)


@case
def a_saved_report_has_the_sums_of_its_log(tools):
    log = tools.trace(tools.fixture("leaky")).log
    with open(saved(tools, log, "--filter=nothing_of_that_name"), encoding="utf-8") as file:
        report = json.load(file)
    equal(report["allocations"], [], "filtered sites")
    equal(report["schema"], {"name": "allocptrace-profile", "version": 1}, "schema")
    program = report["program"]
    equal((program["executable"], program["command"]), (tools.fixture("leaky"),) +
          ([tools.fixture("leaky")],), "program")
    check(re.fullmatch("[0-9a-f]{40}", program["build_id"]), program)
    stacks = report["stacks"]
    columns = stacks["columns"]
    for column, member in (("count", "total_allocations"), ("total_bytes", "total_bytes_allocated"),
                           ("peak_bytes", "peak_memory"), ("leaked_bytes", "leaked_bytes"),
                           ("leaked_count", "leaked_blocks"), ("temporary", "temporary_allocations"),
                           ("reallocations", "total_reallocations")):
        equal(sum(row[columns.index(column)] for row in stacks["rows"]), report["summary"][member],
              column)


@case
def a_rebuilt_program_has_not_changed(tools):
    """Other addresses, other lines, another folder; the same names."""
    before, moved = version(tools, "compare"), version(tools, "compare_moved")
    places = []
    for log in (before, moved):
        places.append({site["line"] for site in tools.json(log)["allocations"]})
    check(places[0] != places[1], "the lines are the same: nothing is tested")
    for base in (before, saved(tools, before)):
        text = compared(tools, base, moved, "--fail-if=growth!=0")
        check("No site changed." in text, text)
        equal(changed_sites(tools, base, moved), {}, "changed sites")
        check("take" in compared(tools, base, moved, "--group-by=line"), "lines that moved")


@case
def a_changed_program_has_changed_where_it_was_changed(tools):
    before, after = version(tools, "compare"), version(tools, "compare_changed")
    wanted = {
        "take": {"count": (4, 6), "total_bytes": (50192, 60320), "peak_bytes": (50192, 60320),
                 "peak_count": (4, 6), "leaked_bytes": (192, 320), "leaked_count": (3, 5)},
        "appear": {"count": (0, 4), "total_bytes": (0, 4000), "temporary": (0, 4),
                   "temporary_bytes": (0, 4000)},
        "vanish": {"count": (7, 0), "total_bytes": (210, 0), "temporary": (7, 0),
                   "temporary_bytes": (210, 0)}}
    for base in (before, saved(tools, before)):
        equal(changed_sites(tools, base, after), wanted, "changed sites")
        equal(set(changed_sites(tools, base, after, "--filter=^take$")), {"take"}, "--filter")
        equal(set(changed_sites(tools, base, after, "--threshold-bytes=1000")), {"take", "appear"},
              "--threshold-bytes")
        equal(set(changed_sites(tools, base, after, "--min-count=7")), {"vanish"}, "--min-count")
        equal(list(changed_sites(tools, base, after, "--limit=1")), ["take"], "--limit")
        leaks = compared(tools, base, after, "--leaks", "-v")
        check(leaks.startswith("128 bytes in 2 blocks more"), leaks)
        check("320 bytes in 5 blocks now, 192 bytes in 3 blocks before: 1 of 1" in leaks, leaks)
        check(re.search(r"\n    take .*\n    leak .*\n    main ", leaks), leaks)
        text = compared(tools, base, after, "-v", "--metric=bytes")
        rows = re.findall(r"^ *([+-][\d,]+) bytes +(\S+) +([\d,]+) bytes +([\d,]+) bytes  (\w+)",
                          text, re.M)
        equal(rows, [("+10,128", "+20.2%", "50,192", "60,320", "take"),
                     ("+4,000", "new", "0", "4,000", "appear"),
                     ("-210", "gone", "210", "0", "vanish")], "table")
        stack = compared(tools, base, after, "-vvv", "--metric=leaked")
        check(re.search(r"take .*\n +malloc .*\n +take .*\n +leak ", stack), stack)
    back = compared(tools, after, before, "--leaks")
    check(back.startswith("0 bytes in 0 blocks more"), back)


@case
def growth_can_be_gated(tools):
    before, after = version(tools, "compare"), version(tools, "compare_changed")
    base = saved(tools, before)
    for expression, status in (("growth>20%", 1), ("growth>21%", 0), ("leaked-growth>127", 1),
                               ("leaked-growth>128", 0), ("allocations-growth<0", 1),
                               ("failed-growth>0%", 0), ("leaked-blocks-growth==2", 1)):
        result = tools.run(tools.analyzer, f"--compare={base}", f"--fail-if={expression}", after)
        equal(result.returncode, status, f"{expression} ({result.stderr})")
        check((expression.encode() in result.stderr) == bool(status), result.stderr)


@case
def changes_are_coloured_on_terminals_only(tools):
    before, after = version(tools, "compare"), version(tools, "compare_changed")

    def shown(terminal, *options, **environment):
        environment = {"TERM": "xterm", "PATH": os.environ["PATH"]} | environment
        words = [tools.analyzer, f"--compare={before}", *options, after]
        if not terminal:
            return subprocess.run(words, env=environment, stdout=subprocess.PIPE,
                                  check=True).stdout
        master, slave = pty.openpty()
        with subprocess.Popen(words, env=environment, stdout=slave) as process:
            os.close(slave)
            output = b""
            try:
                while data := os.read(master, 65536):
                    output += data
            except OSError: # the other end is closed
                pass
            equal(process.wait(), 0, "status")
        os.close(master)
        return output
    for colours, terminal, options, environment in (
            (True, True, (), {}), (False, False, (), {}), (False, True, (), {"NO_COLOR": "1"}),
            (True, True, (), {"NO_COLOR": ""}), (False, True, (), {"TERM": "dumb"}),
            (True, False, (), {"CLICOLOR_FORCE": "1"}), (False, False, (), {"CLICOLOR_FORCE": "0"}),
            (True, False, ("--color=always",), {"NO_COLOR": "1"}),
            (False, True, ("--color=never",), {}), (True, True, ("--leaks",), {}),
            (False, False, ("--leaks",), {})):
        output = shown(terminal, *options, **environment)
        equal((RED in output, b"\x1b" in output), (colours, colours),
              f"colours of {terminal} {options} {environment}")
        check("--leaks" in options or (GREEN in output) == colours, output)


@case
def baselines_that_do_not_fit_are_told(tools):
    log = tools.trace(tools.fixture("leaky")).log
    other = tools.trace(tools.fixture("basic")).log
    text = compared(tools, other, log,
                    warned=b"another program: fixture_basic, and this is fixture_leaky")
    check("gone" in text and "new" in text, text)
    part = saved(tools, log, "--to=0.001")
    compared(tools, part, log, warned=b"other options")
    compared(tools, saved(tools, log), log, "--group-by=thread", status=2, warned=b"without threads")
    compared(tools, log, log, "--process=1", status=2, warned=b"the log has no process 1")
    compressed = tools.trace(tools.fixture("leaky"), log=tools.log(".cbor.zst")).log
    check("No site changed." in compared(tools, compressed, log), "compressed log")
    cut = tools.log()
    with open(log, "rb") as file, open(cut, "wb") as out:
        out.write(file.read()[:-20])
    compared(tools, cut, log, warned=b"truncated")
    compared(tools, saved_truncated(tools, cut), log, warned=b"truncated")


def saved_truncated(tools, log):
    path = tools.log(".json")
    check(b"truncated" in tools.run(tools.analyzer, f"--save={path}", log).stderr, "no warning")
    return path


@case
def wrong_baselines_are_errors(tools):
    log = tools.trace(tools.fixture("basic")).log
    with open(saved(tools, log), encoding="utf-8") as file:
        good = json.load(file)
    path = tools.log(".json")

    def refused(data, told):
        with open(path, "wb") as file:
            file.write(data)
        compared(tools, path, log, status=3, warned=path.encode() + b": " + told)
    for data, told in ((b"", b"empty"), (b"{", b"no JSON"), (b"{}", b"JSON, but not of --save"),
                       (b"[" * 100000, b"no JSON"), (b"[]", b"JSON, but not"),
                       (b"{\"schema\": 1}", b"JSON, but not"), (b"\x00\x01", b""),
                       (json.dumps(good).encode()[:-100], b"no JSON"),
                       (b"{\"a\": 1" + b"0" * 400 + b"}", b"no JSON")):
        with open(path, "wb") as file:
            file.write(data)
        result = tools.run(tools.analyzer, f"--compare={path}", log)
        equal((result.returncode, result.stdout), (3, b""), f"{data[:40]} ({result.stderr})")
        check(path.encode() in result.stderr and told in result.stderr, result.stderr)
        check(b"the baseline: " in result.stderr, result.stderr)
    plain = tools.analyze(log, "--json").encode()
    refused(plain, b"a report of --json, without the stacks")

    def damaged(change, told):
        report = json.loads(json.dumps(good))
        change(report["stacks"] if told else report)
        refused(json.dumps(report).encode(), b"not as --save writes it: " + told if told
                else b"")

    def put(name, index, value):
        return lambda stacks: stacks[name][index].__setitem__(*value)
    huge = 2 ** 63 - 1
    for change, told in (
            (lambda stacks: stacks.pop("rows"), b"no array rows"),
            (lambda stacks: stacks.update(split="cpu"), b"no split"),
            (lambda stacks: stacks["strings"].__setitem__(1, 5), b"strings[1]"),
            (lambda stacks: stacks["columns"].__setitem__(0, "x"), b"columns["),
            (lambda stacks: stacks["columns"].extend(["x"] * 100), b"columns["),
            (put("stacks", 0, (0, 1)), b"stacks[0]"), (put("stacks", 0, (1, 0)), b"stacks[0]"),
            (put("stacks", 0, (1, 10 ** 9)), b"stacks[0]"),
            (put("stacks", 0, (1, -1)), b"stacks[0]"), (put("stacks", 0, (1, "1")), b"stacks[0]"),
            (put("frames", 2, (1, 10 ** 9)), b"frames[2]"),
            (put("frames", 2, (0, 1.5)), b"frames[2]"),
            (lambda stacks: stacks["frames"].__setitem__(0, [0, 0, 0, 1]), b"frames[0]"),
            (lambda stacks: stacks["frames"].__setitem__(0, {}), b"frames[0]"),
            (put("processes", 0, (1, 1)), b"processes[0]"),
            (put("threads", 0, (1, 2)), b"threads[0]"), (put("threads", 0, (1, 0)), b"threads[0]"),
            (put("rows", 0, (0, 10 ** 9)), b"rows[0]"), (put("rows", 0, (1, 7)), b"rows[0]"),
            (put("rows", 0, (3, -1)), b"rows[0]"),
            (lambda stacks: stacks["rows"].__setitem__(0, []), b"rows[0]"),
            (lambda stacks: [row.__setitem__(3, huge) for row in stacks["rows"][:3]], b"rows[2]")):
        damaged(change, told)
    damaged(lambda report: report["schema"].update(version=2), b"")
    damaged(lambda report: report["summary"].update(peak_memory="1"), b"")
    damaged(lambda report: report.pop("summary"), b"")
    for missing in (tools.folder, tools.log(".missing")):
        compared(tools, missing, log, status=3, warned=b"the baseline: cannot ")
        compared(tools, missing, log, status=3, warned=missing.encode())
    compared(tools, log, log, "--process=1", status=2, warned=b"--process: the log has no process")


@case
def a_saved_number_that_is_missing_is_not_taken_for_0(tools):
    log = tools.trace(tools.fixture("basic")).log
    with open(saved(tools, log), encoding="utf-8") as file:
        good = json.load(file)
    path = tools.log(".json")

    def refused(report, told):
        with open(path, "w", encoding="utf-8") as file:
            json.dump(report, file)
        compared(tools, path, log, "--fail-if=growth>0", status=3, warned=told.encode())

    def without(of, name):
        return {key: value for key, value in of.items() if key != name}
    # What --save adds for other readers is not needed.
    needed = set(good["summary"]) - {"processes", "threads", "attached", "truncated"}
    check(len(needed) > 20, needed)
    for name in needed:
        refused({**good, "summary": without(good["summary"], name)},
                f"the baseline: {path}: not as --save writes it: the summary has no number {name}")
    columns = good["stacks"]["columns"]
    for i, name in enumerate(columns):
        if name in ("stack", "process", "thread"):
            continue
        stacks = {**good["stacks"], "columns": columns[:i] + ["other"] + columns[i + 1:]}
        refused({**good, "stacks": stacks},
                f"{path}: not as --save writes it: a row of the stacks has no number {name}")
    with open(path, "w", encoding="utf-8") as file:
        json.dump({**good, "summary": {**good["summary"], "added_since": 1}}, file)
    check("No site changed." in compared(tools, path, log), "a member that is not known")


@case
def names_that_are_no_utf8_compare_with_what_was_saved(tools):
    """JSON cannot hold them as they are."""
    record = hostile_log.encode
    name = b"f\xff\x80;\x1b[31mx\xe2\x80\xae"
    text = record(name)
    text = bytes([text[0] + 0x20]) + text[1:] # a text string, and no UTF-8
    symbol = b"\x83\x07\x01\x81\x83" + text + record("a.c") + record(1)
    log = tools.log()
    with open(log, "wb") as file:
        file.write(hostile_log.HEADER + b"".join(map(record, (
            [hostile_log.PROCESS, 1, 0, 0, 7, "/bin/x", []], [hostile_log.THREAD, 1, 1, 7, "x"],
            [hostile_log.FRAME, 1, 0, 1, 0]))) + symbol + b"".join(map(record, (
                [hostile_log.STACK, 1, 0, 1], hostile_log.alloc(1, 1)))) + hostile_log.END)
    check("No site changed." in compared(tools, saved(tools, log), log), "names")
