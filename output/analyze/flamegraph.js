// SPDX-License-Identifier: MIT
// Makes a flame graph interactive: zoom, search and a tooltip. Without it the drawing and the
// frames' titles are there all the same. Names come from the document and go back into it as text
// only.
"use strict";
(function () {
    const SVG = "http://www.w3.org/2000/svg";
    const HTML = "http://www.w3.org/1999/xhtml";
    // Pixels.
    const NARROWEST = 0.1;
    const GAP = 0.7;
    const MARGIN = 10;

    const graph = document.currentScript.closest("svg#graph");
    const holder = graph.querySelector("#frames");
    const head = graph.querySelector("#head");
    const counts = graph.dataset.unit === "number";
    const what = graph.dataset.what;
    const frames = Array.from(holder.querySelectorAll(".f"), readFrame);
    const frameOfElement = new Map(frames.map((frame) => [frame.element, frame]));
    const headLines = Array.from(head.querySelectorAll("text"), (text) => ({
        text, whole: text.textContent,
        characterWidth: text.getComputedTextLength() / text.textContent.length || 8,
    }));
    let zoomed = frames[0];
    let characterWidth = 7.25;

    function make(space, name, attributes, parent) {
        const element = document.createElementNS(space, name);
        for (const key in attributes)
            element.setAttribute(key, attributes[key]);
        parent.appendChild(element);
        return element;
    }

    // The title becomes ours: the browser would show it beside the tooltip.
    function readFrame(element, index) {
        const title = element.querySelector("title");
        const lines = title.textContent.split("\n");
        title.remove();
        element.setAttribute("role", "button");
        element.setAttribute("aria-label", lines.join(", "));
        element.setAttribute("tabindex", index ? "-1" : "0");
        return {
            element, index, name: lines[0], lines,
            module: lines.length > 2 ? lines[lines.length - 1] : "",
            rect: element.querySelector("rect"), text: element.querySelector("text"),
            x: Number(element.dataset.x), weight: Number(element.dataset.w),
            beside: Number(element.dataset.b), depth: Number(element.dataset.d), parent: null, end: index + 1,
        };
    }

    // They are in the order of a walk, parents first: end is where those below a frame end.
    function link() {
        const path = [];
        for (const frame of frames) {
            path.length = Math.min(path.length, frame.depth);
            frame.parent = path[frame.depth - 1] || null;
            path[frame.depth] = frame;
            for (let at = frame.parent; at; at = at.parent)
                at.end = frame.index + 1;
        }
    }

    function formatNumber(number, one) {
        return number.toLocaleString("en-US") + " " + one + (number === 1 ? "" : "s");
    }

    function formatBytes(bytes) {
        if (bytes < 1024)
            return formatNumber(bytes, "byte");
        const units = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
        let unit = -1;
        for (; bytes >= 1024 && unit + 1 < units.length; unit++)
            bytes /= 1024;
        return bytes.toFixed(2) + " " + units[unit];
    }

    // As titles have it: what is drawn first.
    function formatWeight(weight, beside) {
        return counts ? formatNumber(weight, what) + " with " + formatBytes(beside)
            : formatBytes(weight) + " in " + formatNumber(beside, what);
    }

    function formatShare(part, whole) {
        return whole ? (100 * part / whole).toFixed(1) + "%" : "-";
    }

    // Letters of the scripts that are written so take two columns of a terminal's font.
    function columns(character) {
        return character >= "\u1100" ? 2 : 1;
    }

    function cut(text, most) {
        if (text.length * 2 <= most || (text.length <= most && /^[\x20-\x7e]*$/.test(text)))
            return text;
        let used = 0;
        let kept = "";
        let fits = "";
        for (const character of text) {
            used += columns(character);
            if (used > most)
                return fits + "\u2026";
            kept += character;
            if (used < most)
                fits = kept;
        }
        return text;
    }

    // ---- Zoom ----

    function isAbove(frame, other) {
        return frame.index < other.index && frame.end >= other.end;
    }

    function label(frame, x, width) {
        const most = Math.floor((width - 6) / characterWidth);
        const text = most < 3 ? "" : cut(frame.name, most);
        if (text && !frame.text)
            frame.text = make(SVG, "text", { y: Number(frame.rect.getAttribute("y")) + 12 },
                              frame.element);
        if (!frame.text)
            return;
        frame.text.setAttribute("x", x + 3);
        if (frame.text.textContent !== text)
            frame.text.textContent = text;
    }

    function layOut() {
        const all = Math.max(graph.getBoundingClientRect().width - 2 * MARGIN, 1);
        holder.setAttribute("width", all);
        for (const frame of frames) {
            const up = isAbove(frame, zoomed);
            const inside = frame.index >= zoomed.index && frame.index < zoomed.end;
            const width = up ? all : all * frame.weight / zoomed.weight;
            frame.visible = up || (inside && width >= NARROWEST);
            frame.element.style.display = frame.visible ? "" : "none";
            if (!frame.visible)
                continue;
            const x = up ? 0 : all * (frame.x - zoomed.x) / zoomed.weight;
            frame.rect.setAttribute("x", x);
            frame.rect.setAttribute("width", width > 2 * GAP ? width - GAP : width / 2);
            frame.element.classList.toggle("up", up);
            label(frame, x, width);
        }
        for (const line of headLines)
            line.text.textContent = cut(line.whole, Math.floor(all / line.characterWidth));
    }

    function zoom(frame) {
        zoomed = frame;
        layOut();
        reset.disabled = frame === frames[0];
        search();
        hideTip();
    }

    // ---- Search ----

    // As users of less or ripgrep expect: a capital letter makes case matter.
    function expression(text) {
        return new RegExp(text, /[A-Z]/.test(text.replace(/\\./g, "")) ? "u" : "iu");
    }

    // A frame below one that matches adds nothing to what the match weighs.
    function search() {
        let wanted = null;
        let weight = 0;
        let beside = 0;
        let found = 0;
        let behind = 0;
        input.classList.remove("wrong");
        try {
            wanted = input.value && expression(input.value);
        } catch (error) {
            input.classList.add("wrong");
        }
        for (const frame of frames) {
            const hit = Boolean(wanted) && frame.index > 0 &&
                (wanted.test(frame.name) || wanted.test(frame.module));
            frame.element.classList.toggle("hit", hit);
            if (!hit)
                continue;
            if (isAbove(frame, zoomed) || frame === zoomed) {
                weight = zoomed.weight;
                beside = zoomed.beside;
                behind = zoomed.end;
                found++;
            } else if (frame.index > zoomed.index && frame.index < zoomed.end) {
                found++;
                if (frame.index >= behind) {
                    weight += frame.weight;
                    beside += frame.beside;
                    behind = frame.end;
                }
            }
        }
        matched.textContent = !wanted ? "" : !found ? "no match" :
            "matched " + formatShare(weight, zoomed.weight) + " (" + formatWeight(weight, beside) + ")" +
            (zoomed === frames[0] ? "" : " of the zoomed frame");
    }

    // ---- Tooltip ----

    const tip = make(SVG, "g", { id: "tip" }, graph);
    const tipBox = make(SVG, "rect", { rx: 3 }, tip);
    const tipText = make(SVG, "text", {}, tip);

    function hideTip() {
        tip.style.display = "none";
    }

    function tipLines(frame, most) {
        const lines = [];
        const all = frame.lines.slice();
        if (zoomed !== frames[0])
            all.splice(2, 0, formatShare(Math.min(frame.weight, zoomed.weight), zoomed.weight) +
                       " of the zoomed frame");
        for (const line of all) {
            const characters = Array.from(line);
            for (let at = 0; at < characters.length && lines.length < 40; at += most)
                lines.push(characters.slice(at, at + most).join(""));
        }
        return lines;
    }

    function showTip(frame, x, y) {
        const box = graph.getBoundingClientRect();
        const room = Math.min(box.width, 900) - 2 * MARGIN - 12;
        const lines = tipLines(frame, Math.max(20, Math.floor(room / characterWidth)));
        tipText.textContent = "";
        lines.forEach((line, i) => {
            make(SVG, "tspan", { x: 6, y: 15 + 15 * i }, tipText).textContent = line;
        });
        tip.style.display = "";
        const width = tipText.getBBox().width + 12;
        const height = 15 * lines.length + 7;
        tipBox.setAttribute("width", width);
        tipBox.setAttribute("height", height);
        // Inside of what is seen of the page; above the pointer where there is no room below it.
        const bottom = Math.min(box.height, innerHeight - box.top);
        const left = Math.max(0, Math.min(x - box.left + 12, box.width - width - 2));
        let top = y - box.top + 18;
        if (top + height > bottom)
            top = y - box.top - height - 8;
        if (top < -box.top)
            top = Math.max(0, bottom - height);
        tip.setAttribute("transform", `translate(${left}, ${top})`);
    }

    function frameOf(event) {
        const element = event.target.closest && event.target.closest("#frames > .f");
        return frameOfElement.get(element) || null;
    }

    // ---- The bar ----

    const place = make(SVG, "foreignObject", { x: MARGIN, y: 52, width: "100%", height: 28 }, head);
    place.style.width = `calc(100% - ${2 * MARGIN}px)`;
    const bar = make(HTML, "div", { id: "bar" }, place);
    const reset = make(HTML, "button", { type: "button", title: "Escape" }, bar);
    reset.textContent = "Reset zoom";
    const input = make(HTML, "input", {
        type: "text", id: "search", spellcheck: "false", autocomplete: "off",
        placeholder: "Search (Ctrl-F)", "aria-label": "Search",
        title: "A regular expression for functions and modules; a capital letter makes case matter",
    }, bar);
    const matched = make(HTML, "span", { id: "matched", role: "status" }, bar);

    function keepHeadInSight() {
        head.setAttribute("transform",
            `translate(0, ${Math.max(0, -graph.getBoundingClientRect().top)})`);
    }

    // ---- Keys ----

    function neighbour(frame, key) {
        const down = graph.classList.contains("icicle") ? "ArrowDown" : "ArrowUp";
        if (key === "ArrowUp" || key === "ArrowDown") {
            if (key !== down)
                return frame.parent;
            return frames.slice(frame.index + 1, frame.end).find((other) => other.visible);
        }
        const row = frames.filter((other) => other.visible && other.depth === frame.depth);
        return row[row.indexOf(frame) + (key === "ArrowLeft" ? -1 : 1)];
    }

    function focus(frame) {
        if (!frame)
            return;
        for (const other of frames)
            if (other.element.tabIndex === 0)
                other.element.tabIndex = -1;
        frame.element.tabIndex = 0;
        frame.element.focus({ preventScroll: false });
    }

    function onKey(event) {
        const frame = frameOf(event);
        if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "f") {
            input.focus();
            input.select();
        } else if (event.key === "Escape") {
            if (event.target === input && input.value) {
                input.value = "";
                search();
            } else {
                zoom(frames[0]);
                input.blur();
            }
        } else if (frame && (event.key === "Enter" || event.key === " ")) {
            zoom(frame);
        } else if (frame && event.key.startsWith("Arrow")) {
            focus(neighbour(frame, event.key));
        } else {
            return;
        }
        event.preventDefault();
    }

    graph.setAttribute("width", "100%");
    reset.addEventListener("click", () => zoom(frames[0]));
    input.addEventListener("input", search);
    addEventListener("keydown", onKey);
    addEventListener("resize", layOut);
    addEventListener("scroll", keepHeadInSight);
    holder.addEventListener("click", (event) => {
        const frame = frameOf(event);
        if (frame) {
            zoom(frame);
            focus(frame);
            hideTip();
        }
    });
    holder.addEventListener("mousemove", (event) => {
        const frame = frameOf(event);
        if (frame)
            showTip(frame, event.clientX, event.clientY);
        else
            hideTip();
    });
    holder.addEventListener("mouseleave", hideTip);
    holder.addEventListener("focusin", (event) => {
        const frame = frameOf(event);
        const box = frame && frame.element.getBoundingClientRect();
        if (frame && frame.element.matches(":focus-visible"))
            showTip(frame, box.left, box.bottom);
    });
    holder.addEventListener("focusout", hideTip);

    link();
    hideTip();
    if (frames[0]) {
        const probe = make(SVG, "text", {}, frames[0].element);
        probe.textContent = "M".repeat(100);
        characterWidth = probe.getComputedTextLength() / 100 || characterWidth;
        probe.remove();
        zoom(frames[0]);
    } else {
        place.remove();
    }
    // The outermost frames first, as the reader's eye goes up from them.
    if (!graph.classList.contains("icicle"))
        scrollTo(0, document.documentElement.scrollHeight);
    keepHeadInSight();
}());
