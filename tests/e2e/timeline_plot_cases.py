# SPDX-License-Identifier: MIT
"""The timeline's plots: their curves are those of the CSV, and they work in a browser."""
import re
import xml.etree.ElementTree as ElementTree

import hostile_log
from browser import Page
from harness import case, check, equal
from timeline_cases import Timeline

SVG = "{http://www.w3.org/2000/svg}"
UNITS = 10000  # the height of a panel in its curves' coordinates

HOSTILE = ("</script><script>alert(1)</script>", "<img src=x onerror=alert(2)>",
           "]]></style><svg onload=alert(3)>", "\"' onload='alert(4)' x=\"", "a\x1b[31m\x00b\u202ec",
           "&lt;b&gt; &#60;i>", "\ufffe\uffff", "n" * 5000, "=HYPERLINK(\"http://example.com\")")


def draw(tools, log, suffix, *options):
    path = tools.log(suffix)
    equal(tools.analyze(log, f"--timeline={path}", *options), "", "standard output")
    return path


def steps_of(path):
    """The corners of a curve as (x, y)."""
    x = y = 0
    corners = []
    for command, numbers in re.findall(r"([MHVZ])([-0-9.e ]*)", path):
        if command == "M":
            x, y = map(float, numbers.split())
        elif command == "H":
            x = float(numbers)
        elif command == "V":
            y = float(numbers)
        corners.append((x, y))
    return corners


def heights(corners, lines):
    """The curve's height in each line; corners go from left to right. The last line may be short:
    it ends where the trace ended."""
    found, at = [], 0
    end = max(x for x, _ in corners)
    for line in range(lines):
        while corners[at][0] < min(line + 0.05, end):
            at += 1
        found.append(UNITS - corners[at][1])
    return found


def edges(path, lines):
    """The upper and the lower edge of an area, by line."""
    corners = steps_of(path)
    turn = max(range(len(corners)), key=lambda i: corners[i][0])
    while corners[turn + 1][0] == corners[turn][0] and corners[turn + 1][1] == corners[turn][1]:
        turn += 1
    last = max(i for i, corner in enumerate(corners) if corner[0] == corners[turn][0])
    return heights(corners[:last + 1], lines), heights(corners[last:][::-1], lines)


def near(got, wanted, what):
    check(len(got) == len(wanted) and all(abs(a - b) <= 1 for a, b in zip(got, wanted)),
          f"{what}: got {got}, wanted {wanted}")


def hostile_file(tools):
    """Each name is that of a function, of a module and of a source file, and of the program."""
    def records(_):
        for i, name in enumerate(HOSTILE, 1):
            yield [hostile_log.MODULE, i, "/" + name, b""]
            yield [hostile_log.FRAME, i, i, i, 0]
            if i % 2:
                yield [hostile_log.SYMBOL, i, [[name, name if i % 3 else "", i]]]
            yield [hostile_log.STACK, i, 0, i]
            for _ in range(3):
                yield [hostile_log.ALLOC, 10, 1, 16, 1000 * i, i]
    log = tools.log()
    with open(log, "wb") as file:
        file.write(hostile_log.log_of(records, 0).replace(
            hostile_log.encode("/prog"), hostile_log.encode("/p" + "".join(HOSTILE[:4]))))
    return log


@case
def plotted_areas_are_the_columns_of_the_csv(tools):
    for options in ((), ("--no-timestamps",)):
        log = tools.trace(tools.fixture("waves"), options=options).log
        lines = Timeline(tools.analyze(log, "--timeline"))
        tree = ElementTree.parse(draw(tools, log, ".svg"))
        upper, lower = (panel for panel in tree.iter(SVG + "svg")
                        if "panel" in panel.get("class", "").split())
        curves = next(child for child in upper if child.get("class") == "curves")
        paths = {path.get("class"): path.get("d") for path in curves}
        peak = tools.json(log)["summary"]["peak_memory"]
        scale = UNITS / (1.15 * peak)
        near(heights(steps_of(paths.pop("most")), lines.lines),
             [most * scale for most in lines.by["peak_bytes"]], "the line of the total")
        below = [0] * lines.lines
        for number, values in enumerate(lines.sites.values()):
            name = f"s{number}" if number + 1 < len(lines.sites) else "other"
            above = [a + b for a, b in zip(below, values)]
            if any(values):
                top, bottom = edges(paths.pop(name), lines.lines)
                near(top, [value * scale for value in above], f"upper edge of {name}")
                near(bottom, [value * scale for value in below], f"lower edge of {name}")
            below = above
        equal(paths, {}, "further areas")
        rate = next(child for child in lower if child.get("class") == "curves")[0].get("d")
        got = heights(steps_of(rate)[:-2], lines.lines)
        if options:
            most = max(lines.by["live_blocks"])
            near(got, [value * UNITS / 1.15 / most for value in lines.by["live_blocks"]], "blocks")
        else:
            busy = [i for i, count in enumerate(lines.by["allocations"]) if count]
            check(all(got[i] for i in busy), "no rate where something was allocated")
        mark = next(group for group in upper.iter(SVG + "g") if group.get("class") == "peak")
        line = int(float(mark.get("data-at")))
        equal(lines.by["peak_bytes"][line], peak, "the most where the peak is marked")
        check(re.match(r"peak [0-9.]+ [KM]iB at ", mark.find(SVG + "text").text), "its label")


