# SPDX-License-Identifier: MIT
"""Exports for other tools, each read by the tool itself."""
import json
import os
import re
import resource
import signal
import sqlite3
import stat
import xml.etree.ElementTree as ElementTree

import hostile_log
from hostile_cases import bounded
from harness import Skip, case, check, equal, need

# --json's sums by the names of pprof's sample types.
PPROF_TYPES = {
    "alloc_objects": "count", "alloc_space": "total_bytes", "inuse_objects": "leaked_count",
    "inuse_space": "leaked_bytes", "peak_objects": "peak_count", "peak_space": "peak_bytes",
    "temporary_objects": "temporary", "temporary_space": "temporary_bytes",
}

STREAMED = ("pprof", "speedscope", "valgrind-xml")
KINDS = STREAMED + ("sqlite", "sqlite-blocks")

# What formats break on: quotes, escapes, markup, separators, controls, a line end, a NUL's
# neighbour, C1, a direction override, letters beyond ASCII.
NASTY = "a\"b'c\\d<e>&f;g:h]]>\x01\n\t\x7f\x85\u202e\u00e9\U0001f600{%s}"

# The same as it may be shown: what is not for a terminal is spelled out.
NEUTRAL = NASTY
for unsafe in "\x01\n\t\x7f\x85\u202e":
    NEUTRAL = NEUTRAL.replace(unsafe, "".join(f"\\x{byte:02x}" for byte in unsafe.encode()))


def export(tools, kind, log, *options, status=0):
    """The path of the exported file."""
    tools.runs += 1
    path = os.path.join(tools.folder, f"export{tools.runs}.{kind}")
    tools.analyze(log, f"--export={kind}:{path}", *options, status=status)
    return path


def nasty_log(tools):
    """A log whose every name is as bad as can be, with a leak in a chain of two frames."""
    log = tools.log()
    records = [
        [hostile_log.PROCESS, 1, 0, 0, 100, "/bin/" + NASTY, [NASTY, NASTY]],
        [hostile_log.THREAD, 1, 1, 100, NASTY],
        [hostile_log.MODULE, 1, "/lib/" + NASTY, b"\x01\xff"],
        [hostile_log.FRAME, 1, 1, 0x1000, 0], [hostile_log.FRAME, 2, 1, 0x2000, 0],
        [hostile_log.SYMBOL, 1, [["in" + NASTY, "/src/" + NASTY, 7], ["out" + NASTY, "", 0]]],
        [hostile_log.STACK, 1, 0, 2], [hostile_log.STACK, 2, 1, 1],
        hostile_log.alloc(1, 2), hostile_log.alloc(1, 0), [hostile_log.NOTE, NASTY],
    ]
    with open(log, "wb") as file:
        file.write(hostile_log.HEADER + b"".join(map(hostile_log.encode, records)) +
                   hostile_log.END)
    return log


# ---- All of them ----

COSTLY = (hostile_log.one_chain, hostile_log.inlined_chain, hostile_log.inlined_stacks,
          hostile_log.long_name, hostile_log.stacks_by_threads)


@case
def exports_cost_by_the_size_of_the_log(tools):
    """The hostile logs whose stacks or names could make a file, or the time, grow by a square."""
    log = tools.log()
    for kind in COSTLY:
        data = hostile_log.log_of(kind, 1_300)
        with open(log, "wb") as file:
            file.write(data)
        for export_kind in KINDS:
            path = os.path.join(tools.folder, "hostile")
            result = tools.run(tools.analyzer, f"--export={export_kind}:{path}", log,
                               preexec_fn=bounded(tools, len(data)))
            equal((result.returncode, result.stderr), (0, b""), f"{export_kind} {kind.__name__}")
            check(os.path.getsize(path) < 2000 * len(data), f"{export_kind} {kind.__name__}: size")


@case
def exports_say_when_the_disk_is_full(tools):
    log = nasty_log(tools)
    for kind in STREAMED:
        result = tools.run(tools.analyzer, f"--export={kind}:/dev/full", log)
        equal(result.returncode, 3, f"{kind}: status")
        check(b"No space left on device" in result.stderr, f"{kind}: {result.stderr}")
    # A database wants a regular file; a limit on its size stands for the disk's.
    path = os.path.join(tools.folder, "limited.db")

    def limit():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
    result = tools.run(tools.analyzer, f"--export=sqlite:{path}", log, preexec_fn=limit)
    equal(result.returncode, 3, "sqlite: status")
    check(f"cannot write the database {path}: File too large".encode() in result.stderr,
          f"{result.stderr}")
    result = tools.run(tools.analyzer, "--export=sqlite:/dev/null", log)
    equal(result.returncode, 3, "no regular file: status")
    check(b"cannot write a database to /dev/null: it must be a regular file" in result.stderr,
          f"{result.stderr}")


