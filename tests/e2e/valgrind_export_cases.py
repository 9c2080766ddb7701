# SPDX-License-Identifier: MIT
"""Exports for valgrind's viewers, against valgrind itself and against the viewers' own code."""
import glob
import json
import os
import re

from harness import Skip, case, check, equal, need
from hostile_cases import NASTY, check_shown, patched

# Programs that allocate the same on each run, and whose calls are on lines of their own.
DETERMINISTIC = ("basic", "leaky")


def export(tools, kind, log, *options):
    """The path of what is exported, and --json's totals of the same run."""
    path = tools.log("." + kind)
    report = tools.json(log, f"--export={kind}:{path}", *options)
    return path, report["summary"]


def valgrind(tools, tool, *command, options=()):
    """The path of what one of valgrind's tools writes."""
    path = tools.log("." + tool)
    result = tools.run(need("valgrind"), f"--tool={tool}", f"--{tool}-out-file={path}", *options,
                       *command)
    equal(result.returncode, 0, f"valgrind's status ({result.stderr})")
    return path


def shown_in_dh_view(tools, path):
    """What DHAT's viewer makes of a file: the page's text and the numbers of the tree's root."""
    viewers = glob.glob("/usr/lib*/valgrind/dh_view.js")
    if not viewers:
        raise Skip("valgrind's dh_view.js is not installed")
    driver = os.path.join(os.path.dirname(__file__), "dh_view.js")
    result = tools.run(need("node"), driver, viewers[0], path)
    equal(result.returncode, 0, f"node's status ({result.stderr})")
    page = json.loads(result.stdout)
    equal((page["thrown"], page["errors"]), (None, []), "errors of the viewer")
    return page["shown"], page["root"]


def check_dh_view_totals(tools, path, summary):
    shown, root = shown_in_dh_view(tools, path)
    wanted = {"_totalBytes": "total_bytes_allocated", "_totalBlocks": "total_allocations",
              "_atTGmaxBytes": "peak_memory", "_atTGmaxBlocks": "peak_blocks",
              "_atTEndBytes": "leaked_bytes", "_atTEndBlocks": "leaked_blocks"}
    for member, name in wanted.items():
        equal(root[member], summary[name], name)
    return shown


def program_frames(frames):
    """A stack's functions and lines from where the program asked for memory up to main."""
    names = [frame.split(": ", 1)[1] for frame in frames if "/vgpreload_" not in frame]
    ends = [i for i, name in enumerate(names) if name.startswith("main (")]
    return tuple(names[:ends[0] + 1] if ends else names)


def dhat_points(path):
    with open(path, encoding="utf-8") as file:
        data = json.load(file)
    points = {}
    for point in data["pps"]:
        stack = program_frames([data["ftbl"][i] for i in point["fs"]])
        sums = points.setdefault(stack, [0] * 6)
        for i, name in enumerate(("tb", "tbk", "gb", "gbk", "eb", "ebk")):
            sums[i] += point[name]
    return points


@case
def dhat_export_equals_what_dhat_writes(tools):
    for name in DETERMINISTIC:
        program = tools.fixture(name)
        path, _ = export(tools, "dhat", tools.trace(program).log)
        equal(dhat_points(path), dhat_points(valgrind(tools, "dhat", program)), name)


@case
def dhat_export_is_shown_by_its_viewer_with_the_same_totals(tools):
    for name in ("threads", "fork", "inlined", "leaky"):
        log = tools.trace(tools.fixture(name)).log
        path, summary = export(tools, "dhat", log)
        shown = check_dh_view_totals(tools, path, summary)
        check(f"Command: {tools.fixture(name)}" in shown, shown)
    check(": copy_text (leaky.c:" in shown and "/leaky.c" not in shown, shown)
    path, summary = export(tools, "dhat", log, "-vv")
    check("/leaky.c:" in check_dh_view_totals(tools, path, summary), "-vv shows folders")
    path, summary = export(tools, "dhat", log, "-v")
    check("malloc" in check_dh_view_totals(tools, path, summary), "-v shows allocation functions")
    log = tools.trace(tools.fixture("leaky"), options=["--no-timestamps"]).log
    path, summary = export(tools, "dhat", log)
    check("events" in check_dh_view_totals(tools, path, summary), "events are told")


def massif_snapshots(path):
    """Each snapshot's fields, with the lines of its tree as "lines"."""
    snapshots = []
    with open(path, encoding="utf-8") as file:
        for line in file.read().splitlines():
            name, _, value = line.partition("=")
            if name == "snapshot":
                snapshots.append({"lines": []})
            elif name in ("time", "mem_heap_B", "mem_heap_extra_B"):
                snapshots[-1][name] = int(value)
            elif name == "heap_tree":
                snapshots[-1][name] = value
            elif snapshots and re.match(r" *n\d+: ", line):
                snapshots[-1]["lines"].append(line)
    return snapshots


def massif_peak(path):
    peaks = [snapshot for snapshot in massif_snapshots(path) if snapshot["heap_tree"] == "peak"]
    equal(len(peaks), 1, "snapshots that are the peak")
    return peaks[0]


