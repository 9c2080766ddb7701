# SPDX-License-Identifier: MIT
"""The data that --html gives its page, against what the other reports say of the same log."""
import os

import hostile_log
import leak_log
import page_data
from harness import Skip, case, check, equal
from hostile_cases import bounded, count_of, sanitized_build

SUMS = ("count", "total_bytes", "peak_bytes", "peak_count", "leaked_bytes", "leaked_count",
        "temporary", "temporary_bytes", "reallocations", "failed", "copied_bytes", "slack_bytes")


def page_of(tools, log, *options):
    path = tools.log(".html")
    tools.analyze(log, f"--html={path}", *options)
    data = page_data.read(path)
    for table in ("lines", "nodes", "processes", "threads", "rows", "points", "sizes", "lifetimes",
                  "size_bins", "lifetime_bins", "leaks"):
        equal(len({len(column) for column in data[table].values()}), 1, f"columns of {table}")
    return data


def trace(tools, name, *options):
    result = tools.trace(tools.fixture(name), options=options)
    return result.log


@case
def page_has_the_sums_of_the_json_report(tools):
    for name in "leaky", "life", "threads", "fork":
        log = trace(tools, name)
        data, report = page_of(tools, log), tools.json(log)
        equal(data["summary"], report["summary"], name)
        for key in SUMS:
            equal(sum(data["rows"][key]), sum(site[key] for site in report["allocations"]),
                  f"{key} of {name}")
        for kind in "sizes", "lifetimes":
            for key in "count", "bytes":
                equal(sum(data[kind][key]),
                      sum(bucket[key] for bucket in report["histograms"][kind]), f"{kind} {key}")
                equal(sum(data[kind[:-1] + "_bins"][key]), sum(data[kind][key]),
                      f"{kind} by bin of {name}: {key}")
        # By site and thread, too.
        by_thread = tools.json(log, "--group-by=thread")["allocations"]
        threads = data["threads"]
        found = {}
        for thread, size in zip(data["rows"]["thread"], data["rows"]["total_bytes"]):
            key = threads["tid"][thread], data["processes"]["pid"][threads["process"][thread]]
            found[key[0]] = found.get(key[0], 0) + size
        equal(found, {site["thread"]: site["total_bytes"] for site in by_thread
                      if site["total_bytes"] or site["thread"] in found}, f"threads of {name}")


@case
def page_data_of_bins_and_points_agree(tools):
    for name in "leaky", "threads", "waves":
        data = page_of(tools, trace(tools, name))
        bins, points = data["bins"], data["points"]
        equal(len(bins["time"]), len(bins["live"]) + 1, "edges")
        check(bins["time"] == sorted(bins["time"]), bins["time"])
        live, live_bytes, total, total_bytes = {}, {}, 0, 0
        for i in range(len(bins["live"])):
            own = range(bins["points"][i], bins["points"][i + 1])
            equal(sum(points["allocated_bytes"][k] for k in own), bins["allocated_bytes"][i],
                  f"bin {i} of {name}")
            equal(len({points["row"][k] for k in own}), len(own), f"rows of bin {i} of {name}")
            for k in own:
                row = points["row"][k]
                total += points["live"][k] - live.get(row, 0)
                total_bytes += points["live_bytes"][k] - live_bytes.get(row, 0)
                live[row], live_bytes[row] = points["live"][k], points["live_bytes"][k]
            equal((total, total_bytes), (bins["live"][i], bins["live_bytes"][i]),
                  f"alive after bin {i} of {name}")
        for row, count in enumerate(data["rows"]["count"]):
            equal(sum(points["allocated"][k] for k in range(len(points["row"]))
                      if points["row"][k] == row), count, f"row {row} of {name}")


