# SPDX-License-Identifier: MIT
"""Flame graphs: their numbers against --json and the folded stacks, and what they do in a browser."""
import os
import re
import xml.etree.ElementTree as ElementTree

import hostile_log
from browser import Page
from harness import case, check, equal

SVG = "{http://www.w3.org/2000/svg}"
METRICS = {"bytes": "total_bytes_allocated", "allocations": "total_allocations",
           "peak": "peak_memory", "leaked": "leaked_bytes", "temporary": "temporary_allocations"}
# Of each metric the bytes and the number of the same blocks, in the summary and of a site.
BESIDE = {"bytes": ("total_bytes_allocated", "total_allocations", "total_bytes", "count"),
          "peak": ("peak_memory", "peak_blocks", "peak_bytes", "peak_count"),
          "leaked": ("leaked_bytes", "leaked_blocks", "leaked_bytes", "leaked_count"),
          "temporary": ("temporary_bytes", "temporary_allocations", "temporary_bytes",
                        "temporary")}
BESIDE["allocations"] = BESIDE["bytes"]

TREE = {("main", "parse", "node"): 600, ("main", "parse", "text"): 150, ("main", "text"): 200,
        ("main",): 40, ("start", "\u6f22\u5b57" * 20): 10}


def log_of_stacks(tools, stacks):
    """A log of a process that allocated so many bytes at each stack, outermost frame first."""
    def records(_):
        ids, blocks = {}, []
        yield [hostile_log.MODULE, 1, "/lib/libtext.so", b""]
        for names, size in stacks.items():
            stack = 0
            for depth in range(len(names)):
                path = names[:depth + 1]
                if path not in ids:
                    number = ids[path] = len(ids) + 1
                    yield [hostile_log.FRAME, number, 1, number, 0]
                    yield [hostile_log.SYMBOL, number, [[path[-1], "", 0]]]
                    yield [hostile_log.STACK, number, stack, number]
                stack = ids[path]
            blocks.append([hostile_log.ALLOC, 0, 1, 16, size, stack])
        yield from blocks
    path = tools.log()
    with open(path, "wb") as file:
        file.write(hostile_log.log_of(records, 0))
    return path


def draw(tools, log, *options):
    path = tools.log(".svg")
    tools.analyze(log, f"--flamegraph={path}", *options)
    return path


def frames_of(path):
    """(names from the root on, weight, title's lines) of all frames, as the file has them."""
    stack, frames = [], []
    for group in ElementTree.parse(path).iter(SVG + "g"):
        if "f" not in group.get("class", "").split():
            continue
        lines = group.find(SVG + "title").text.split("\n")
        del stack[int(group.get("data-d")):]
        stack.append(lines[0])
        frames.append((tuple(stack[1:]), int(group.get("data-w")), lines))
    return frames


def folded(tools, log, *options):
    """{names: weight} of the folded stacks."""
    lines = (line.rsplit(" ", 1) for line in
             tools.analyze(log, "--flamegraph", *options).splitlines())
    return {tuple(names.split(";")): int(weight) for names, weight in lines}


def told(line, metric):
    """(bytes, number) of blocks that a title's line begins with, or those of its baseline."""
    size = r"(?:[\d.]+ [KMG]iB \(([\d,]+) bytes\)|([\d,]+) bytes?)"
    number = r"([\d,]+) {}s?".format("block" if metric in ("peak", "leaked") else "allocation")
    if metric in ("allocations", "temporary"):
        found = re.match(f"(?:before )?{number} with {size}, ", line)
    else:
        found = re.match(f"(?:before )?{size} in {number}, ", line)
    check(found, f"{metric}: {line}")
    numbers = [int(digits.replace(",", "")) for digits in found.groups() if digits]
    return tuple(numbers[::-1] if metric in ("allocations", "temporary") else numbers)


@case
def flame_graphs_weigh_what_json_and_folded_stacks_do(tools):
    log = tools.trace(tools.fixture("leaky")).log
    for metric, key in METRICS.items():
        total = tools.json(log)["summary"][key]
        for options in ((), ("--inverted",), ("--filter=main",)):
            options += (f"--metric={metric}",)
            stacks = folded(tools, log, *options)
            frames = frames_of(draw(tools, log, *options))
            shown = sum(stacks.values())
            if "--filter=main" not in options:
                equal(shown, total, f"{options}: folded weights")
            if not shown:
                equal(frames, [], f"{options}: frames of nothing")
                continue
            equal((frames[0][:2]), ((), shown), f"{options}: the root")
            for names, weight, lines in frames:
                wanted = sum(part for stack, part in stacks.items()
                             if stack[:len(names)] == names)
                equal(weight, wanted, f"{options}: {names}")
                equal(told(lines[1], metric)[metric in ("allocations", "temporary")], weight,
                      f"{options}: {lines}")
                check(re.search(rf", {100 * weight / shown:.1f}% of all(;|$)", lines[1]),
                      f"{options}: {lines}")
            narrowest = shown * 0.1 / 1180
            wide = {stack[:depth] for stack in stacks for depth in range(len(stack) + 1)
                    if sum(part for other, part in stacks.items()
                           if other[:depth] == stack[:depth]) >= narrowest}
            equal({names for names, _, _ in frames}, wide, f"{options}: frames")