# ---- pprof ----

def pprof(tools, path, *options):
    result = tools.run(need("go"), "tool", "pprof", "-symbolize=none", *options, path)
    equal(result.returncode, 0, f"go tool pprof ({result.stderr})")
    return result.stdout.decode()


def pprof_top(tools, path, sample_type, *options):
    """The flat values by function, and their total."""
    text = pprof(tools, path, "-top", "-unit=B", "-nodecount=0", "-nodefraction=0",
                 f"-sample_index={sample_type}", *options)
    total = re.search(r"Total samples = (\d+)|% of (\d+)B? total", text)
    flat = {}
    for value, name in re.findall(r"^ *(\d+)B? +\S+% +\S+% +\S+ +\S+% +(.*?)(?: \(inline\))?$",
                                  text, re.M):
        if int(value):
            flat[name] = flat.get(name, 0) + int(value)
    return flat, int(total[1] or total[2]) if total else 0


@case
def pprof_reads_the_sums_of_the_json_report(tools):
    log = tools.trace(tools.fixture("leaky")).log
    path = export(tools, "pprof", log)
    sites = tools.json(log, "--group-by=function")["allocations"]
    for sample_type, key in PPROF_TYPES.items():
        wanted = {}
        for site in sites:
            if site[key]:
                wanted[site["function"]] = wanted.get(site["function"], 0) + site[key]
        flat, total = pprof_top(tools, path, sample_type)
        equal(flat, wanted, sample_type)
        equal(total, sum(wanted.values()), f"total of {sample_type}")
    check("alloc_space/bytes[dflt]" in pprof(tools, path, "-raw"), "default sample type")
    check("peak_space/bytes[dflt]" in
          pprof(tools, export(tools, "pprof", log, "--metric=peak"), "-raw"), "chosen one")


@case
def pprof_has_modules_inlined_lines_and_labels(tools):
    inlined = tools.fixture("inlined")
    raw = pprof(tools, export(tools, "pprof", tools.trace(inlined).log), "-raw")
    # The first mapping is the program's, with its build-id, and holds its locations' addresses.
    notes = tools.run(need("readelf"), "-n", inlined).stdout.decode()
    build_id = re.search(r"Build ID: ([0-9a-f]+)", notes)[1]
    mapping = re.search(r"^Mappings\n(\d+): 0x(\S+)/0x(\S+)/0x0 (\S+) (\S+)", raw, re.M)
    equal(mapping.group(4, 5), (inlined, build_id), "the first mapping")
    addresses = [int(address, 16)
                 for address in re.findall(rf"^ +\d+: 0x(\S+) M={mapping[1]} ", raw, re.M)]
    check(addresses and all(int(mapping[2], 16) <= address < int(mapping[3], 16)
                            for address in addresses), f"addresses outside: {raw}")
    check(re.search(r"^ +\d+: 0x\S+ M=\d+ shapes::Buffer<double>::reserve.*inlined\.cc:\d+ .*\n"
                    r" +(?!\d+: )\S.*inlined\.cc:\d+", raw, re.M), f"no inlined lines: {raw}")
    # Processes are told apart by a label, threads on request.
    log = tools.trace(tools.fixture("fork")).log
    report = tools.json(log, "--group-by=process")
    path = export(tools, "pprof", log)
    for site in report["allocations"]:
        flat, _ = pprof_top(tools, path, "alloc_space", f"-tagfocus=process=.{site['process']}.")
        equal(sum(flat.values()), site["total_bytes"], f"bytes of process {site['process']}")
    log = tools.trace(tools.fixture("threads")).log
    path = export(tools, "pprof", log, "--group-by=thread")
    for site in tools.json(log, "--group-by=thread")["allocations"]:
        flat, _ = pprof_top(tools, path, "alloc_objects", f"-tagfocus=thread=.{site['thread']}.")
        equal(sum(flat.values()), site["count"], f"allocations of thread {site['thread']}")


