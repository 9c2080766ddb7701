# SPDX-License-Identifier: MIT
"""The page of --html in a browser: its sums are those of --json, and all of it can be used."""
import csv
import json
import os
import re
import sys
import time

import hostile_log
from browser import Page
from harness import Skip, case, check, equal
from timeline_plot_cases import hostile_file

PAGE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../page")
SECONDS = 60
VIEWS = ("overview", "time", "flame", "sites", "leaks", "histograms", "threads")
METRICS = {"bytes": "total_bytes_allocated", "allocations": "total_allocations",
           "peak": "peak_memory", "leaked": "leaked_bytes", "temporary": "temporary_allocations"}
SUMS = {"total_bytes": "total_bytes_allocated", "count": "total_allocations",
        "peak_bytes": "peak_memory", "leaked_bytes": "leaked_bytes",
        "leaked_count": "leaked_blocks", "temporary": "temporary_allocations",
        "reallocations": "total_reallocations",
        "slack_bytes": "slack_bytes"}


def report(tools, log, *options):
    path = tools.log(".html")
    result = tools.run(tools.analyzer, f"--html={path}", *options, log)
    if result.returncode and b"node" in result.stderr:
        raise Skip("the analyzer is built without the page")
    check(result.returncode == 0, f"analyzer: {result.returncode}: {result.stderr}")
    return "file://" + path


class Report:
    """With Report(url) as report: a Page whose views are ready when its methods return."""

    def __init__(self, url, **options):
        self.page, self.url = Page(url, **{"width": 1440, "height": 900, **options}), url

    def __enter__(self):
        self.page.__enter__()
        self.ready()
        return self

    def __exit__(self, *_):
        self.page.__exit__()

    def evaluate(self, expression):
        return self.page.evaluate(expression)

    def wait(self, expression, what):
        deadline = time.monotonic() + SECONDS
        while not self.evaluate(expression):
            check(time.monotonic() < deadline,
                  f"{what}: {self.hash()}: {self.text('body')[:2000]}")
            time.sleep(0.02)

    def ready(self):
        self.wait("document.documentElement?.dataset.ready === 'yes'", "the page")

    def go(self, fragment):
        """To a state; it is drawn when the browser has told of the change."""
        self.evaluate("(window.drawn = false, addEventListener('hashchange', () => {"
                      f" drawn = true; }}, {{once: true}}), location.hash = {json.dumps(fragment)}, 0)")
        self.wait("drawn", fragment)
        self.frame()

    def frame(self):
        """Until what is observed, as sizes are, has been told of."""
        self.evaluate("(window.framed = false, requestAnimationFrame(() => "
                      "requestAnimationFrame(() => { framed = true; })), 0)")
        self.wait("framed", "a frame")

    def exported(self, kind):
        """The text that the current view exports."""
        self.evaluate("(window.saved = null, URL.createObjectURL = (blob) => {"
                      "blob.text().then((text) => { saved = text; }); return '#'; },"
                      "HTMLAnchorElement.prototype.click = () => {}, 0)")
        self.click(f"[data-export={kind}]")
        self.wait("saved !== null", "an export")
        return self.evaluate("saved")

    def lines(self):
        return json.loads(self.exported("json"))

    def text(self, selector):
        return self.evaluate(f"document.querySelector({json.dumps(selector)})?.textContent")

    def count(self, selector):
        return self.evaluate(f"document.querySelectorAll({json.dumps(selector)}).length")

    def sums(self):
        return self.evaluate("Object.fromEntries([...document.querySelectorAll("
                             "'.panel:not([hidden]) [data-sum]')]"
                             ".map(cell => [cell.dataset.sum, Number(cell.dataset.value)]))")

    def frames(self):
        """Texts of the flame graph's frames for screen readers, the root first."""
        return self.evaluate("[...document.querySelectorAll("
                             "'.panel:not([hidden]) [role=treeitem]')].map("
                             "frame => frame.getAttribute('aria-label'))")

    def rows(self):
        return self.evaluate("[...document.querySelectorAll("
                             "'.panel:not([hidden]) .grid-row .name')].map("
                             "cell => cell.lastChild.textContent)")

    def click(self, selector):
        self.evaluate(f"document.querySelector({json.dumps(selector)}).click()")

    def hash(self):
        return self.evaluate("location.hash")

    def shown(self):
        """All text in sight, and the fragment."""
        return self.evaluate("[document.querySelector('.tools').innerText,"
                             "document.querySelector('.panel:not([hidden])').innerText]")

    def is_clean(self):
        equal(self.page.complaints, [], "complaints")
        elsewhere = [url for url in self.page.requests if not url.startswith(self.url)]
        equal(elsewhere, [], "what it asked for")


