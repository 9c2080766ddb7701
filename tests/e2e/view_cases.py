# SPDX-License-Identifier: MIT
"""The views of a heap's life, against what a fixture knows of itself."""
import re
import sqlite3

from harness import case, check, equal


def life(tools, *words, options=(), status=0):
    """Traces the fixture; its log and its own account."""
    result = tools.trace(tools.fixture("life"), *words, options=options)
    equal(result.returncode, status, f"exit status ({result.stderr})")
    line = re.search(rb"^life (.*)$", result.stdout, re.M).group(1).decode()
    return result.log, {key: int(value)
                        for key, value in (word.split("=") for word in line.split())}


def number(text):
    return int(text.replace(",", ""))


def line_with(text, function):
    """The numbers in the table's line of a function, and the line."""
    lines = [line for line in text.splitlines() if re.search(rf"\b{function} \(", line)]
    equal(len(lines), 1, f"lines of {function} in {text}")
    return lines[0]


@case
def growth_tells_how_often_a_buffer_moved(tools):
    log, account = life(tools)
    text = tools.analyze(log, "--view=growth", "-v", "--group-by=function", "--filter=grow_buffer")
    line = line_with(text, "grow_buffer")
    found = re.search(r"([\d,]+) bytes\s+([\d,]+)\s+([\d,]+)\s+([\d,]+)\s+"
                      r"(\d+): 16 bytes to 1,048,576 bytes", line)
    check(found, line)
    equal([number(group) for group in found.groups()],
          [account["copied"], account["resized"], account["moved"], 1, account["chain"]], line)
    site, = [site for site in tools.json(log, "--group-by=function")["allocations"]
             if site["function"] == "grow_buffer"]
    equal([site[key] for key in ("copied_bytes", "reallocations", "moved", "longest_growth")],
          [account[key] for key in ("copied", "resized", "moved", "chain")], site)


@case
def cross_thread_frees_are_counted_by_site_and_pair(tools):
    log, account = life(tools)
    text = tools.analyze(log, "--view=cross-thread", "--group-by=function")
    line = line_with(text, "make_for_another")
    equal(number(line.split()[1]), account["handed"], line)
    equal(line.split()[3], "100.0%", line)
    pairs = text.split("allocated by -> freed by\n")[1].splitlines()
    equal(number(pairs[0].split()[0]), account["handed"], pairs[0])
    check(pairs[0].count("fixture_life (thread") == 2, pairs[0])


@case
def temporary_and_failed_calls_are_listed(tools):
    log, account = life(tools)
    line = line_with(tools.analyze(log, "--view=temporary", "--group-by=function"),
                     "use_and_throw_away")
    equal(number(line.split()[1]), account["temporary"], line)
    equal(line.split()[3], "100.0%", line)
    text = tools.analyze(log, "--view=failed", "--group-by=function")
    check(text.startswith(f"Failed: {account['failed']} calls"), text)
    equal(number(line_with(text, "ask_for_too_much").split()[1]), account["failed"], text)


@case
def older_than_leaves_out_young_blocks(tools):
    log, account = life(tools)
    for options, blocks in ((), account["old"] + account["young"]), \
                           (("--older-than=0.5",), account["old"]), \
                           (("--older-than=3600",), 0):
        report = tools.json(log, *options, "--group-by=function")
        kept = [site["leaked_count"] for site in report["allocations"]
                if site["function"] == "keep"]
        equal(sum(kept), blocks, f"blocks not freed with {options}")
    result = tools.run(tools.analyzer, "--older-than=1", untimed(tools))
    equal(result.returncode, 2, "status for a log without times")


def untimed(tools):
    return life(tools, options=("--no-timestamps",))[0]


@case
def histograms_have_all_blocks(tools):
    log, _ = life(tools)
    summary = tools.json(log)["summary"]
    for view in "sizes", "lifetimes":
        for path in log, untimed(tools):
            text = tools.analyze(path, f"--view={view}", "-v")
            rows = re.findall(r"^.{20} +([\d,]+) +[\d.]+% +([\d,]+) bytes?\b", text, re.M)
            check(len(rows) > 2, text)
            equal(sum(number(count) for count, _ in rows), summary["total_allocations"], view)
            equal(sum(number(size) for _, size in rows), summary["total_bytes_allocated"], view)
    for buckets in tools.json(log)["histograms"]["sizes"], tools.json(log)["histograms"]["lifetimes"]:
        equal(sum(bucket["count"] for bucket in buckets), summary["total_allocations"], buckets)
        equal(sum(bucket["bytes"] for bucket in buckets), summary["total_bytes_allocated"],
              buckets)
    text = tools.analyze(log, "--view=lifetimes", "-v", "--filter=keep")
    check("not freed" in text and "under 1" not in text, text)