@case
def pprof_reads_hostile_logs(tools):
    raw = pprof(tools, export(tools, "pprof", nasty_log(tools)), "-raw")
    check("in" + NEUTRAL in raw, f"names: {raw}")
    log = tools.log()
    with open(log, "wb") as file:
        file.write(hostile_log.log_of(hostile_log.one_chain, 2_000))
    flat, _ = pprof_top(tools, export(tools, "pprof", log), "alloc_objects")
    equal(flat, {"0x1": 1999}, "a deep stack's allocations")


# ---- speedscope ----

@case
def speedscope_samples_have_the_sums_of_the_json_report(tools):
    log = tools.trace(tools.fixture("leaky")).log
    with open(export(tools, "speedscope", log, "--metric=leaked"), encoding="utf-8") as file:
        exported = json.load(file)
    sites = tools.json(log, "--group-by=function")["allocations"]
    frames = exported["shared"]["frames"]
    equal(len({(frame["name"], frame.get("file")) for frame in frames}), len(frames),
          "different frames")
    keys = ("total_bytes", "count", "peak_bytes", "leaked_bytes", "temporary")
    for profile, key in zip(exported["profiles"], keys, strict=True):
        flat = {}
        for stack, weight in zip(profile["samples"], profile["weights"], strict=True):
            equal(frames[stack[0]]["name"], "_start", "outermost frame")
            name = frames[stack[-1]]["name"]
            flat[name] = flat.get(name, 0) + weight
        equal(flat, {site["function"]: site[key] for site in sites if site[key]}, key)
        equal(profile["endValue"], sum(flat.values()), f"end of {key}")
    equal(exported["activeProfileIndex"], keys.index("leaked_bytes"), "active profile")
    with open(export(tools, "speedscope", nasty_log(tools)), encoding="utf-8") as file:
        exported = json.load(file)
    equal([frame["name"] for frame in exported["shared"]["frames"]],
          ["[no stack]", "in" + NEUTRAL, "out" + NEUTRAL, f"{NEUTRAL}+0x2000"], "hostile names")


# ---- valgrind-xml ----

def memcheck(tools, *command):
    tools.runs += 1
    path = os.path.join(tools.folder, f"memcheck{tools.runs}.xml")
    tools.run(need("valgrind"), "--leak-check=full", "--show-leak-kinds=all", "--num-callers=50",
              "--xml=yes", f"--xml-file={path}", *command)
    return path


def element_paths(path):
    def paths(element, above):
        here = f"{above}/{element.tag}"
        yield here
        for child in element:
            yield from paths(child, here)
    return set(paths(ElementTree.parse(path).getroot(), ""))


def valgrind_errors(tools, path):
    """The errors as Test::Valgrind's parser reads them."""
    script = os.path.join(os.path.dirname(__file__), "read_valgrind_xml.pl")
    result = tools.run(need("perl"), script, path)
    if b"Can't locate" in result.stderr:
        raise Skip("libtest-valgrind-perl is not installed")
    equal((result.returncode, result.stderr), (0, b""), "reading the XML")
    return [json.loads(line) for line in result.stdout.splitlines()]


def shown(stack):
    """A stack's function, folder, file and line from the program's own frames up to main."""
    names = [frame[2] for frame in stack]
    own = [tuple(frame[2:]) for frame in stack[:names.index("main") + 1]]
    return tuple(frame for frame in own if frame[0] not in ("malloc", "calloc", "realloc", "free"))


def leaks_by_stack(errors):
    sums = {}
    for error in errors:
        if error["kind"].startswith("Leak_"):
            key = shown(error["stack"])
            # Memcheck adds to a block what only it points to, and lists that as well.
            direct = re.search(r"\(([\d,]+) direct", error["what"])
            size = int(direct[1].replace(",", "")) if direct else error["leakedbytes"]
            before = sums.get(key, (0, 0))
            sums[key] = before[0] + error["leakedblocks"], before[1] + size
    return sums


@case
def valgrind_xml_reads_like_memcheck(tools):
    program = tools.fixture("leaky")
    log = tools.trace(program).log
    ours = valgrind_errors(tools, export(tools, "valgrind-xml", log))
    theirs = valgrind_errors(tools, memcheck(tools, program))
    check(len(ours) > 2, f"too few leaks: {ours}")
    equal(leaks_by_stack(ours), leaks_by_stack(theirs), "leaks")
    # The kind claims no more than the log tells.
    equal({error["kind"] for error in ours}, {"Leak_PossiblyLost"}, "kinds")
    summary = tools.json(log)["summary"]
    equal(sum(error["leakedbytes"] for error in ours), summary["leaked_bytes"], "bytes")
    equal(len({error["id"] for error in ours}), len(ours), "unique ids")