def flame_sum(report):
    """The sum of all that the flame graph's rows weigh at its root, exactly."""
    rows = list(csv.DictReader(report.exported("csv").splitlines()))
    return float(rows[0]["value"])


@case
def page_of_a_report_has_the_sums_of_its_json(tools):
    log = tools.trace(tools.fixture("leaky"), options=("--leak-check=reachable",)).log
    wanted = tools.json(log)
    summary = wanted["summary"]
    with Report(report(tools, log)) as page:
        totals = page.evaluate("Object.fromEntries([...document.querySelectorAll('[data-total]')]"
                               ".map(cell => [cell.dataset.total, cell.textContent]))")
        for name, text in totals.items():
            value = summary[name]
            equal(text, f"{value:,}" if not isinstance(value, bool) else str(value).lower(), name)
        check(set(totals) >= set(SUMS.values()), totals)
        cards = page.evaluate("[...document.querySelectorAll('.card')].map(card => ["
                              "card.querySelector('.site').textContent,"
                              "card.querySelector('.value').textContent, card.hash])")
        equal(len(cards), 5, f"findings in {cards}")
        for (site, _, link), key in zip(cards[::2], ("peak_bytes", "temporary", "slack_bytes")):
            first = max(wanted["allocations"], key=lambda site: site[key])
            equal(site, f"{first['function']} (leaky.c:{first['line']})", f"most {key}")
            check(f"sort=-{key}" in link, link)
        lost = max((leak["bytes"] + leak.get("indirect_bytes", 0), leak["function"])
                   for leak in wanted["leak_checks"][0]["sites"]
                   if leak["kind"] == "definitely_lost")
        check(cards[1][0].startswith(lost[1]) and "view=leaks" in cards[1][2], cards[1])
        longest = max(site["longest_growth"] for site in wanted["allocations"])
        equal(cards[3][1], f"{longest}\u00d7", "longest realloc chain")
        for view in ("sites", "threads"):
            page.go(f"#view={view}")
            if view == "sites":
                sums = page.sums()
                equal({name: sums[name] for name in SUMS if name in sums},
                      {name: summary[total] for name, total in SUMS.items() if name in sums}, view)
                check(set(sums) >= {"total_bytes", "count", "peak_bytes", "leaked_bytes"}, sums)
            rows = page.lines()
            for name in ("total_bytes", "count", "peak_bytes", "leaked_bytes"):
                equal(sum(row[name] for row in rows), summary[SUMS[name]], f"{view}: {name}")
        page.go("#view=sites")
        got = {row["site"]: row["total_bytes"] for row in page.lines()}
        equal(got, {f"{site['function']} ({site['file'].split('/')[-1]}:{site['line']})":
                    site["total_bytes"] for site in wanted["allocations"]}, "sites")
        for inverted in ("", "&inverted=1"):
            for metric, total in METRICS.items():
                page.go(f"#view=flame&metric={metric}{inverted}")
                equal(flame_sum(page), summary[total], f"flame graph of {metric}{inverted}")
        folded = page.exported("folded").splitlines()
        equal(sum(int(line.rsplit(" ", 1)[1]) for line in folded), summary["temporary_allocations"],
              "folded stacks")
        page.go("#view=leaks")
        leaks = page.lines()
        for kind in ("definitely lost", "indirectly lost", "possibly lost", "still reachable"):
            for unit in ("bytes", "blocks"):
                equal(sum(leak[unit] for leak in leaks if leak["kind"] == kind),
                      summary[f"{kind.replace(' ', '_')}_{unit}"], f"{kind}, {unit}")
        page.go("#view=histograms")
        for histogram in ("Sizes of blocks", "Lifetimes of blocks"):
            rows = [row for row in page.lines() if row["histogram"] == histogram]
            equal(sum(row["count"] for row in rows), summary["total_allocations"], histogram)
        page.is_clean()