@case
def frames_tell_bytes_and_number_of_each_metric(tools):
    log = tools.trace(tools.fixture("leaky")).log
    whole = tools.json(log, "--limit=0")
    for metric, keys in BESIDE.items():
        wanted = {(): tuple(whole["summary"][key] for key in keys[:2])}
        for site in whole["allocations"]:
            names = (site["function"],)
            before = wanted.get(names, (0, 0))
            wanted[names] = tuple(old + site[key] for old, key in zip(before, keys[2:]))
        frames = frames_of(draw(tools, log, "--inverted", f"--metric={metric}"))
        sites = {names: told(lines[1], metric) for names, _, lines in frames if len(names) < 2}
        check(len(sites) > 1, f"{metric}: {sites}")
        for names, numbers in sites.items():
            equal(numbers, wanted[names], f"{metric}: {names}")


@case
def inverted_stacks_are_the_others_backwards(tools):
    log = tools.trace(tools.fixture("fork")).log
    stacks = folded(tools, log, "-v")
    check(len(stacks) > 1, stacks)
    equal({names[::-1]: weight for names, weight in stacks.items()},
          folded(tools, log, "-v", "--inverted"), "inverted stacks")
    # Without -v they begin where the program asked for memory.
    sites = {names[0] for names in folded(tools, log, "--inverted")}
    functions = {site["function"] for site in tools.json(log)["allocations"]}
    check(sites <= functions, f"{sites} in {functions}")


@case
def narrow_frames_are_left_out_and_counted(tools):
    stacks = {("main", "wide"): 10_000_000}
    stacks.update({("main", f"narrow{i}", "below"): 100 + i for i in range(50)})
    path = draw(tools, log_of_stacks(tools, stacks))
    equal([names for names, _, _ in frames_of(path)], [(), ("main",), ("main", "wide")], "frames")
    with open(path, encoding="utf-8") as file:
        check("100 frames narrower than 0.1 pixels, 0.1% of all, are not drawn." in file.read(),
              "note about narrow frames")


PLACES = """[...document.querySelectorAll(".f")].filter((f) => f.style.display !== "none").map((f) => {
    const r = f.querySelector("rect").getBoundingClientRect();
    return [f.getAttribute("aria-label").split(", ")[0], r.x, r.y, r.width, r.height]; })"""


def places(page):
    """{name: (x, y, width)} of the frames that are seen, of their middles."""
    return {name: (x + width / 2, y + height / 2, width)
            for name, x, y, width, height in page.evaluate(PLACES)}


def click(page, name):
    page.mouse(*places(page)[name][:2], "mouseMoved", "mousePressed", "mouseReleased")


def check_quiet(page):
    equal(page.complaints, [], "complaints")
    equal([url for url in page.requests if url != page.url], [], "requests")