@case
def valgrind_xml_has_invalid_frees(tools):
    program = (tools.fixture("frees"), "double")
    log = tools.trace(*program, options=("--free-stacks",)).log
    path = export(tools, "valgrind-xml", log)
    real = memcheck(tools, *program)
    equal(element_paths(path) - element_paths(real), set(), "elements that memcheck has not")
    ours, theirs = ([error for error in valgrind_errors(tools, file)
                     if error["kind"] == "InvalidFree"] for file in (path, real))
    equal([(error["what"], shown(error["stack"])) for error in ours],
          [(error["what"], shown(error["stack"])) for error in theirs], "invalid frees")
    check("inside a block of size 119 " in ours[0]["auxwhat"], ours[0]["auxwhat"])
    equal(ElementTree.parse(path).findtext("errorcounts/pair/count"), "1", "count")
    # Without the stacks of frees the error is there all the same.
    bare = valgrind_errors(tools, export(tools, "valgrind-xml", tools.trace(*program).log))
    equal([frame[2] for frame in bare[0]["stack"]], ["[no stack]"], "unknown stack")


@case
def valgrind_xml_is_well_formed_whatever_the_names(tools):
    path = export(tools, "valgrind-xml", nasty_log(tools))
    root = ElementTree.parse(path).getroot()
    frames = [{child.tag: child.text for child in frame} for frame in root.iter("frame")]
    equal([frame.get("fn") for frame in frames], ["in" + NEUTRAL, "out" + NEUTRAL, None,
                                                  "[no stack]"], "functions")
    equal((frames[0]["dir"], frames[0]["file"], frames[0]["line"]), ("/src", NEUTRAL, "7"), "file")
    equal({frame.get("obj") for frame in frames}, {"/lib/" + NEUTRAL, None}, "objects")
    equal(root.findtext("args/argv/exe"), "/bin/" + NEUTRAL, "program")
    equal(root.findall("preamble/line")[-1].text, NEUTRAL, "note")


# ---- sqlite ----

DOCUMENTATION = os.path.join(os.path.dirname(__file__), "../../docs/sqlite-export.md")


def database(path):
    opened = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    for question in ("PRAGMA integrity_check", "SELECT * FROM pragma_foreign_key_check"):
        check(opened.execute(question).fetchall() in ([("ok",)], []), f"{path}: {question}")
    return opened


def rows(opened, question):
    cursor = opened.execute(question)
    names = [column[0] for column in cursor.description]
    return [dict(zip(names, row)) for row in cursor]


@case
def sqlite_has_the_sums_of_the_json_report(tools):
    log = tools.trace(tools.fixture("leaky")).log
    opened = database(export(tools, "sqlite-blocks", log))
    for view, grouping in (("sites", "line"), ("functions", "function")):
        wanted = tools.json(log, f"--group-by={grouping}")["allocations"]
        ours = rows(opened, f"SELECT * FROM {view}")
        equal(len(ours), len(wanted), f"rows of {view}")
        by_place = {(row["function"], row["module"], row["file"], row.get("line") or 0): row
                    for row in ours}
        for site in wanted:
            row = by_place[site["function"], site["module"], site["file"], site["line"]]
            equal({key: site[key] for key in row if key in site and key != "line"},
                  {key: row[key] for key in row if key in site and key != "line"}, view)
    summary = tools.json(log)["summary"]
    for name, value in opened.execute("SELECT name, value FROM totals"):
        equal(value, summary[name], name)
    # Of a function with all below it; one that calls itself counts once in a stack.
    table = {row["function"]: row for row in rows(opened, "SELECT * FROM cumulative")}
    equal(table["main"]["total_bytes"], summary["total_bytes_allocated"], "bytes below main")
    equal(table["copy_text"]["leaked_count"],
          sum(site["leaked_count"] for site in tools.json(log)["allocations"]
              if site["function"] == "copy_text"), "leaks below copy_text")
    recursion = tools.log()
    with open(recursion, "wb") as file:
        file.write(hostile_log.log_of(hostile_log.one_chain, 100))
    equal(rows(database(export(tools, "sqlite", recursion)),
               "SELECT function, count FROM cumulative"), [{"function": "0x1", "count": 99}],
          "recursion")
    # The same stacks as in --leaks, as text.
    text = tools.analyze(log, "--leaks", "--limit=0")
    for leak in rows(opened, "SELECT * FROM leaks"):
        check("    " + leak["text"].replace("\n", "\n    ") + "\n" in text, f"{leak}: {text}")
    # Each block once, with its size, and in the end the leaks.
    equal(opened.execute("SELECT count(*), sum(size) FROM blocks").fetchone(),
          (summary["total_allocations"], summary["total_bytes_allocated"]), "blocks")
    equal(opened.execute("SELECT count(*), sum(size) FROM blocks WHERE end = 'left'").fetchone(),
          (summary["leaked_blocks"], summary["leaked_bytes"]), "blocks that were left")
    equal(opened.execute("SELECT count(*) FROM blocks WHERE end = 'resized'").fetchone(),
          (summary["total_reallocations"],), "blocks that were resized")
    equal(opened.execute("SELECT max(live) FROM (SELECT sum(change) OVER (ORDER BY at, change) AS"
                         " live FROM (SELECT allocated_at AS at, size AS change FROM blocks UNION"
                         " ALL SELECT ended_at, -size FROM blocks))").fetchone(),
          (summary["peak_memory"],), "the peak")


