# SPDX-License-Identifier: MIT
"""What bash, zsh and fish offer on the command line is what the programs accept."""
from command_line import both
from harness import case, check, equal
from shells import COMMAND, COMMAND_WORDS, SHELLS, Installation


def options_and_words(tools, shell):
    """Each option, and each word that an option takes as its value: nothing more, nothing less."""
    installation = Installation(tools)
    for line in both(tools):
        check(len(line.long) > 10 and len(line.words) >= 3, f"{line.long} in {line.help}")
        with_words = sorted(line.words)
        # A word that may be left out is behind a '=' only.
        needing = [option for option in with_words if line.values[option] == "="]
        asked = [f"{line.name} --", *(f"{line.name} {option}=" for option in with_words),
                 *(f"{line.name} {option} " for option in needing)]
        options, *words = SHELLS[shell](installation, asked)
        equal({option.rstrip("=") for option in options}, line.long, f"{line.name} options")
        for option, found in zip(with_words + needing, words):
            equal({word.rstrip(":") for word in found}, line.words[option],
                  f"{line.name} {option}")


def values(tools, shell):
    installation = Installation(tools)
    installation.touch("a.cbor", "b.cbor.zst", "c.txt", "d.json")

    def ask(*lines):
        return [set(found) for found in SHELLS[shell](installation, lines)]

    log, compressed, text, view, export, folded, base, number = ask(
        "allocptrace-analyze --leaks a", "allocptrace-analyze a.cbor b",
        "allocptrace-analyze c", "allocptrace-analyze --view=peak:c",
        "allocptrace-analyze --leaks --export=dhat:", "allocptrace-analyze --flamegraph=c",
        "allocptrace-analyze --compare=d",
        "allocptrace-analyze --limit=")
    equal(log, {"a.cbor"}, "a log")
    equal(compressed, {"b.cbor.zst"}, "a compressed log")
    equal(text, {"c.txt"}, "another file")
    equal(view, {"c.txt"}, "file of a view")
    equal(export, {"a.cbor", "b.cbor.zst", "c.txt", "d.json"}, "file of an export")
    equal(folded, {"c.txt"}, "file of an optional value")
    equal(base, {"d.json"}, "a baseline")
    equal(number, set(), "a number")

    output, equals, processes = ask("allocptrace -o c", "allocptrace --output=c",
                                    "allocptrace --mmap -p ")
    equal((output, equals), ({"c.txt"}, {"c.txt"}), "the tracer's log")
    check(processes and all(word.strip().isdigit() for word in processes), processes)


def logs_first(tools, shell):
    installation = Installation(tools)
    installation.touch("z.cbor", "a.txt", "y.cbor.zst")
    found, = SHELLS[shell](installation, ["allocptrace-analyze "])
    equal(set(found[:2]), {"z.cbor", "y.cbor.zst"}, f"first of {found}")


def command_after_options(tools, shell):
    """The traced program's name, and then its own words and not the tracer's options."""
    tracer, _ = both(tools)
    taking_a_value = [option for option, value in tracer.values.items()
                      if value == "=" and option != "--pid"]  # which takes no program
    name = COMMAND[:-2]
    for_name = [f"allocptrace {name}", f"allocptrace -- {name}", f"allocptrace -q --depth=3 {name}"]
    for_words = [f"allocptrace {COMMAND} ", f"allocptrace -- {COMMAND} ",
                 f"allocptrace -vo x.cbor -- {COMMAND} one ", f"allocptrace -ox.cbor {COMMAND} ",
                 f"allocptrace --verify-unwind=5 {COMMAND} ",
                 f"allocptrace --verify-unwind {COMMAND} "]
    for option in taking_a_value:
        for_words += [f"allocptrace {option}=x -q {COMMAND} ",
                      f"allocptrace {option} x --mmap -- {COMMAND} "]
    none = [f"allocptrace {COMMAND} --", f"allocptrace -- {COMMAND} --"]
    found = SHELLS[shell](Installation(tools), for_name + for_words + none)
    found = [set(words) for words in found]
    for line in for_name:
        equal(found.pop(0), {COMMAND}, line)
    for line in for_words:
        equal(found.pop(0), COMMAND_WORDS, line)
    for line in none:
        equal(found.pop(0), set(), line)


for part in (options_and_words, values, logs_first, command_after_options):
    for each in SHELLS:
        def function(tools, part=part, shell=each):
            part(tools, shell)
        function.__name__ = f"completion_{each}_{part.__name__}"
        function.__module__ = __name__
        case(function)
