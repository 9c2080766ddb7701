# SPDX-License-Identifier: MIT
"""--help and the man pages: complete, correct in form, and with examples that work."""
import html
import os
import pathlib
import re
import shutil
import subprocess

from command_line import both
from harness import case, check, equal, need

SOURCE = pathlib.Path(__file__).parents[2]
WIDEST = 90


def page(name):
    return SOURCE / "docs" / f"{name}.1"


@case
def help_tells_each_option_and_how_it_takes_a_value(tools):
    for line, folder in zip(both(tools), ("tracer", "output/analyze")):
        # What getopt_long() accepts can only be read in the table that it is given.
        table = (SOURCE / folder / "options.c").read_text(encoding="utf-8")
        kinds = {"no": "", "required": "=", "optional": "[="}
        accepted = {"--" + name: kinds[kind] for name, kind in
                    re.findall(r'\{"([-\w]+)", (no|required|optional)_argument,', table)}
        equal(line.values, accepted, f"options of {line.name}")
        for option, value in line.values.items():
            if option in ("--help", "--version"):
                continue
            check(("needs a value" in line.told(option)) == (value == "="), option)
            check(("takes no value" in line.told(option + "=x!")) == (value == ""), option)
        for option in line.short:
            check("unknown option" not in line.told(option, "--help"), option)
        for option, words in line.words.items():
            for word in words:
                # The growth of each number is told in one sentence.
                check(re.search(rf"(?<![-\w]){word.removesuffix('-growth')}(?![-\w])", line.help),
                      f"{line.name} --help has no {word} for {option}")


@case
def help_fits_a_terminal_and_is_grouped(tools):
    for line in both(tools):
        for text in line.help.splitlines():
            check(len(text) <= WIDEST, f"{line.name} --help: {len(text)} columns: {text}")
        option_lines = re.findall(r"^ {2}.*$", line.help, re.M)
        check(option_lines and len(re.findall(r"^[A-Z][^.\n]*:$", line.help, re.M)) >= 4, line.help)


def marked(text, macro):
    """What an mdoc macro marks in a page's HTML, each as it is written on the command line."""
    found = re.findall(rf'<(?:code|a) class="{macro}"[^>]*>(.*?)</(?:code|a)>', text)
    return {html.unescape(re.sub(r"<[^>]*>", "", one)) for one in found}


@case
def man_pages_tell_each_option_and_word(tools):
    mandoc = need("mandoc")
    for line in both(tools):
        text = tools.run(mandoc, "-T", "html", page(line.name)).stdout.decode()
        # The heads of lists: what a page says of its own program.
        described = set()
        for head in re.findall(r"<dt[^>]*>.*?</dt>", text, re.S):
            described |= {word for word in marked(head, "Fl") if word.startswith("--")}
        equal(described, line.long, f"options in {line.name}(1)")
        missing = line.short - marked(text, "Fl")
        check(not missing, f"{line.name}(1) has no {missing}")
        words = {word for option in line.words.values() for word in option
                 if not word.endswith("-growth")}
        missing = words - marked(text, "Cm")
        check(not missing, f"{line.name}(1) has no {missing}")


@case
def man_pages_are_correct_mdoc(tools):
    mandoc = need("mandoc")
    for line in both(tools):
        told = tools.run(mandoc, "-T", "lint", "-W", "style", page(line.name)).stdout.decode()
        faults = [fault for fault in told.splitlines() if not re.search(
            # The width of the source, and which other manuals this machine has, do not matter.
            r"longer than 80 bytes|referenced manual not found|outdated mandoc.db", fault)]
        check(not faults, "\n".join(faults))
        groff = shutil.which("groff")
        if groff:
            told = tools.run(groff, "-mdoc", "-ww", "-z", "-Tutf8", page(line.name)).stderr
            equal(told, b"", f"warnings of groff for {line.name}(1)")


def examples(name):
    """The commands of a page's EXAMPLES, each with its continuation lines."""
    text = page(name).read_text(encoding="utf-8").split("\n.Sh EXAMPLES\n")[1].split("\n.Sh ")[0]
    blocks = re.findall(r"^\.Bd -literal.*\n((?:.*\n)*?)\.Ed$", text, re.M)
    joined = "".join(blocks).replace("\\e\n", "")
    return joined.splitlines()