@case
def flame_graph_zooms_searches_and_tells_in_a_browser(tools):
    path = draw(tools, log_of_stacks(tools, TREE))
    with Page("file://" + path) as page:
        check_quiet(page)
        whole = places(page)
        equal(len(whole), 7, f"names of frames in {whole}")
        check(abs(whole["parse"][2] / whole["all"][2] - 0.75) < 0.01, f"a frame's width: {whole}")
        check(whole["all"][1] > whole["main"][1] > whole["parse"][1], "callers are below")

        # Zoom: what is beside it vanishes, what is below it in the stack is as wide as the page.
        click(page, "parse")
        zoomed = places(page)
        equal(sorted(zoomed), ["all", "main", "node", "parse", "text"], "frames after a click")
        for name in ("all", "main", "parse"):
            check(abs(zoomed[name][2] - whole["all"][2]) < 1, f"{name}: {zoomed}")
        check(abs(zoomed["node"][2] / zoomed["parse"][2] - 0.8) < 0.01, f"a share: {zoomed}")

        tip = 'document.querySelector("#tip").textContent'
        shown = 'document.querySelector("#tip").style.display'
        page.mouse(*zoomed["node"][:2], "mouseMoved")
        equal(page.evaluate(shown), "", "the tooltip")
        for part in ("node", "600 bytes in 1 allocation, 60.0% of all",
                     "80.0% of the zoomed frame", "libtext.so"):
            check(part in page.evaluate(tip), f"{part} in {page.evaluate(tip)}")
        page.mouse(5, 5, "mouseMoved")
        equal(page.evaluate(shown), "none", "the tooltip elsewhere")

        page.key("Escape")
        equal(places(page), whole, "frames after Escape")

        # From key to key: the outermost frame, the one that it calls, zoom.
        page.evaluate('document.querySelector(".f").focus()')
        page.key("ArrowUp")
        page.key("Enter")
        equal(sorted(places(page)), ["all", "main", "node", "parse", "text"], "frames after Enter")
        page.evaluate('document.querySelector("#bar button").click()')
        equal(places(page), whole, "frames after a reset")

        # Search: nested matches count once. parse has 750, text beside it 200, of 1000.
        matched = 'document.querySelector("#matched").textContent'
        hits = 'document.querySelectorAll(".hit").length'
        for words, share, count in (("^(parse|text)$", "95.0%", 3), ("^Parse$", "no match", 0),
                                    ("PARSE", "no match", 0), ("libtext", "100.0%", 7)):
            page.key("f", control=True)
            page.type(words)
            check(share in page.evaluate(matched), f"{words}: {page.evaluate(matched)}")
            equal(page.evaluate(hits), count, f"frames that match {words}")
        check("1,000 bytes in 5 allocations" in page.evaluate(matched), page.evaluate(matched))
        page.key("f", control=True)
        page.type("(")
        equal(page.evaluate('document.querySelector("#search").className'), "wrong", "a bad search")
        page.key("Escape")
        equal(page.evaluate(matched), "", "matches after Escape")
        check_quiet(page)


@case
def flame_graph_fits_the_window_and_works_without_scripts(tools):
    path = draw(tools, log_of_stacks(tools, TREE), "--inverted", "--metric=allocations")
    for width, dark in ((800, False), (1440, True)):
        with Page("file://" + path, width=width, dark=dark) as page:
            found = places(page)
            check(abs(found["all"][2] - (width - 20)) < 1.5, f"{width}: {found['all']}")
            check(found["all"][1] < found["node"][1] < found["parse"][1], "callers are below")
            background = page.evaluate('getComputedStyle(document.querySelector(".page")).fill')
            equal(background, "rgb(28, 28, 30)" if dark else "rgb(255, 255, 255)", "background")
            labels = page.evaluate("""[...document.querySelectorAll(".f")].filter((f) => {
                const text = f.querySelector("text"), rect = f.querySelector("rect");
                return text && text.textContent &&
                    text.getBoundingClientRect().right > rect.getBoundingClientRect().right;
            }).map((f) => f.getAttribute("aria-label"))""")
            equal(labels, [], "labels that are longer than their frames")
            size = page.evaluate('getComputedStyle(document.querySelector(".f text")).fontSize')
            equal(size, "12px", "text size")
            check_quiet(page)
    with Page("file://" + path, scripts=False) as page:
        # The protocol's own evaluation works all the same.
        titles = page.evaluate('[...document.querySelectorAll(".f > title")].map(' +
                               '(title) => title.textContent)')
        check(any(title.startswith("node\n1 allocation with 600 bytes, 20.0% of all") for title in titles), titles)
        equal(page.evaluate('document.querySelectorAll("input").length'), 0, "controls")
        check_quiet(page)