@case
def peak_view_adds_up_to_the_peak(tools):
    log, _ = life(tools)
    text = tools.analyze(log, "--view=peak", "-v", "--limit=0")
    rows = re.findall(r"^ *[\d.]+% +([\d,]+) bytes? +([\d,]+) ", text, re.M)
    equal(sum(number(size) for size, _ in rows), tools.json(log)["summary"]["peak_memory"], text)
    blocks = number(re.search(r"in ([\d,]+) blocks", text).group(1))
    equal(sum(number(count) for _, count in rows), blocks, text)


@case
def threads_are_listed_with_what_others_free(tools):
    log, account = life(tools)
    text = tools.analyze(log, "--view=threads")
    line = [line for line in text.splitlines() if "fixture_life (thread" in line][0]
    equal(number(re.split(r"\s{2,}", line.strip())[-3].split()[0]), account["handed"], line)


@case
def a_double_free_is_told_with_both_places(tools):
    log, _ = life(tools, "twice", status=128 + 6)
    text = tools.analyze(log, "--view=bad-frees")
    check("1 of addresses" in text and "1 double frees" in text, text)
    check(re.search(r"^Double free of 0x[0-9a-f]+ at [\d.]+ \w+ in fixture_life \(thread \d+\)$",
                    text, re.M), text)
    check("it was 77 bytes allocated at" in text and "main (life.c:" in text, text)


@case
def cumulative_shares_reach_main(tools):
    log, _ = life(tools)
    text = tools.analyze(log, "--group-by=function", "--sort-by=cumulative", "--limit=0",
                         "--metric=allocations")
    check(re.search(r"^ *0\.0% +100\.0% .* main \(life\.c\)$", text, re.M), text)
    line = line_with(text, "grow_buffer")
    equal(line.split()[0], line.split()[1], "self and cumulative of a leaf")


@case
def a_table_without_sites_says_so_in_one_line(tools):
    log, _ = life(tools)
    tables = [f"--view={name}" for name in ("peak", "temporary", "growth", "slack", "failed",
                                            "long-lived", "threads", "cross-thread")]
    tables += ["--metric=leaked", "--sort-by=count", "--tree=top-down", "--tree=bottom-up"]
    passes = "passes --filter, --min-count and --threshold-bytes"
    for table in tables:
        heads = [line for line in tools.analyze(log, table).splitlines()
                 if re.search(r" (where|function)$", line)]
        equal(len(heads), 1, f"{table}: heads of columns")
        for option in ("--filter=nothing_of_that_name", "--min-count=1000000000",
                       "--threshold-bytes=1000000000000"):
            lines = tools.analyze(log, table, option).splitlines()
            said = [line for line in lines if passes in line]
            equal(len(said), 1, f"{table} {option}: {lines}")
            check(re.match(r"No (site|thread|stack) ", said[0]), said)
            check(not set(heads) & set(lines), f"{table} {option}: {lines}")
    said = tools.analyze(log, "--view=growth", "--filter=use_and_throw_away", "--group-by=function")
    check(said.endswith(f"\nNo function that {passes} has reallocations.\n"), said)
    # Of the beginning there is nothing, whatever is chosen.
    for table, told in (("--view=temporary", "No site has temporary allocations."),
                        ("--view=threads", "No thread has allocations."),
                        ("--tree=top-down", "No stack has any.")):
        lines = tools.analyze(log, table, "--to=0").splitlines()
        equal(lines[-1], told, table)
        check(not any(re.search(r" (where|function)$", line) for line in lines), lines)