@case
def rows_with_few_bytes_have_fewer_points(tools):
    """With too many points the sums are the same, and of heavy rows nothing is lost."""
    if sanitized_build(tools):
        raise Skip("takes too long under the sanitizers")
    log = tools.log()
    make_log = os.path.join(os.path.dirname(tools.fixtures), "tests", "make_log")
    equal(tools.run(make_log, log, "3000000", "30000").returncode, 0, "make_log")
    data = page_of(tools, log)
    points, bins = data["points"], data["bins"]
    check(len(points["row"]) < 3 << 19, len(points["row"]))
    equal(sum(points["allocated"]), sum(data["rows"]["count"]), "allocations of all points")
    equal(sum(points["allocated"]), data["summary"]["total_allocations"], "and of the log")
    equal(sum(points["allocated_bytes"]), sum(data["rows"]["total_bytes"]), "their bytes")
    numbers = {}
    for row in points["row"]:
        numbers[row] = numbers.get(row, 0) + 1
    order = sorted(range(len(data["rows"]["node"])), key=lambda row: -data["rows"]["total_bytes"][row])
    heavy = sum(numbers[row] for row in order[:1000]) / 1000
    light = sum(numbers[row] for row in order[-1000:]) / 1000
    check(light < 0.8 * heavy, f"{heavy} and {light} points a row")
    live = {}
    for row, size in zip(points["row"], points["live_bytes"]):
        live[row] = size
    equal(sum(live.values()), bins["live_bytes"][-1], "alive at the end")


@case
def page_has_leaks_with_their_paths(tools):
    log = tools.log()
    leak_log.sample().write(log)
    data, report = page_of(tools, log), tools.json(log)
    sites = [site for one in report["leak_checks"] if one["shown"] for site in one["sites"]]
    kinds = ("still_reachable", "possibly_lost", "indirectly_lost", "definitely_lost")
    leaks = data["leaks"]
    found = sorted((kinds[leaks["kind"][i]], leaks["bytes"][i], leaks["blocks"][i],
                    data["texts"][data["lines"]["function"][leaks["site"][i]]])
                   for i in range(len(leaks["kind"])))
    equal(found, sorted((site["kind"], site["bytes"], site["blocks"], site["function"])
                        for site in sites), "records")
    text = tools.analyze(log, "--leaks=full", "--limit=0")
    paths = [path for path in leaks["path"] if path]
    check(paths, leaks)
    for path in paths:
        equal(len(path), len([line for line in path if line and line in text]), path)
    equal([one["check"] for one in data["checks"]], [one["check"] for one in report["leak_checks"]],
          "checks")


@case
def page_has_what_was_not_freed_without_a_check(tools):
    log = trace(tools, "threads")
    leaks, summary = page_of(tools, log)["leaks"], tools.json(log)["summary"]
    equal(set(leaks["kind"]), {4}, "kinds")
    equal(len(set(leaks["node"])), len(leaks["node"]), "nodes")
    equal((sum(leaks["bytes"]), sum(leaks["blocks"])),
          (summary["leaked_bytes"], summary["leaked_blocks"]), "sums")


@case
def page_compares_with_a_baseline(tools):
    before, after = trace(tools, "leaky"), trace(tools, "life")
    data = page_of(tools, after, f"--compare={before}")
    rows = data["comparison"]["rows"]
    for side, log in ("before", before), ("now", after):
        summary = tools.json(log)["summary"]
        equal(sum(rows[side + "_total_bytes"]), summary["total_bytes_allocated"], side)
        equal(sum(rows[side + "_leaked_count"]), summary["leaked_blocks"], side)
    names = {page_data.stack(data, node)[0] for node in rows["node"]}
    check({"malloc"} <= names, names)
    gone = [node for node, count in zip(rows["node"], rows["now_count"]) if not count]
    check(any("parse_header" in page_data.stack(data, node) for node in gone), gone)


@case
def filters_choose_what_the_page_has(tools):
    log = trace(tools, "life")
    data = page_of(tools, log, "--filter=keep")
    names = {data["texts"][data["lines"]["function"][site]] for site in data["rows"]["site"]}
    equal(names, {"keep"}, "sites")
    equal(data["summary"], tools.json(log)["summary"], "totals are the log's")
    equal(len(page_of(tools, log, "--min-count=1000000")["rows"]["node"]), 0, "rows")
    equal(len(page_of(tools, log, "--to=0")["points"]["row"]), 0, "points of nothing")


@case
def hostile_logs_make_a_page_by_their_size(tools):
    log, path = tools.log(), tools.log(".html")
    for kind in hostile_log.KINDS:
        data = hostile_log.log_of(kind, count_of(tools) // 4)
        with open(log, "wb") as file:
            file.write(data)
        result = tools.run(tools.analyzer, f"--html={path}", log,
                           preexec_fn=bounded(tools, len(data)))
        equal((result.returncode, result.stderr), (0, b""), kind.__name__)
        page_data.read(path)
        check(os.path.getsize(path) < (4 << 20) + 8 * len(data), kind.__name__)
