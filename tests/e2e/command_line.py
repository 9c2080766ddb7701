# SPDX-License-Identifier: MIT
"""What a program says of its own command line: the truth that its completions and its man page are
compared with."""
import re


class CommandLine:
    def __init__(self, tools, program):
        self.tools, self.program = tools, program
        self.name = program.rsplit("/", 1)[-1]
        self.help = tools.run(program, "--help").stdout.decode()
        # A line may begin with '-o, --output=FILE', '    --flamegraph[=FILE]' or '-v'.
        heads = re.findall(r"^ {2,6}((?:-\w, )?-[-\w]+)(\[?=)?", self.help, re.M)
        self.values = {}  # how a long option takes a value: "=", "[=" or ""
        self.short = set()
        for words, value in heads:
            for word in words.split(", "):
                if word.startswith("--"):
                    self.values[word] = value
                else:
                    self.short.add(word)
        self.long = set(self.values)
        self.words = {option: words for option in self.long if (words := self.accepted(option))}

    def told(self, *words):
        """The usage error for these words; none of them gets as far as a log or a program."""
        result = self.tools.run(self.program, *words)
        return result.stderr.decode()

    def accepted(self, option):
        """The words that an option takes, as the error for another one lists them."""
        if not self.values[option]:
            return set()
        told = self.told(f"{option}=x!")
        listed = re.search(r" one of (.*?)(?: or,|, not )", told)
        words = set(listed[1].split(", ")) if listed else set()
        if "growth or one of these with -growth" in told:
            words |= {"growth", *(f"{word}-growth" for word in words)}
        return words


def both(tools):
    return CommandLine(tools, tools.tracer), CommandLine(tools, tools.analyzer)
