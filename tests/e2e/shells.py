# SPDX-License-Identifier: MIT
"""Asks real shells what they offer to complete a command line with. All of it comes from an
installation in a folder of its own, so that the shells find and load the files by themselves."""
import os
import pty
import re
import shlex
import subprocess

from harness import TIMEOUT, Skip, check, need

COMMAND = "frobnicate"  # a program with completions of its own: COMMAND_WORDS
COMMAND_WORDS = {"alpha", "beta"}
BASH_COMPLETION = "/usr/share/bash-completion/bash_completion"


class Installation:
    def __init__(self, tools):
        self.tools = tools
        self.prefix = os.path.join(tools.folder, "prefix")
        self.work = os.path.join(tools.folder, "work")
        result = tools.run("cmake", "--install", os.path.dirname(tools.fixtures), "--prefix",
                           self.prefix)
        check(result.returncode == 0, f"cmake --install: {result.stderr}")
        os.mkdir(self.work)
        programs = os.path.join(self.prefix, "bin")
        with open(os.path.join(programs, COMMAND), "w", encoding="utf-8") as file:
            file.write("#!/bin/sh\n")
        os.chmod(file.name, 0o755)
        share = os.path.join(self.prefix, "share")
        self.environment = {
            "HOME": tools.folder, "LC_ALL": "C.UTF-8", "TERM": "xterm",
            "PATH": f"{programs}:{os.environ['PATH']}",
            # Where bash-completion and fish look for what is installed.
            "XDG_DATA_DIRS": f"{share}:/usr/local/share:/usr/share",
            "XDG_CONFIG_HOME": tools.folder, "XDG_DATA_HOME": tools.folder,
            "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", ""),
        }
        self.zsh_functions = os.path.join(share, "zsh/site-functions")

    def touch(self, *names):
        for name in names:
            open(os.path.join(self.work, name), "w", encoding="utf-8").close()

    def script(self, text):
        path = self.tools.log(".sh")
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def run(self, *words):
        result = self.tools.run(*words, cwd=self.work, env=self.environment)
        check(result.returncode == 0, f"{words}: {result.stdout} {result.stderr}")
        return result.stdout.decode()


def bare(line, candidate):
    """A candidate without its description and without what stands in the word already: whether a
    shell tells the whole word or only the part behind a '=' or a colon differs."""
    candidate = candidate.split("\t")[0].rstrip()
    word = line.split(" ")[-1]
    for mark in "=:":
        head, found, word = word.partition(mark)
        if not found:
            break
        candidate = candidate.removeprefix(head + mark)
    return candidate


def answers(lines, output):
    """Output has the candidates for one command line after the other, each behind a line '=='."""
    parts = re.split(r"^==\n", output, flags=re.M)[1:]
    check(len(parts) == len(lines), f"{len(lines)} asked, in {output}")
    return [[bare(line, found) for found in part.splitlines() if found.strip()]
            for line, part in zip(lines, parts)]


def bash(installation, lines):
    """The candidates for each command line, of which the last word is being completed."""
    if not os.path.exists(BASH_COMPLETION):
        raise Skip("bash-completion is not installed")
    asked = []
    for line in lines:
        words = [part for word in line.split(" ") for part in re.findall(r"[=:]+|[^=:]+", word)]
        if line.endswith(" "):
            words.append("")
        asked.append("ask " + shlex.join([line, *words]))
    return answers(lines, installation.run(need("bash"), "--norc", installation.script(f"""
. {BASH_COMPLETION}
complete -W '{" ".join(COMMAND_WORDS)}' {COMMAND}
# Readline, which compopt talks to, is not there.
compopt() {{ :; }}
ask() {{
    COMP_LINE=$1 COMP_POINT=${{#1}} COMP_TYPE=9 COMP_KEY=9 COMPREPLY=()
    shift
    COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
    complete -p "$1" >/dev/null 2>&1 || _completion_loader "$1"
    local function=$(complete -p "$1")
    function=${{function#*-F }}
    ${{function%% *}} "$1" "${{COMP_WORDS[-1]}}" "${{COMP_WORDS[-2]}}"
    printf '==\\n'
    printf '%s\\n' "${{COMPREPLY[@]}}"
}}
{chr(10).join(asked)}
exit 0
""")))


def drained(master):
    """All that a terminal's other side prints until it is closed."""
    text = b""
    try:
        while chunk := os.read(master, 65536):
            text += chunk
    except OSError:  # EIO: closed
        pass
    return text.decode(errors="replace")


def zsh(installation, lines):
    """As bash(). Zsh's completion works in its line editor only, so it gets a terminal."""
    program = need("zsh")
    found = installation.tools.log(".txt")
    script = installation.script(f"""
found={shlex.quote(found)}
fpath=({shlex.quote(installation.zsh_functions)} $fpath)
autoload -Uz compinit && compinit -u -D
_{COMMAND}() {{ compadd {" ".join(COMMAND_WORDS)} }}
compdef _{COMMAND} {COMMAND}
# What is added is written down as well. With one of these options compadd only compares.
compadd() {{
    local -a own options=("${{(@)argv[1,(i)(-|--)]}}")
    if (( ! ${{options[(I)-(O|A|D)]}} )); then
        builtin compadd -A own "$@"
        print -rl -- $own >> $found
    fi
    builtin compadd "$@"
}}
complete_quietly() {{
    _main_complete
    compstate[list]= compstate[insert]=
}}
zle -C complete_quietly complete-word complete_quietly
ask_all() {{
    local line
    {{
        for line in {shlex.join(lines)}; do
            print -r -- '==' >> $found
            BUFFER=$line CURSOR=$#BUFFER
            zle complete_quietly
        done
    }} always {{
        exit
    }}
}}
zle -N zle-line-init ask_all
""")
    master, slave = pty.openpty()
    with subprocess.Popen([program, "-f", "-i"], stdin=slave, stdout=slave, stderr=slave,
                          cwd=installation.work, env=installation.environment,
                          start_new_session=True) as shell:
        os.close(slave)
        os.write(master, f"source {shlex.quote(script)}\n".encode())
        told = drained(master)
        shell.wait(TIMEOUT)
    os.close(master)
    check(os.path.exists(found), told)
    with open(found, encoding="utf-8") as file:
        return answers(lines, file.read())


def fish(installation, lines):
    """As bash()."""
    asked = "\n".join(f"echo ==\ncomplete -C {shlex.quote(line)}" for line in lines)
    return answers(lines, installation.run(need("fish"), installation.script(
        f"complete -c {COMMAND} -f -a '{' '.join(COMMAND_WORDS)}'\n{asked}\n")))


SHELLS = {"bash": bash, "zsh": zsh, "fish": fish}