class Folder:
    """Where the commands of documents are run, as its readers run them. Programs that examples
    hand on to and that are missing here are replaced by one that reads all."""

    def __init__(self, tools, program):
        self.tools = tools
        self.path = os.path.join(tools.folder, "examples")
        programs = os.path.join(self.path, "bin")
        os.makedirs(programs)
        os.symlink(os.path.abspath(tools.tracer), os.path.join(programs, "allocptrace"))
        os.symlink(os.path.abspath(tools.analyzer), os.path.join(programs, "allocptrace-analyze"))
        os.symlink(os.path.abspath(program), os.path.join(self.path, "demo"))
        for name in ("flamegraph.pl", "go", "ms_print", "sqlite3", "jq"):
            if not shutil.which(name):
                with open(os.path.join(programs, name), "w", encoding="utf-8") as file:
                    file.write("#!/bin/sh\n[ -t 0 ] || cat\n")
                os.chmod(file.name, 0o755)
        self.environment = {**os.environ, "PATH": f"{programs}:{os.environ['PATH']}",
                            "HOME": tools.folder}

    def run(self, command, statuses=(0,)):
        result = self.tools.run("bash", "-o", "pipefail", "-c", command, cwd=self.path,
                                env=self.environment)
        check(result.returncode in statuses,
              f"{command}: {result.returncode}: {result.stdout} {result.stderr}")
        return result


@case
def examples_of_the_analyzers_man_page_work(tools):
    folder = Folder(tools, tools.fixture("basic"))
    commands = examples("allocptrace-analyze")
    check(len(commands) > 10, commands)
    for log in ("demo.cbor", "new.cbor"):
        tools.trace(tools.fixture("basic"), log=os.path.join(folder.path, log))
    for command in commands:
        # The program leaks: a gate may trip.
        result = folder.run(command, (0, 1) if "--fail-if" in command else (0,))
        made = re.findall(r"--(?:flamegraph|timeline|save)=(\S+)|--(?:export|view)=[-\w]+:(\S+)|"
                          r"> (\S+)$", command)
        for file in {name for names in made for name in names if name}:
            check(os.path.getsize(os.path.join(folder.path, file)), f"{command}: {file} is empty")
        check(made or result.stdout, f"{command} prints nothing")


@case
def examples_of_the_tracers_man_page_work(tools):
    folder = Folder(tools, tools.fixture("basic"))
    commands = examples("allocptrace")
    check(len(commands) > 5, commands)
    with subprocess.Popen(["sleep", "600"]) as running:
        try:
            for command in commands:
                command = command.replace("-p 4711", f"-p {running.pid}")
                folder.run(command.replace("--duration=10", "--duration=0.1"))
        finally:
            running.kill()


@case
def commands_of_the_readme_work(tools):
    folder = Folder(tools, tools.fixture("basic"))
    text = (SOURCE / "README.md").read_text(encoding="utf-8")
    commands = re.findall(r"`(allocptrace-analyze [^`]*LOG)`", text)
    check(len(commands) > 15, commands)
    tools.trace(tools.fixture("basic"), log=os.path.join(folder.path, "LOG"),
                options=("--leak-check=reachable",))
    (pathlib.Path(folder.path) / "known.supp").write_text("leak:no_such_function\n")
    for command in commands:
        folder.run(command)
    for linked in re.findall(r"\]\(([^):]*)\)", text):
        check((SOURCE / linked).exists(), linked)


@case
def the_recipe_for_ci_passes_what_is_the_same_and_fails_what_grew(tools):
    folder = Folder(tools, tools.fixture("compare"))
    text = (SOURCE / "docs/ci.md").read_text(encoding="utf-8")
    save, compare, suppress = re.findall(r"^```sh\n(.*?)^```$", text, re.M | re.S)
    demo = os.path.join(folder.path, "demo")
    folder.run(save)
    for version, status in (("compare_moved", 0), ("compare_changed", 1)):
        os.unlink(demo)
        os.symlink(os.path.abspath(tools.fixture(version)), demo)
        told = folder.run(compare, (status,)).stderr.decode()
        check(("leaked-growth > 0" in told) == bool(status), told)
        check(os.path.getsize(os.path.join(folder.path, "heap-changes.svg")), "no flame graph")
    folder.run(suppress)