@case
def page_of_a_report_is_filtered_sorted_and_zoomed(tools):
    log = tools.trace(tools.fixture("leaky")).log
    summary = tools.json(log)["summary"]
    with Report(report(tools, log)) as page:
        # Sorted by clicks on the heads of the table, up and down.
        page.go("#view=sites")
        page.click("[data-sort=count]")
        check("sort=-count" in page.hash(), page.hash())
        counts = [row["count"] for row in page.lines()]
        equal(counts, sorted(counts, reverse=True), "most allocations first")
        page.click("[data-sort=count]")
        equal([row["count"] for row in page.lines()], sorted(counts), "least first")
        equal(page.count("[aria-sort=ascending] [data-sort=count]"), 1, "order for screen readers")
        # A line's stacks, by keyboard.
        page.evaluate("document.querySelector('.panel:not([hidden]) .grid').focus()")
        page.page.key("End")
        page.page.key("Enter")
        last = page.rows()[-1]
        equal(page.text(".detail h2"), last, "what is unfolded")
        check(page.count(".detail .frames li") > 2, "its stack")
        page.page.key("Escape")
        equal(page.count(".detail"), 0, "unfolded after Escape")
        # The filter, by keyboard: only stacks through what matches are left.
        page.page.key("/")
        page.page.type("parse_header")
        page.wait("location.hash.includes('q=parse_header')", "the filter")
        rows = page.lines()
        sites = {row["site"].split(" ")[0] for row in rows}
        equal(sites, {"parse_header", "copy_text"}, "sites below parse_header")
        filtered = page.sums()["total_bytes"]
        check(0 < filtered < summary["total_bytes_allocated"], filtered)
        page.go("#view=flame&q=parse_header")
        told = page.text(".flame-view .told")
        check(re.match(r"stacks that match: [\d.]+ KiB", told), told)
        check(page.count(".frame.match") > 0, "matches shown")
        folded = page.exported("folded").splitlines()
        equal(sum(int(line.rsplit(" ", 1)[1]) for line in folded), filtered, "stacks that match")
        page.page.key("Escape")
        page.wait("!location.hash.includes('q=')", "no filter")
        # The flame graph, by keyboard and pointer.
        whole = page.frames()
        page.evaluate("document.querySelector('.flame [tabindex=\"0\"]').focus()")
        for _ in range(4):
            page.page.key("ArrowDown")
        focused = page.evaluate("document.activeElement.getAttribute('aria-label')")
        check(focused.startswith("main: "), focused)
        page.page.key("ArrowDown")
        focused = page.evaluate("document.activeElement.getAttribute('aria-label')")
        page.page.key("Enter")
        check("zoom=" in page.hash(), page.hash())
        zoomed = page.frames()
        check(focused in zoomed and len(zoomed) < len(whole), zoomed)
        wide = page.evaluate(f"document.querySelector('[aria-label^=\"{focused.split(',')[0]}\"]')"
                             ".getBoundingClientRect().width / innerWidth")
        check(wide > 0.9, f"zoomed to {wide} of the window")
        fragment, text = page.hash(), page.shown()
        page.page.key("Escape")
        equal(page.frames(), whole, "after Escape")
        page.evaluate("history.back()")
        page.wait("location.hash.includes('zoom=')", "the step back")
        equal(page.shown(), text, "after a step back")
        svg = page.exported("svg")
        check(svg.startswith("<?xml") and "parse_request" in svg and "var(" not in svg, svg[:300])
        page.page.navigate("about:blank")
        page.page.navigate(page.url + fragment)
        page.ready()
        page.frame()
        equal((page.hash(), page.shown()), (fragment, text), "a link to what was shown")
        # Tabs and help.
        page.evaluate("document.querySelector('[role=tab][aria-selected=true]').focus()")
        page.page.key("ArrowRight")
        equal(page.evaluate("document.activeElement.textContent"), "Sites", "the tab to the right")
        check("view=sites" in page.hash(), page.hash())
        page.page.key("?", shift=True)
        check(page.evaluate("document.querySelector('dialog').open"), "the help")
        page.is_clean()