@case
def differential_flame_graph_tells_what_changed(tools):
    before = {("main", "same"): 400, ("main", "grew"): 100, ("main", "shrank", "x"): 300,
              ("main", "gone", "x"): 50, ("old",): 7}
    now = {("main", "same"): 400, ("main", "grew"): 400, ("main", "shrank", "x"): 100,
           ("main", "new"): 100}
    base, log = log_of_stacks(tools, before), log_of_stacks(tools, now)
    saved = tools.log(".json")
    tools.analyze(base, f"--save={saved}")
    for baseline in (base, saved):
        path = draw(tools, log, f"--compare={baseline}")
        frames = {names: (weight, lines) for names, weight, lines in frames_of(path)}
        equal({names: weight for names, (weight, _) in frames.items()},
              {(): 1000, ("main",): 1000, ("main", "same"): 400, ("main", "grew"): 400,
               ("main", "shrank"): 100, ("main", "shrank", "x"): 100, ("main", "new"): 100},
              "frames")
        for names, line in (((), "before 857 bytes in 5 allocations, +143 bytes (+16.7%), "
                                 "-1 allocation"),
                            (("main", "same"), "before 400 bytes in 1 allocation, the same"),
                            (("main", "grew"),
                             "before 100 bytes in 1 allocation, +300 bytes (+300.0%)"),
                            (("main", "shrank", "x"),
                             "before 300 bytes in 1 allocation, -200 bytes (-66.7%)"),
                            (("main", "new"),
                             "before 0 bytes in 0 allocations, +100 bytes, +1 allocation")):
            equal(frames[names][1][2], line, f"{names}")
        with open(path, encoding="utf-8") as file:
            text = file.read()
        check("2 frames are no longer there" in text, "frames that are gone")
        check(re.search("> *50 bytes  gone, called by main<", text), "a frame that is gone")
        red, grey, blue = (re.search(rf"<title>{name}\n[^/]*</title><rect[^>]* fill=\"#(\w+)\"",
                                     text)[1] for name in ("grew", "same", "shrank"))
        check(int(red[:2], 16) > int(red[4:], 16) and int(blue[:2], 16) < int(blue[4:], 16)
              and grey[:2] == grey[4:], f"colours {red} {grey} {blue}")
        lines = dict(line.split(" ", 1) for line in
                     tools.analyze(log, "--flamegraph", f"--compare={baseline}",
                                   "--min-count=2", "--limit=1").splitlines())
        equal(lines, {";".join(names): f"{before.get(names, 0)} {now.get(names, 0)}"
                      for names in {**before, **now}}, "folded stacks with two weights")
        equal(tools.analyze(base, "--flamegraph", f"--compare={baseline}", "--inverted"),
              "grew;main 100 100\nold 7 7\nsame;main 400 400\nx;gone;main 50 50\n"
              "x;shrank;main 300 300\n", "inverted stacks")
    with Page("file://" + draw(tools, log, f"--compare={base}")) as page:
        page.mouse(*places(page)["grew"][:2], "mouseMoved")
        tip = page.evaluate('document.querySelector("#tip").textContent')
        for part in ("400 bytes in 1 allocation, 40.0% of all",
                     "before 100 bytes in 1 allocation, +300 bytes (+300.0%)"):
            check(part in tip, f"{part} in {tip}")
        check_quiet(page)


@case
def differential_flame_graph_of_a_changed_program(tools):
    """By the changes that the fixture declares: leaked blocks of 64 bytes, 3 and then 5."""
    base, log = (tools.trace(tools.fixture(name)).log for name in ("compare", "compare_changed"))
    path = draw(tools, log, f"--compare={base}", "--metric=leaked")
    titles = {names[-1]: lines for names, _, lines in frames_of(path) if names}
    equal(titles["leak"][1:3], ["320 bytes in 5 blocks, 100.0% of all",
                                "before 192 bytes in 3 blocks, +128 bytes (+66.7%), +2 blocks"], "leak")
    moved = tools.trace(tools.fixture("compare_moved")).log
    for line in tools.analyze(moved, "--flamegraph", f"--compare={base}").splitlines():
        _, old, new = line.rsplit(" ", 2)
        equal(old, new, line)


HOSTILE = ("<img src=x onerror=\"alert(1)\">", "</script><script>alert(1)</script>", "]]>",
           "]]><script>alert(1)</script>", "' onclick='alert(1)", "&lt;b&gt;", "&#60;",
           "<!--", "</title></svg><svg onload=alert(1)>", "x\u202ecod\u2066", "\x1b[31m\x00\x07",
           "\ufffe\uffff", b"bad\xff\xc0\xaf", "line\nbreak\u2028x", "javascript:alert(1)",
           "\U0001f600" * 30, "${alert(1)}", "a" * 5000)


@case
def hostile_names_run_nothing_in_a_flame_graph(tools):
    stacks = {(name, "f"): 1000 + i for i, name in enumerate(HOSTILE)}
    log = log_of_stacks(tools, stacks)
    for options in ((), ("--inverted",)):
        path = draw(tools, log, *options)
        frames = frames_of(path)  # a parser takes it
        shown = {names[-1 if options else 0]: lines for names, _, lines in frames
                 if len(names) == (2 if options else 1)}
        equal(len(shown), len(HOSTILE), f"{options}: names")
        for name in HOSTILE[:8]:
            check(name in shown, f"{name} in {shown}")
        for name in ("bad\\xff\\xc0\\xaf", "x\\xe2\\x80\\xaecod\\xe2\\x81\\xa6",
                     "line\\x0abreak\\xe2\\x80\\xa8x"):
            check(name in shown, f"{name} in {shown}")
        with Page("file://" + path) as page:
            for name, place in places(page).items():
                page.mouse(*place[:2], "mouseMoved", "mousePressed", "mouseReleased")
                page.key("Escape")
            page.key("f", control=True)
            page.type("<img src=x onerror=alert(1)>")
            equal(page.evaluate('document.querySelectorAll("script").length'), 1, "scripts")
            equal(page.evaluate('document.querySelectorAll("img, iframe, a, b").length'), 0,
                  "elements from names")
            check_quiet(page)