@case
def plots_hold_hostile_names_harmlessly(tools):
    log = hostile_file(tools)
    for suffix in (".svg", ".html"):
        for group in ("line", "module"):
            path = draw(tools, log, suffix, f"--group-by={group}", "--limit=0", "-vv")
            with open(path, encoding="utf-8") as file:
                text = file.read()
            check(not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\ufffe\uffff]", text),
                  "characters that no plot may hold")
            if suffix == ".svg":
                names = [title.text for title in ElementTree.parse(path).iter(SVG + "title")]
                check(any("<img src=x onerror=alert(2)>" in name for name in names), names)
            if group == "module":
                continue
            with Page("file://" + path) as page:
                equal(page.complaints, [], "complaints")
                equal(page.requests, ["file://" + path], "what it asked for")
                equal(page.evaluate("document.querySelectorAll('img, [onload], [onerror]').length"),
                      0, "elements from names")
                wanted = 1 if suffix == ".html" else 0
                equal(page.evaluate("[...document.scripts].filter(s => !s.type).length"),
                      wanted, "scripts")
                check("<img src=x onerror=alert(2)>" in page.evaluate(
                    "document.querySelector('.legend').textContent"), "a name is missing")


@case
def plots_fit_narrow_and_wide_windows(tools):
    log = tools.trace(tools.fixture("waves")).log
    path = draw(tools, log, ".svg")
    grounds = []
    for width, dark in ((600, False), (1600, True)):
        with Page("file://" + path, width=width, dark=dark, scripts=False) as page:
            equal(page.complaints, [], "complaints")
            grounds.append(page.evaluate(
                "getComputedStyle(document.querySelector('.paper')).fill"))
            boxes = page.evaluate(
                "[...document.querySelectorAll('text')].map(text => {"
                "const box = text.getBoundingClientRect();"
                "return [text.textContent, box.left, box.right, box.top, box.bottom]; })")
            check(len(boxes) > 20, boxes)
            for text, left, right, _, _ in boxes:
                check(left >= 0 and (right <= width or "(" in text or "/" in text or "span" in text),
                      f"{text}: from {left} to {right} in {width}")
            for i, (text, left, right, top, bottom) in enumerate(boxes):
                for other, *box in boxes[:i]:
                    apart = (right <= box[0] or box[1] <= left or bottom <= box[2] + 1 or
                             box[3] <= top + 1)
                    check(apart, f"{text!r} and {other!r} overlap at {width}")
            span = page.evaluate("(() => { const box = document.querySelector('.upper .curves')"
                                 ".getBoundingClientRect(); return [box.left, box.right]; })()")
            check(span[0] >= 40 and width * 0.9 < span[1] <= width, f"{span} of {width}")
    check(grounds[0] != grounds[1], f"light and dark are both {grounds[0]}")


@case
def html_plot_is_read_and_zoomed(tools):
    log = tools.trace(tools.fixture("waves")).log
    lines = Timeline(tools.analyze(log, "--timeline"))
    path = draw(tools, log, ".html")
    with Page("file://" + path, width=1200, height=900) as page:
        box = page.evaluate("(() => { const box = document.querySelector('.upper .field')"
                            ".getBoundingClientRect(); return [box.left, box.top, box.width]; })()")

        def across():
            return page.evaluate("document.querySelector('.upper .curves').viewBox.baseVal.width")

        whole = across()
        line = lines.by["live_bytes"].index(max(lines.by["live_bytes"]))
        middle = box[0] + box[2] * (line + 0.5) / whole
        page.mouse(middle, box[1] + 50, "mouseMoved")
        table = dict(page.evaluate("[...document.querySelectorAll('#reading tr')].map(row => "
                                   "[...row.cells].slice(1).map(cell => cell.textContent))"))
        mib = lambda number: f"{number / 2**20:.2f} MiB"
        equal(table["all sites"], mib(lines.by["live_bytes"][line]), "live bytes read")
        equal(table["most within"], mib(lines.by["peak_bytes"][line]), "most read")
        equal(table["blocks"], f"{lines.by['live_blocks'][line]:.0f}", "blocks read")
        name = next(iter(lines.sites))
        equal(table[name], mib(lines.sites[name][line]), "a site's bytes")
        page.mouse(box[0] + box[2] * 0.4, box[1] + 50, "mouseMoved", "mousePressed")
        page.mouse(box[0] + box[2] * 0.6, box[1] + 60, "mouseMoved", "mouseReleased")
        check(abs(across() - 0.2 * whole) < 0.01 * whole, f"zoomed to {across()} of {whole}")
        page.key("Escape")
        equal(across(), whole, "shown after Escape")
        # A click zooms nowhere.
        page.mouse(middle, box[1] + 50, "mouseMoved", "mousePressed", "mouseReleased")
        equal(across(), whole, "shown after a click")
        equal(page.complaints, [], "complaints")


@case
def plots_of_nothing_are_empty(tools):
    log = tools.log()
    for data in (hostile_log.HEADER + hostile_log.END,
                 hostile_log.log_of(lambda _: [[hostile_log.ALLOC, 2**63, 1, 16, 0, 0]], 1),
                 hostile_log.log_of(hostile_log.notes, 100)):
        with open(log, "wb") as file:
            file.write(data)
        ElementTree.parse(draw(tools, log, ".svg"))
        path = draw(tools, log, ".html")
        with open(path, encoding="utf-8") as file:
            curves = re.findall(r' d="([^"]*)"', file.read())
        check(all(re.fullmatch(r"(M[0-9.]+ )?([HV]?[0-9.]+)*Z?", curve) for curve in curves), curves)
    with Page("file://" + path) as page:
        page.mouse(600, 200, "mouseMoved", "mousePressed")
        page.mouse(800, 220, "mouseMoved", "mouseReleased")
        equal((page.complaints, page.requests), ([], ["file://" + path]), "complaints")