@case
def a_filter_changes_no_total_of_the_log(tools):
    log, _ = life(tools)
    chosen = "--filter=use_and_throw_away"

    def first_lines(*options):
        return [tools.analyze(log, *options, *more).splitlines()[0] for more in ((), (chosen,))]
    for view in "peak", "temporary", "growth", "slack", "failed", "long-lived", "cross-thread":
        before, after = first_lines(f"--view={view}")
        equal(before, after, view)
    before, after = first_lines("--leaks")
    check(after.startswith(before.split(", from ")[0] + "; chosen of them: 0 bytes in 0"), after)
    whole, part = tools.json(log), tools.json(log, chosen)
    for member in "summary", "histograms":
        equal(part[member], whole[member], member)
    weight = sum(site["total_bytes"] for site in part["allocations"])
    share = f"{100 * weight / whole['summary']['total_bytes_allocated']:.1f}%"
    table = tools.analyze(log, "--metric=bytes", "--group-by=function", chosen)
    equal(line_with(table, "use_and_throw_away").split()[0], share, "share of the log's total")
    # Of what is chosen only:
    before, after = first_lines("--view=sizes")
    equal(after, f"Sizes of {sum(site['count'] for site in part['allocations']):,} blocks", before)
    before, after = first_lines("--tree=top-down")
    check(f"({weight:,} bytes), chosen of all" in after or f": {weight:,} bytes, chosen" in after,
          after)


@case
def long_lived_blocks_are_told_with_their_ages(tools):
    log = tools.trace(tools.fixture("leaky")).log
    path = tools.log(".db")
    tools.analyze(log, f"--export=sqlite-blocks:{path}")
    ages = {}
    for function, end, age, size in sqlite3.connect(path).execute(
            'SELECT function, "end", ended_at - allocated_at, size FROM blocks'
            " JOIN stacks ON stacks.id = stack"
            " JOIN lines ON lines.frame = site_frame AND position = site_position"):
        ages.setdefault(function, {}).setdefault(end, []).append((age, size))
    text = tools.analyze(log, "--view=long-lived", "-v", "--group-by=function")
    held = {function: sum(age * size for age, size in ends["left"])
            for function, ends in ages.items() if "left" in ends}
    lines = text.splitlines()[3:]
    equal([re.split(r"\s{2,}", line)[-1].split()[0] for line in lines],
          sorted(held, key=held.get, reverse=True), text)
    for line in lines:
        share, size, count, oldest, mean, freed, life, function = re.split(r"\s{2,}", line.strip())
        left = [age for age, _ in ages[function.split()[0]]["left"]]
        gone = [age for age, _ in ages[function.split()[0]].get("freed", [])]
        equal(number(size.split()[0]), sum(n for _, n in ages[function.split()[0]]["left"]), line)
        equal((number(count), number(freed)), (len(left), len(gone)), line)
        close(seconds(oldest), max(left) / 1e9, line)
        close(seconds(mean), sum(left) / len(left) / 1e9, line)
        if gone:
            close(seconds(life), sum(gone) / len(gone) / 1e9, line)
        else:
            equal(life, "-", line)
        part = 100 * held[function.split()[0]] / sum(held.values())
        check(abs(float(share[:-1]) - part) < 0.06, f"{line}: {part}")
    check(len(lines) > 2 and max(seconds(re.split(r"\s{2,}", line.strip())[3])
                                 for line in lines) > 0.01, text)
    rest = tools.analyze(log, "--view=long-lived", "--older-than=3600")
    check(rest.startswith("Long-lived: 0 bytes in 0 blocks not freed\n"), rest)
    untimed_text = tools.analyze(untimed(tools), "--view=long-lived", "--group-by=function")
    check(re.search(r"\d+ events", line_with(untimed_text, "keep")), untimed_text)


def seconds(text):
    value, unit = text.split()
    return float(value) * {"s": 1, "ms": 1e-3, "us": 1e-6}[unit]


def close(told, value, line):
    """As precise as the digits of a report are."""
    check(abs(told - value) <= 0.001 * value + 1e-7, f"{line}: {value}")


@case
def views_are_named_when_one_is_unknown(tools):
    result = tools.run(tools.analyzer, "--view=nonsense", "x.cbor")
    equal(result.returncode, 2, "status")
    for name in "peak", "growth", "sizes", "bad-frees":
        check(name in result.stderr.decode(), result.stderr)
