# SPDX-License-Identifier: MIT
"""Exports for valgrind's viewers, against valgrind itself and against the viewers' own code."""
import glob
import json
import os

from harness import Skip, case, check, equal, need

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
