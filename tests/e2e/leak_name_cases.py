# SPDX-License-Identifier: MIT
"""Names of the variables that leak checks find blocks in."""
import os
import re

from harness import case, check, equal, need
from leak_log import GLOBAL
from log_records import records
from program_cases import ENVIRONMENT, script

REACHABLE = "--leak-check=reachable"
MODULE, ROOT = 3, 26

PROGRAM, LIBRARY = "fixture_leaks_names", "libfixture_leaks_names_library.so"
NAMES = {
    1001: ("global", "exported", PROGRAM),
    1002: ("global", "hidden", PROGRAM),
    1003: ("global", "of_this_file", PROGRAM),
    1004: ("tls", "of_a_thread+0x18", None),
    1005: ("global", "table+0x10", PROGRAM),
    1006: ("global", "cache::(anonymous namespace)::anonymous", PROGRAM),
    1007: ("global", "cache::Entries::first", PROGRAM),
    1008: ("global", "keep_in_function(void*)::kept", PROGRAM),
    1009: ("global", "names_shared", LIBRARY),
    1010: ("global", "kept+0x8", LIBRARY),
}


def roots(tools, program):
    """{size of a block: (kind, name, module's file) of its root}, and the roots themselves."""
    result = tools.trace(program, options=(REACHABLE,))
    equal(result.returncode, 0, f"exit status ({result.stderr})")
    checked, = tools.json(result.log)["leak_checks"]
    found = {site["bytes"]: site["path"]["root"] for site in checked["sites"]
             if site["bytes"] in NAMES and site["blocks"] == 1}
    return result.log, {size: (root["kind"], root["name"], root["module"] and
                               os.path.basename(root["module"])) for size, root in found.items()}


def stripped(tools, *options, name=PROGRAM):
    """A copy without what options take away, and its debug file, which is elsewhere."""
    folder = tools.log("")
    os.mkdir(folder)
    copy, symbols = os.path.join(folder, name), os.path.join(folder, name + ".debug")
    program = tools.fixture("leaks_names")
    for words in (("objcopy", "--only-keep-debug", program, symbols),
                  ("strip", *options, "-o", copy, program)):
        equal(tools.run(*words).returncode, 0, words)
    return copy, symbols


@case
def variables_of_all_kinds_are_named(tools):
    log, found = roots(tools, tools.fixture("leaks_names"))
    equal(found, NAMES, "roots")
    text = tools.analyze(log, "--leaks=full", "--leak-kinds=all", "--limit=0")
    for line in ("global table+0x10 in fixture_leaks_names\n      -> 1,005 bytes of these",
                 "thread-local of_a_thread+0x18 of ",
                 "global kept+0x8 in libfixture_leaks_names_library.so\n"):
        check("  reached from\n    " + line in text, f"{line} is missing in {text}")


@case
def a_stripped_program_tells_only_what_it_exports(tools):
    need("objcopy", "strip")
    copy, _ = stripped(tools)
    log, found = roots(tools, copy)
    exported = tools.run("nm", "-D", "--defined-only", copy).stdout.decode().split()
    wanted = {size: (kind, name if module == LIBRARY or name in exported else None, module)
              for size, (kind, name, module) in NAMES.items()}
    equal(found, wanted, "roots")
    text = tools.analyze(log, "--leaks=full", "--limit=0")
    check(re.search(r"reached from\n    global data at 0x[0-9a-f]+ in fixture_leaks_names\n"
                    r"      -> 1,005 bytes", text), text)


@case
def a_separate_debug_file_has_the_names(tools):
    need("objcopy", "strip")
    copy, symbols = stripped(tools)
    equal(tools.run("objcopy", f"--add-gnu-debuglink={symbols}", copy).returncode, 0, "objcopy")
    equal(roots(tools, copy)[1], NAMES, "roots")


def variables(tools, path):
    """(address, size, name) of a file's symbols for data, as nm has them."""
    found = []
    for options in ((), ("-D",)):
        text = tools.run("nm", "-S", "--defined-only", *options, path).stdout.decode()
        for address, size, kind, name in re.findall(
                r"^([0-9a-f]+) ([0-9a-f]+) (\w) ([^@\n]+)", text, re.M):
            if kind.lower() in "bdgsvu":
                found.append((int(address, 16), int(size, 16), name))
    return found


def names_are_those_of_nm(tools, *command, wanted):
    """All globals of a program's checks, against the files' symbol tables."""
    need("nm")
    result = tools.trace(*command, options=(REACHABLE,), env=ENVIRONMENT)
    equal(result.returncode, 0, f"exit status ({result.stderr})")
    paths, tables, named = {}, {}, []
    for kind, fields in records(result.log):
        if kind == MODULE:
            paths[fields[0]] = fields[1]
        if kind != ROOT or fields[2] != GLOBAL or not fields[4]:
            continue
        module, address, name = fields[4:7]
        path = paths[module]
        if path not in tables:
            tables[path] = variables(tools, path)
        known = [symbol + (f"+{address - start:#x}" if address > start else "")
                 for start, size, symbol in tables[path] if start <= address < start + size]
        check(not known or name in known, f"{address:#x} in {path}: {name}, not of {known}")
        named += known and [name]
    check(any(re.match(wanted, name) for name in named), f"none like {wanted} in {named}")


@case
def variables_that_programs_export_are_named(tools):
    names_are_those_of_nm(tools, "/usr/bin/perl", "-e", "my %h = (1 .. 100); exit 0",
                          wanted="PL_|environ")
    names_are_those_of_nm(tools, "/usr/bin/python3", "-I", "-S", "-c", "import os; os._exit(0)",
                          wanted="_PyRuntime")
    names_are_those_of_nm(tools, need("sqlite3"), ":memory:", ".read " + script(tools),
                          wanted="")
