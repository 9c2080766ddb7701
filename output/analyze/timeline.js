"use strict";
// Reads values out of the plot and zooms into it. Names are read from the legend; the data hold
// numbers only.
(() => {
    const SVG = "http://www.w3.org/2000/svg";
    const data = JSON.parse(document.getElementById("data").textContent);
    const plot = document.querySelector(".timeline");
    const upper = plot.querySelector(".upper");
    const lower = plot.querySelector(".lower");
    const count = data.live.length;
    const names = [...plot.querySelectorAll(".key title")].map(title => title.textContent);
    const samples = [...plot.querySelectorAll(".key rect")];
    const height = upper.height.baseVal.value;
    const full = upper.querySelector(".curves").viewBox.baseVal.height;
    const whole = [0, data.across];
    let shown = whole;  // in lines
    let top = data.top;

    function element(name, attributes, parent, text) {
        const made = document.createElementNS(SVG, name);
        for (const [key, value] of Object.entries(attributes))
            made.setAttribute(key, value);
        if (text !== undefined)
            made.textContent = text;
        return parent.appendChild(made);
    }

    // ---- Numbers ----

    const grouped = number => number.toLocaleString("en");
    const timeOf = x => data.begin + (data.end - data.begin) * x / data.across;

    function scaleOf(measure, span, highest, most) {
        const units = data.units[measure].filter(([, from]) => highest >= from);
        const [unit, , name] = units[units.length - 1];
        const power = 10 ** Math.floor(Math.log10(span / most / unit));
        const digit = span / most / unit / power;
        let step = (digit <= 1 ? 1 : digit <= 2 ? 2 : digit <= 5 ? 5 : 10) * power;
        if (unit === 1 && measure !== "seconds")
            step = Math.max(step, 1);
        const decimals = Math.max(0, Math.ceil(-Math.log10(step) - 1e-9));
        return {step: step * unit,
                label: value => (value / unit).toFixed(decimals) + (name && " " + name)};
    }

    function bytes(number) {
        const [unit, , name] = data.units.bytes.filter(([, from]) => number >= from).pop();
        return unit === 1 ? grouped(number) + " bytes" : (number / unit).toFixed(2) + " " + name;
    }

    // ---- Axes ----

    function drawColumns(panel, panelHeight, labels) {
        const [begin, end] = shown.map(timeOf);
        const width = panel.querySelector(".curves").getBoundingClientRect().width;
        const scale = scaleOf(data.times ? "seconds" : "number", end - begin, end,
                              Math.max(2, Math.min(12, Math.floor(width / 70))));
        const group = panel.querySelector(".columns");
        group.replaceChildren();
        for (let i = Math.ceil(begin / scale.step - 1e-9); i * scale.step <= end; i++) {
            const x = 100 * (i * scale.step - begin) / (end - begin) + "%";
            element("line", {x1: x, x2: x, y2: panelHeight}, group);
            if (labels)
                element("text", {x, y: panelHeight + 18}, group, scale.label(i * scale.step));
        }
    }

    function drawRows() {
        const scale = scaleOf("bytes", top, top, 6);
        const group = upper.querySelector(".rows");
        group.replaceChildren();
        for (let i = 0; i * scale.step <= top; i++) {
            const y = height * (1 - i * scale.step / top);
            element("line", {x2: "100%", y1: y, y2: y}, group);
            element("text", {x: -8, y, dy: ".35em"}, group, i ? scale.label(i * scale.step) : "0");
        }
    }

    function placePeak() {
        const peak = upper.querySelector(".peak");
        if (!peak)
            return;
        const at = (peak.dataset.at - shown[0]) / (shown[1] - shown[0]);
        const y = height * (1 - peak.dataset.bytes / top);
        peak.style.display = at >= 0 && at <= 1 ? "" : "none";
        peak.querySelector("circle").setAttribute("cx", 100 * at + "%");
        peak.querySelector("circle").setAttribute("cy", y);
        const text = peak.querySelector("text");
        text.setAttribute("x", 100 * at + "%");
        text.setAttribute("y", y - 10);
        text.setAttribute("text-anchor", at < .15 ? "start" : at > .85 ? "end" : "middle");
    }

    function show(range) {
        shown = range;
        const first = Math.floor(range[0]);
        const last = Math.min(count, Math.ceil(range[1]));
        const most = data.most.slice(first, last).reduce((a, b) => Math.max(a, b), 0);
        top = range === whole || !most ? data.top : most * data.headroom;
        for (const [panel, part] of [[upper, top / data.top], [lower, 1]])
            panel.querySelector(".curves").setAttribute("viewBox",
                [range[0], full * (1 - part), range[1] - range[0], full * part].join(" "));
        drawColumns(upper, height, false);
        drawColumns(lower, lower.height.baseVal.value, true);
        drawRows();
        placePeak();
        reset.hidden = range === whole;
    }

    // ---- Reading and choosing ----

    const panels = [upper, lower].map(panel => ({
        panel,
        choice: element("rect", {class: "choice", height: panel.height.baseVal.value}, panel),
        cursor: element("line", {class: "cursor", y2: panel.height.baseVal.value}, panel),
        // Takes the pointer's events, also between the curves.
        field: element("rect", {class: "field", width: "100%",
                                height: panel.height.baseVal.value}, panel),
    }));
    const reset = document.getElementById("reset");
    const reading = document.getElementById("reading");
    let start = null;

    function partOf(event) {
        const box = panels[0].field.getBoundingClientRect();
        return Math.min(1, Math.max(0, (event.clientX - box.left) / box.width));
    }

    const lineAt = part => shown[0] + part * (shown[1] - shown[0]);

    function row(table, sample, name, value) {
        const made = table.insertRow();
        const mark = made.insertCell();
        if (sample)
            mark.appendChild(document.createElement("i")).style.background =
                getComputedStyle(sample).fill;
        made.insertCell().textContent = name;
        made.insertCell().textContent = value;
    }

    function read(event) {
        const part = partOf(event);
        const line = Math.min(count - 1, Math.floor(lineAt(part)));
        const from = timeOf(line);
        const to = Math.min(timeOf(line + 1), data.end);
        const scale = scaleOf(data.times ? "seconds" : "number", (timeOf(1) - data.begin) / 2, to, 1);
        const table = document.createElement("table");
        table.createCaption().textContent = (data.times ? "" : "event ") + scale.label(to);
        row(table, null, "all sites", bytes(data.live[line]));
        row(table, null, "most within", bytes(data.most[line]));
        row(table, null, "blocks", grouped(data.blocks[line]));
        if (data.times)
            row(table, null, "allocations per second",
                grouped(Math.round(data.allocations[line] / (to - from))));
        else
            row(table, null, "allocations", grouped(data.allocations[line]));
        samples.forEach((sample, i) => {
            const column = sample.classList.contains("other") ? data.columns.length - 1 : i;
            if (data.columns[column][line])
                row(table, sample, names[i], bytes(data.columns[column][line]));
        });
        reading.replaceChildren(table);
        reading.style.display = "block";
        const left = event.clientX + 18 + reading.offsetWidth < document.documentElement.clientWidth;
        reading.style.left = (left ? event.clientX + 18
                                   : Math.max(0, event.clientX - 18 - reading.offsetWidth)) + "px";
        reading.style.top = Math.max(0, Math.min(event.clientY + 12, innerHeight -
                                                 reading.offsetHeight)) + "px";
        for (const {cursor} of panels) {
            cursor.style.display = "block";
            cursor.setAttribute("x1", 100 * part + "%");
            cursor.setAttribute("x2", 100 * part + "%");
        }
    }

    function leave() {
        reading.style.display = "none";
        panels.forEach(({cursor}) => { cursor.style.display = "none"; });
    }

    function choose(part) {
        for (const {choice} of panels) {
            choice.style.display = start === null ? "none" : "block";
            choice.setAttribute("x", 100 * Math.min(start, part) + "%");
            choice.setAttribute("width", 100 * Math.abs(start - part) + "%");
        }
    }

    for (const {field} of panels) {
        field.addEventListener("pointerdown", event => {
            if (event.button !== 0)
                return;
            field.setPointerCapture(event.pointerId);
            start = partOf(event);
            event.preventDefault();
        });
        field.addEventListener("pointermove", event => {
            if (count)
                read(event);
            if (start !== null)
                choose(partOf(event));
        });
        field.addEventListener("pointerup", event => {
            if (start === null)
                return;
            const [from, to] = [start, partOf(event)].sort((a, b) => a - b).map(lineAt);
            start = null;
            choose(0);
            // A click is no choice, and less than two lines show nothing.
            if (to - from >= Math.min(2, (shown[1] - shown[0]) / 50))
                show([from, to]);
        });
        field.addEventListener("pointerleave", leave);
        field.addEventListener("dblclick", () => show(whole));
    }
    reset.addEventListener("click", () => show(whole));
    addEventListener("keydown", event => {
        if (event.key === "Escape")
            show(whole);
    });
    addEventListener("resize", () => show(shown));
    show(whole);
})();