@case
def page_of_a_report_looks_at_a_span(tools):
    for options in ((), ("--no-timestamps",)):
        log = tools.trace(tools.fixture("waves"), options=options).log
        with Report(report(tools, log)) as page:
            page.go("#view=time&stacked=none")
            whole = list(csv.DictReader(page.exported("csv").splitlines()))
            x, y, width = page.evaluate(
                "(() => { const box = document.querySelector('.charts .u-over')"
                ".getBoundingClientRect(); return [box.left, box.top, box.width]; })()")
            page.page.mouse(x + width * 0.25, y + 60, "mouseMoved", "mousePressed")
            page.page.mouse(x + width * 0.5, y + 60, "mouseMoved")
            page.page.mouse(x + width * 0.7, y + 60, "mouseMoved", "mouseReleased")
            page.wait("document.querySelector('[data-chip=span]') !== null", "the span's chip")
            within = list(csv.DictReader(page.exported("csv").splitlines()))
            check(1 < len(within) < len(whole) and all(line in whole for line in within), within)
            first = whole.index(within[0])
            wanted = {name: sum(int(line[name]) for line in within)
                      for name in ("allocated", "allocated_bytes")}
            before = whole[first - 1] if first else {"live_bytes": 0, "live": 0}
            wanted.update(begin_bytes=int(before["live_bytes"]),
                          end_bytes=int(within[-1]["live_bytes"]),
                          end=int(within[-1]["live"]))
            wanted["growth_bytes"] = wanted["end_bytes"] - wanted["begin_bytes"]
            wanted["growth"] = wanted["end"] - int(before["live"])
            span = re.search(r"span=[^&]*", page.hash()).group()
            page.go(f"#view=sites&by=stack&{span}")
            equal(page.sums(), wanted, "sums of the span")
            for metric, name in (("bytes", "allocated_bytes"), ("allocations", "allocated"),
                                 ("alive", "end_bytes")):
                page.go(f"#view=flame&metric={metric}&{span}")
                equal(flame_sum(page), wanted[name], f"flame graph of {metric}")
            page.go(f"#view=histograms&{span}")
            rows = page.lines()
            equal(sum(row["count"] for row in rows if row["histogram"] == "Sizes of blocks"),
                  wanted["allocated"], "sizes in the span")
            page.click("[data-chip=span]")
            check("span" not in page.hash(), page.hash())
            # The same by keyboard.
            page.evaluate("document.querySelector('.strip .chart').focus()")
            for _ in range(5):
                page.page.key("ArrowRight", shift=True)
            page.page.key("Enter")
            check("span=" in page.hash(), page.hash())
            page.page.key("Escape")
            check("span=" not in page.hash(), page.hash())
            page.is_clean()


SMALL_TEXTS = """[...document.querySelectorAll('body *')].filter(element =>
    [...element.childNodes].some(node => node.nodeType === 3 && node.data.trim()) &&
    element.getClientRects().length && parseFloat(getComputedStyle(element).fontSize) < 12)
    .map(element => element.outerHTML.slice(0, 200))"""