def massif_tree(lines):
    """The bytes of each node by its path of functions and lines, up to main. massif tells of places
    without a live byte as well; what is below the threshold is told in a line without a name."""
    tree, path = {}, []
    for line in lines:
        depth = len(line) - len(line.lstrip())
        size, name = re.match(r" *n\d+: (\d+) (?:0x[0-9A-F]+: )?(.*)", line).groups()
        path[depth:] = [name]
        if int(size) and not any(step.startswith("main (") for step in path[:-1]):
            tree[tuple(path)] = int(size)
    return tree


@case
def massif_export_has_the_peak_and_the_tree_that_massif_has(tools):
    for name in ("leaky", "calloc", "recursion"):
        program = tools.fixture(name)
        path, summary = export(tools, "massif", tools.trace(program).log)
        peak = massif_peak(path)
        equal(peak["mem_heap_B"], summary["peak_memory"], f"{name}: peak")
        other = valgrind(tools, "massif", program,
                         options=("--time-unit=B", "--peak-inaccuracy=0", "--heap-admin=0"))
        equal(massif_tree(peak["lines"]), massif_tree(massif_peak(other)["lines"]), name)


def check_massif(tools, path, summary):
    """What ms_print makes of a file, and the file against the log's totals."""
    snapshots = massif_snapshots(path)
    times = [snapshot["time"] for snapshot in snapshots]
    check(times == sorted(times) and 2 < len(times) <= 100, f"times {times}")
    equal(max(snapshot["mem_heap_B"] for snapshot in snapshots), summary["peak_memory"], "highest")
    equal(massif_peak(path)["mem_heap_B"], summary["peak_memory"], "peak")
    for snapshot in snapshots:
        if snapshot["lines"]:
            total = int(snapshot["lines"][0].split()[1])
            equal(total, snapshot["mem_heap_B"], "a tree's root")
    result = tools.run(need("ms_print"), path)
    equal((result.returncode, result.stderr), (0, b""), "ms_print")
    text = result.stdout.decode()
    number = snapshots.index(massif_peak(path))
    check(f" {number} (peak)" in text and f"{summary['peak_memory']:,}" in text, text)
    return text


@case
def massif_export_is_printed_by_ms_print(tools):
    for name in ("threads", "fork", "leaky"):
        log = tools.trace(tools.fixture(name)).log
        path, summary = export(tools, "massif", log)
        text = check_massif(tools, path, summary)
        check(f"Command:            {tools.fixture(name)}\n" in text and "time(ms)" in text, text)
    last = massif_snapshots(path)[-1]
    equal(last["mem_heap_B"], summary["leaked_bytes"], "what is alive at the end")
    check("copy_text (leaky.c:" in text, text)
    log = tools.trace(tools.fixture("leaky"), options=["--no-timestamps"]).log
    path, summary = export(tools, "massif", log)
    check("time(i)" in check_massif(tools, path, summary), "events")
    equal(massif_snapshots(path)[-1]["time"], summary["events"], "the last event")


@case
def massif_export_has_the_slack_of_each_snapshot(tools):
    log = tools.trace(tools.fixture("leaky")).log
    path, _ = export(tools, "massif", log)
    extra = [snapshot["mem_heap_extra_B"] for snapshot in massif_snapshots(path)]
    check(extra[0] == 0 and extra[-1] > 0, f"extra bytes {extra}")
    peak = massif_peak(path)
    check(0 < peak["mem_heap_extra_B"] < peak["mem_heap_B"], f"the peak's {peak}")


@case
def hostile_names_keep_the_formats_of_event_exports(tools):
    invalid = b"bad\xff\xc0\xaf\x1b[31m;\nn0: 5 x\""
    program = os.path.join(tools.folder, "program" + NASTY)
    patched(tools, "hostile", {b"bad_name_placeholder_0123456789": invalid,
                               b"good_name_placeholder_0123456789": ("ok" + NASTY).encode()},
            program)
    library = os.path.join(tools.fixtures, "libfixture_hostile_library.so")
    result = tools.trace(program, "thread\n+ 1\n", library)
    equal(result.returncode, 0, f"exit status ({result.stderr})")
    paths = {}
    for kind in ("dhat", "massif", "heaptrack"):
        paths[kind], summary = export(tools, kind, result.log)
        with open(paths[kind], "rb") as file:
            data = file.read()
        check_shown(data, kind)
        check(rb"bad\xff" in data.replace(b"\\\\", b"\\"), f"{kind}: the function's name")
    check_dh_view_totals(tools, paths["dhat"], summary)
    check_massif(tools, paths["massif"], summary)
    result = tools.run(need("heaptrack_print"), paths["heaptrack"])
    equal((result.returncode, result.stderr), (0, b""), "heaptrack_print")
    total = f"calls to allocation functions: {summary['total_allocations']} "
    check(total in result.stdout.decode(errors="replace"), result.stdout)
