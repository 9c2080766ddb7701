# SPDX-License-Identifier: MIT
"""Trees of text: what they show, leave out and weigh."""
import os
import re

from flamegraph_cases import METRICS, log_of_stacks
from harness import case, check, equal

TREE = {("start", "main", "parse", "node"): 600, ("start", "main", "parse", "text"): 150,
        ("start", "main", "print", "one", "two", "three", "four", "five", "six", "text"): 200,
        ("start", "main"): 46, ("start", "main", "tiny"): 4}

TOP_DOWN = """\
Callers and what they call by bytes allocated: 1,000 bytes
      total   share        self  function
1,000 bytes  100.0%           -  start (libtext.so)
1,000 bytes  100.0%    46 bytes  main
  750 bytes   75.0%           -  |- parse
  600 bytes   60.0%   600 bytes  |  |- node
  150 bytes   15.0%   150 bytes  |  `- text
  200 bytes   20.0%           -  `- print
                                    one
                                    two
                                    ... 2 frames
                                    five
                                    six
  200 bytes   20.0%   200 bytes     text
"""

BOTTOM_UP = """\
Sites and their callers by bytes allocated: 1,000 bytes
      total   share    function
  600 bytes   60.0%    node (libtext.so)
                       parse
                       main
                       start
  350 bytes   35.0%    text (libtext.so)
  200 bytes   20.0%    |- six
                       |  five
                       |  four
                       |  ... 4 frames
                       |  main
                       |  start
  150 bytes   15.0%    `- parse
                          main
                          start
   46 bytes    4.6%    main (libtext.so)
                       start
"""


def tree(tools, log, direction, *options, locale="C"):
    environment = dict(os.environ, LC_ALL=locale)
    result = tools.run(tools.analyzer, f"--tree={direction}", *options, log, env=environment)
    equal((result.returncode, result.stderr), (0, b""), f"{direction} {options}")
    return result.stdout.decode()


@case
def trees_show_what_weighs_something(tools):
    log = log_of_stacks(tools, TREE)
    equal(tree(tools, log, "top-down"), TOP_DOWN, "top-down")
    equal(tree(tools, log, "bottom-up"), BOTTOM_UP, "bottom-up")
    drawn = tree(tools, log, "top-down", locale="C.UTF-8")
    equal(drawn.translate({0x251c: "|", 0x2514: "`", 0x2500: "-", 0x2502: "|", 0x22ee: "..."}),
          TOP_DOWN, "top-down in UTF-8")
    check("\u251c\u2500 parse" in drawn, drawn)

    whole = tree(tools, log, "top-down", "-vvv", "--min-share=0")
    check("frames\n" not in whole and "tiny" in whole, whole)
    for name in ("one", "two", "three", "four", "five", "six"):
        check(re.search(rf" {name}$", whole, re.M), f"{name} in {whole}")
    few = tree(tools, log, "top-down", "--limit=1", "--min-share=0")
    check(re.search(r"204 bytes +20.4% +-  `- \[2 more\]$", few, re.M), few)
    check("print" not in few, few)
    few = tree(tools, log, "bottom-up", "--min-share=40%")
    equal([line.split()[-1] for line in few.splitlines()[2:]],
          ["(libtext.so)", "parse", "main", "start", "more]"], "frames of 40 % and more")


@case
def trees_weigh_what_json_does(tools):
    log = tools.trace(tools.fixture("fork_threads")).log
    for metric, key in METRICS.items():
        report = tools.json(log, "--group-by=function")
        total = report["summary"][key]
        column = {"bytes": "total_bytes", "allocations": "count", "peak": "peak_bytes",
                  "leaked": "leaked_bytes", "temporary": "temporary"}[metric]
        sites = {}
        for site in report["allocations"]:
            sites[site["function"]] = sites.get(site["function"], 0) + site[column]
        for direction in ("top-down", "bottom-up"):
            text = tree(tools, log, direction, f"--metric={metric}", "--min-share=0",
                        "--limit=0")
            heading = re.match(r".*: (?:.*\()?([\d,]+) (?:bytes?|allocations?)", text)
            equal(int(heading[1].replace(",", "")), total, f"{metric} {direction}")
        # The outermost entries of bottom-up, which nothing is drawn before, are the sites.
        if total and metric in ("allocations", "temporary"):
            entries = re.findall(r"^ *([\d,]+) +[\d.]+%    (\w\S*)", text, re.M)
            equal({name: int(number.replace(",", "")) for number, name in entries},
                  {name: weight for name, weight in sites.items() if weight}, f"{metric}: sites")