# Of texts on plain grounds: the contrast of each with what is behind it.
FAINT_TEXTS = """(() => {
    const parts = (text) => text.match(/[\\d.]+/g).map(Number);
    const light = (text) => parts(text).slice(0, 3).map(v => v / 255)
        .map(v => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
        .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
    const ground = (element) => {
        for (; element; element = element.parentElement) {
            const color = getComputedStyle(element).backgroundColor;
            if ((parts(color)[3] ?? 1) === 1) return color;
        }
        return 'rgb(255, 255, 255)';
    };
    return [...document.querySelectorAll('body *')].filter(element => !element.closest('svg') &&
        !element.disabled && element.getClientRects().length &&
        [...element.childNodes].some(node => node.nodeType === 3 && node.data.trim()))
        .map(element => {
            const [a, b] = [light(getComputedStyle(element).color), light(ground(element))];
            const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
            return [contrast, element.outerHTML.slice(0, 200)];
        }).filter(([contrast]) => contrast < 4.5);
})()"""
UNNAMED = """[...document.querySelectorAll('button, input, select, [role=grid], [role=tree],' +
    '[tabindex]')].filter(element => element.getClientRects().length && element.id !== 'main' &&
        !element.textContent.trim() && !element.getAttribute('aria-label') &&
        !element.labels?.length)
    .map(element => element.outerHTML.slice(0, 200))"""


@case
def page_of_a_report_can_be_read(tools):
    log = tools.trace(tools.fixture("leaky"), options=("--leak-check=reachable",)).log
    grounds = set()
    with Report(report(tools, log)) as page:
        for width in (1440, 800):
            page.page.resize(width, 900)
            for dark in (False, True):
                page.page.colours(dark)
                for view in VIEWS:
                    page.go(f"#view={view}&selected=0&{width}{dark}")
                    where = f"{view} at {width}, {'dark' if dark else 'light'}"
                    equal(page.evaluate(SMALL_TEXTS), [], f"small texts of {where}")
                    equal(page.evaluate(FAINT_TEXTS), [], f"faint texts of {where}")
                    equal(page.evaluate(UNNAMED), [], f"controls without a name of {where}")
                    check(page.evaluate("document.documentElement.scrollWidth") <= width, where)
                grounds.add(page.evaluate(
                    "getComputedStyle(document.documentElement).backgroundColor"))
        equal(len(grounds), 2, "grounds of light and dark")
        page.evaluate("document.activeElement.blur()")
        themes = []
        for _ in range(3):
            themes.append(page.evaluate("document.documentElement.dataset.theme"))
            page.page.key("t")
        equal(themes, ["dark", "light", "dark"], "as the system has it, light, dark")
        page.is_clean()


@case
def page_of_a_report_holds_hostile_names_harmlessly(tools):
    log = hostile_file(tools)
    with Report(report(tools, log), width=800) as page:
        seen = ""
        for view in VIEWS:
            page.go(f"#view={view}")
            if view in ("sites", "leaks"):
                page.evaluate("document.querySelector('.panel:not([hidden]) .grid-row')?.click()")
            page.frame()
            wide = page.evaluate("document.documentElement.scrollWidth")
            check(wide <= 800, f"{view} is {wide} wide")
            seen += page.evaluate("document.body.textContent")
            for kind in page.evaluate("[...document.querySelectorAll('[data-export]')]"
                                      ".map(button => button.dataset.export)"):
                page.exported(kind)
        check("<img src=x onerror=alert(2)>" in seen, "a name is missing")
        check(not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", seen),
              "characters that turn or hide text")
        equal(page.count("img, iframe, object, [onload], [onerror]"), 0, "elements from names")
        equal(page.evaluate("document.scripts.length"), 1, "scripts")
        # A fragment is anybody's, too.
        for fragment in ("#view=nowhere&span=x..y&thread=99&zoom=1.2.x&sort=-none&q=/(/",
                         "#view=sites&selected=77&by=constructor&span=-5..1e300",
                         "#view=flame&metric=__proto__&inverted=1&zoom=9.9", "#%ff&view=%3Cimg%3E",
                         "#view=leaks&selected=%3Csvg%20onload=alert(1)%3E",
                         "#view=leaks&kinds=9.x&thread=4294967296",
                         "#view=time&stacked=__proto__&closer=1"):
            page.go(fragment)
        page.is_clean()