@case
def sqlite_answers_the_questions_of_its_documentation(tools):
    log = tools.trace(tools.fixture("leaky")).log
    opened = database(export(tools, "sqlite-blocks", log))
    numbers = tools.json(log)["allocations"][0]
    with open(DOCUMENTATION, encoding="utf-8") as file:
        text = file.read()
    questions = re.findall(r"```sql\n(.*?)```", text, re.S)
    check(len(questions) > 5, "no questions in the documentation")
    for question in questions:
        check(opened.execute(question).fetchall(), f"no answer: {question}")
    # All tables, views and columns are told of, and no others.
    for name, kind in opened.execute("SELECT name, type FROM sqlite_schema WHERE sql NOT NULL"):
        line = re.search(rf"^\| `{name}` \| .*$", text, re.M)
        check(line, f"the documentation has no {kind} {name}")
        if kind == "table":
            for row in opened.execute("SELECT name FROM pragma_table_info(?)", (name,)):
                check(f"`{row[0]}`" in line[0] or (name == "sums" and row[0] in numbers),
                      f"{name}.{row[0]} is not described")


@case
def sqlite_tells_processes_and_threads_apart(tools):
    log = tools.trace(tools.fixture("fork")).log
    opened = database(export(tools, "sqlite", log))
    equal(opened.execute("SELECT count(*) FROM sqlite_schema WHERE name = 'blocks'").fetchone(),
          (0,), "table of blocks")
    wanted = {site["process"]: site["count"]
              for site in tools.json(log, "--group-by=process")["allocations"]}
    equal(dict(opened.execute("SELECT pid, sum(count) FROM by_thread GROUP BY pid")), wanted,
          "allocations by process")
    origins = [row[0] for row in opened.execute("SELECT origin FROM processes ORDER BY id")]
    equal(origins, [process["origin"] for process in tools.json(log)["processes"]], "origins")


@case
def sqlite_file_is_a_new_one(tools):
    log = nasty_log(tools)
    path = os.path.join(tools.folder, "here.db")
    target = os.path.join(tools.folder, "target")
    with open(target, "w", encoding="utf-8") as file:
        file.write("precious")
    os.symlink(target, path)
    result = tools.run(tools.analyzer, f"--export=sqlite:{path}", log)
    equal(result.returncode, 3, "status for a symbolic link")
    with open(target, encoding="utf-8") as file:
        equal(file.read(), "precious", "the link's target")
    # A file of the user's is replaced, and not written to by its other name.
    os.unlink(path)
    os.link(target, path)
    equal(tools.analyze(log, f"--export=sqlite:{path}"), "", "output")
    with open(target, encoding="utf-8") as file:
        equal(file.read(), "precious", "the file's other name")
    equal(stat.S_IMODE(os.stat(path).st_mode), 0o600, "mode")
    opened = database(path)
    equal(opened.execute("SELECT function FROM lines ORDER BY frame, position").fetchall(),
          [("[no stack]",), ("in" + NEUTRAL,), ("out" + NEUTRAL,), (f"{NEUTRAL}+0x2000",)], "names")
    equal(os.listdir(tools.folder).count("here.db"), 1, "files")
    check(not [name for name in os.listdir(tools.folder) if name.startswith("here.db-")],
          "a journal was left")
    for other in ("/dev/null", "-"):
        result = tools.run(tools.analyzer, f"--export=sqlite:{other}", log)
        equal(result.returncode, 3, f"status for {other}")
        check(b"regular file" in result.stderr, f"{result.stderr}")
