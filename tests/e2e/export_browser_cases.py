# SPDX-License-Identifier: MIT
"""Exports in the viewers that run in a browser."""
import base64
import json
import os
import re
import time

import hostile_log
import npm
from browser import Page
from export_cases import NEUTRAL, export, nasty_log
from harness import case, check, equal

UNITS = {"B": 1, "KB": 1 << 10, "MB": 1 << 20, "GB": 1 << 30}
SECONDS = 60


def wait_for(page, expression, what):
    deadline = time.monotonic() + SECONDS
    while not page.evaluate(expression):
        check(time.monotonic() < deadline, f"{what}: {page.evaluate('document.body.innerText')}")
        time.sleep(0.1)


def speedscope(tools, path):
    """The totals of all profiles, and the own weights by function of the one that is shown, as
    speedscope's page has them; of numbers of bytes, rounded by it."""
    page_file = os.path.join(npm.package(tools, "speedscope"), "dist/release/index.html")
    # As its command line program hands a file over.
    script = path + ".js"
    with open(path, "rb") as file, open(script, "w", encoding="ascii") as out:
        out.write(f"speedscope.loadFileFromBase64('profile', "
                  f"{json.dumps(base64.b64encode(file.read()).decode())})")
    with Page(f"file://{page_file}#localProfilePath={script}", width=1200, height=2000) as page:
        wait_for(page, "document.querySelectorAll('tr[title]').length > 0", "the profiles")
        page.evaluate("[...document.querySelectorAll('div')]"
                      ".filter(tab => tab.textContent.endsWith('Sandwich')).pop().click()")
        # The list draws its rows after its head, and has none where nothing weighs anything.
        wait_for(page, "document.body.innerText.includes('Symbol Name')", "the functions")
        wait_for(page, "[...document.querySelectorAll('table')].pop()"
                       ".querySelectorAll('td').length > 0", "the functions' rows")
        tables = page.evaluate("[...document.querySelectorAll('table')].map(table =>"
                               " [...table.querySelectorAll('tr')].map(row =>"
                               " [...row.children].map(cell => cell.textContent)))")
        thrown = [complaint for complaint in page.complaints if "exceptionDetails" in complaint]
        equal(thrown, [], "exceptions")
    profiles = {row[1]: row[2] for row in tables[0][1:]}
    functions = [(row[2], row[1].rsplit(" (", 1)[0]) for row in tables[-1] if len(row) == 3]
    return profiles, functions


def is_about(shown, number):
    """Whether a text such as 1.25 KB is a number's, rounded."""
    value, unit = re.fullmatch(r"([\d.,]+)(?: (B|KB|MB|GB))?", shown).groups()
    value = value.replace(",", "")
    digits = len(value.split(".")[1]) if "." in value else 0
    return abs(float(value) - number / UNITS[unit or "B"]) <= 0.51 * 10 ** -digits


@case
def speedscope_shows_the_sums_of_the_json_report(tools):
    log = tools.trace(tools.fixture("leaky")).log
    report = tools.json(log, "--group-by=function")
    profiles, functions = speedscope(tools, export(tools, "speedscope", log, "--metric=leaked"))
    own = {name: weight for name, weight in functions if not weight.startswith("0 ")}
    wanted = {site["function"]: site["leaked_bytes"]
              for site in report["allocations"] if site["leaked_bytes"]}
    equal(set(own), set(wanted), "functions with leaks of their own")
    for name, number in wanted.items():
        check(is_about(own[name], number), f"leaks of {name}: {own[name]}, not {number}")
    summary = report["summary"]
    for name, key in (("bytes allocated", "total_bytes_allocated"),
                      ("allocations", "total_allocations"),
                      ("bytes alive at the peak", "peak_memory"),
                      ("bytes not freed", "leaked_bytes"),
                      ("temporary allocations", "temporary_allocations")):
        check(is_about(profiles.pop(name), summary[key]), f"total of {name}")
    equal(profiles, {}, "further profiles")


@case
def speedscope_reads_hostile_and_empty_logs(tools):
    _, functions = speedscope(tools, export(tools, "speedscope", nasty_log(tools)))
    check("in" + NEUTRAL in [name for name, _ in functions], f"{functions}")
    # Nothing leaks, and that is what is asked for.
    log = tools.log()
    with open(log, "wb") as file:
        file.write(hostile_log.log_of(lambda _: [hostile_log.alloc(1, 0), [17, 0, 1, 0]], 0))
    profiles, _ = speedscope(tools, export(tools, "speedscope", log, "--metric=leaked"))
    equal((profiles["allocations"], profiles["bytes not freed"]), ("1", "0 B"), "totals")