@case
def page_of_a_report_of_nothing_is_empty(tools):
    log = tools.log()
    for data in (hostile_log.HEADER + hostile_log.END,
                 hostile_log.log_of(lambda _: [[hostile_log.ALLOC, 2**63, 1, 16, 0, 0]], 1)):
        with open(log, "wb") as file:
            file.write(data)
        with Report(report(tools, log)) as page:
            for view in VIEWS:
                page.go(f"#view={view}&x")
                check(page.text(".panel:not([hidden])").strip(), f"nothing at all in {view}")
            page.is_clean()


@case
def page_of_a_report_compares_two_runs(tools):
    before, now = (tools.trace(tools.fixture(name)).log for name in ("compare", "compare_changed"))
    with Report(report(tools, now, f"--compare={before}")) as page:
        page.go("#view=compare")
        totals = [tools.json(log)["summary"]["total_bytes_allocated"] for log in (before, now)]
        sums = page.sums()
        equal((sums["before"], sums["now"]), tuple(totals), "sums")
        equal(sums["change"], totals[1] - totals[0], "sum of changes")
        rows = page.lines()
        equal([row["change"] for row in rows],
              sorted((row["now"] - row["before"] for row in rows), reverse=True), "changes")
        classes = set(page.evaluate("[...document.querySelectorAll('.compare .frame')]"
                                    ".map(frame => frame.classList[1])"))
        check(any(name.startswith("more") for name in classes), classes)
        page.is_clean()


@case
def page_of_many_hostile_stacks_draws_what_is_in_sight(tools):
    sys.path.append(PAGE)
    try:
        import sample
    except ImportError as error:
        raise Skip("python3-cbor2 is not installed") from error
    log = tools.log()
    with open(log, "wb") as file:
        file.write(hostile_log.HEADER + hostile_log.END)
    with open(report(tools, log)[len("file://"):], encoding="utf-8") as file:
        text = file.read()
    style = text[text.index("<style>") + len("<style>"):text.index("</style>")]
    script = text[text.rindex("<script>") + len("<script>"):text.rindex("</script>")]
    path = tools.log(".html")
    options = sample.parse(["-", path, "--stacks=5000", "--bins=50", "--points=20000", "--hostile",
                            "--checks", "--compare"])
    data = sample.Sample(options).make()
    with open(path, "w", encoding="utf-8") as file:
        file.write(sample.report(style, script, data))
    with Report("file://" + path) as page:
        page.go("#view=sites&by=stack&sort=-total_bytes")
        equal(page.sums()["total_bytes"], data["summary"]["total_bytes_allocated"], "sum")
        rows = page.count(".panel:not([hidden]) .grid-row")
        check(10 < rows < 100, f"{rows} of 5000 lines are drawn")
        page.evaluate("document.querySelector('.panel:not([hidden]) .grid').scrollTop = 1e9")
        page.wait("document.querySelector('.grid-row[data-index=\"4999\"]') !== null",
                  "the last line")
        page.go("#view=flame")
        check(10 < len(page.frames()) <= 3100, f"{len(page.frames())} frames are drawn")
        equal(flame_sum(page), data["summary"]["total_bytes_allocated"], "flame graph")
        for view in (*VIEWS, "compare"):
            page.go(f"#view={view}&span=0.1..0.3&q=/onerror|script/&thread=4&selected=0")
            page.frame()
        equal(page.evaluate("window.ran"), None, "what ran")
        equal(page.count("img, [onload], [onerror]"), 0, "elements from names")
        page.is_clean()
