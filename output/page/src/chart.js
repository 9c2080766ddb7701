// SPDX-License-Identifier: MIT
// Plots over time (uPlot) that a span is chosen in, with the pointer or the keyboard.
import uPlot from 'uplot';
import { h, variable } from './dom.js';
import { bytes, count, timeFormat } from './format.js';

const FONT = '12px system-ui, sans-serif';
const POWERS = Array.from({ length: 60 }, (_, i) => 2 ** i);

function axisBytes(value) {
  return bytes(value)
    .replace(/\.0+ /, ' ')
    .replace(/(\.\d*[1-9])0+ /, '$1 ');
}

/** Seconds of an axis; all in the unit of the longest. */
function axisTimes(times) {
  return (plot, splits) => {
    if (!times) return splits.map(count);
    const most = Math.max(...splits.map(Math.abs));
    const step = splits.length > 1 ? splits[1] - splits[0] : most;
    const [unit, name] =
      most < 1e-3
        ? [1e-6, '\u00b5s']
        : most < 1
          ? [1e-3, 'ms']
          : most < 600
            ? [1, 's']
            : most < 7200 * 3
              ? [60, 'min']
              : [3600, 'h'];
    let digits = 0;
    while (
      digits < 6 &&
      Math.abs(((step / unit) * 10 ** digits) % 1) > 1e-6 &&
      Math.abs(((step / unit) * 10 ** digits) % 1) < 1 - 1e-6
    )
      digits++;
    return splits.map((value) => `${(value / unit).toFixed(digits)} ${name}`);
  };
}

/** Draws a dashed line where the heap was largest. */
function peakMark({ at, label }) {
  return (plot) => {
    const x = plot.valToPos(at, 'x', true);
    const { left, top, width, height } = plot.bbox;
    if (x < left || x > left + width) return;
    const { ctx } = plot;
    ctx.save();
    ctx.strokeStyle = ctx.fillStyle = variable('--text');
    ctx.lineWidth = devicePixelRatio;
    ctx.setLineDash([4 * devicePixelRatio, 3 * devicePixelRatio]);
    ctx.beginPath();
    ctx.moveTo(x, top);
    ctx.lineTo(x, top + height);
    ctx.stroke();
    ctx.font = `${12 * devicePixelRatio}px system-ui, sans-serif`;
    const right = x - left > width / 2;
    ctx.textAlign = right ? 'right' : 'left';
    ctx.setLineDash([]);
    ctx.lineJoin = 'round';
    ctx.lineWidth = 4 * devicePixelRatio;
    ctx.strokeStyle = variable('--paper');
    ctx.strokeText(label, x + (right ? -6 : 6) * devicePixelRatio, top + 14 * devicePixelRatio);
    ctx.fillText(label, x + (right ? -6 : 6) * devicePixelRatio, top + 14 * devicePixelRatio);
    ctx.restore();
  };
}

export class Chart {
  /** options: label, height, unit, times, x, series: [{label, values, colour, fill, shown}],
   *  small: no legend and no y axis; stacked: series are areas, highest first;
   *  peak: {at, label}; onbrush(from, to) or (null). */
  constructor(options) {
    this.options = options;
    this.element = h('div', {
      class: `chart${options.small ? ' small' : ''}`,
      tabindex: '0',
      role: 'application',
      'aria-label':
        `${options.label}. Arrow keys move along it, with Shift ` +
        'they choose a span, Enter filters by the span, Escape takes it back.',
      onkeydown: (event) => this.key(event),
    });
    this.span = null;
    this.anchor = null;
    new ResizeObserver(() => this.resize()).observe(this.element);
  }

  resize() {
    const width = Math.floor(this.element.clientWidth);
    if (!width) return;
    if (!this.plot) this.make(width);
    else if (width !== this.plot.width) this.plot.setSize({ width, height: this.options.height });
    this.select();
  }

  make(width) {
    const { options } = this;
    const time = timeFormat(options.times);
    const stroke = () => variable('--text-soft');
    const grid = { stroke: () => variable('--line'), width: 1 };
    const axis = { font: FONT, stroke, grid, ticks: grid };
    this.plot = new uPlot(
      {
        width,
        height: options.height,
        padding: options.small ? [4, 28, 0, 28] : [8, 28, 0, 0],
        scales: { x: { time: false }, y: { range: (plot, low, high) => [0, (high || 1) * 1.08] } },
        legend: { show: !options.small, live: true },
        cursor: {
          y: false,
          drag: { x: true, y: false, setScale: false },
          sync: { key: 'time' },
          points: { show: !options.small },
          bind: { dblclick: () => () => options.onbrush(null) },
        },
        axes: [
          { ...axis, size: 28, values: axisTimes(options.times), space: 90 },
          {
            ...axis,
            show: !options.small,
            size: 84,
            incrs: options.unit.startsWith('bytes') ? POWERS : undefined,
            values: (plot, splits) =>
              splits.map(
                (value) =>
                  options.axis?.(value) ??
                  (options.unit === 'bytes' ? axisBytes(value) : count(value)),
              ),
          },
        ],
        series: [
          {
            label: options.times ? 'time' : 'events',
            value: (plot, x) => (x === null || x === undefined ? '\u2014' : time(x)),
          },
          ...options.series.map(({ label, colour, fill, shown, width: line, stepped, values }) => ({
            label,
            stroke: () => variable(colour),
            fill: fill && (() => variable(fill)),
            width: line ?? 1.5,
            points: { show: false },
            paths: stepped ? uPlot.paths.stepped({ align: -1 }) : undefined,
            value: (plot, value, series, i) =>
              i === null || i === undefined ? '\u2014' : shown(values[i], i),
          })),
        ],
        hooks: {
          setSelect: [(plot) => this.brushed(plot)],
          draw: options.peak ? [peakMark(options.peak)] : [],
        },
      },
      [options.x, ...options.series.map(({ drawn, values }) => drawn ?? values)],
      this.element,
    );
    // A stack's lowest area was drawn last; the legend begins with it.
    if (options.stacked) {
      this.plot.root.querySelectorAll('.u-legend .u-series').forEach((item, i) => {
        item.style.order = i ? -i : -1000;
      });
    }
    this.zoom();
  }

  brushed(plot) {
    const { left, width } = plot.select;
    if (width < 3) return;
    this.options.onbrush(plot.posToVal(left, 'x'), plot.posToVal(left + width, 'x'));
  }

  /** Shows a span as chosen; closer: the plot shows nothing else. */
  setSpan(span, closer = false) {
    this.span = span;
    this.closer = closer;
    if (!this.plot) return;
    this.zoom();
    this.select();
  }

  zoom() {
    const { x } = this.options;
    const [min, max] = this.closer && this.span ? this.span : [x[0], x[x.length - 1]];
    if (this.plot.scales.x.min !== min || this.plot.scales.x.max !== max) {
      this.plot.setScale('x', { min, max });
    }
  }

  select() {
    if (!this.plot) return;
    const { plot } = this;
    const height = plot.over.clientHeight;
    if (!this.span || this.closer) {
      plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
      return;
    }
    const [from, to] = this.span.map((value) => plot.valToPos(value, 'x'));
    plot.setSelect({ left: from, top: 0, width: Math.max(2, to - from), height }, false);
  }

  /** Colours come from the style sheet: they change with the theme. */
  recolour() {
    this.plot?.redraw(false);
  }

  key(event) {
    const { plot } = this;
    if (!plot || event.ctrlKey || event.metaKey || event.altKey) return;
    const { x } = this.options;
    const last = x.length - 1;
    const at = this.at ?? Math.floor(last / 2);
    const stride = Math.max(1, Math.round(last / 100));
    const to = { ArrowLeft: at - stride, ArrowRight: at + stride, Home: 0, End: last }[event.key];
    if (to !== undefined) {
      if (event.shiftKey) this.anchor ??= at;
      else this.anchor = null;
      this.at = Math.max(0, Math.min(last, to));
      plot.setCursor({ left: plot.valToPos(x[this.at], 'x'), top: 0 });
      if (this.anchor !== null) {
        const ends = [x[this.anchor], x[this.at]].sort((a, b) => a - b);
        const [left, right] = ends.map((value) => plot.valToPos(value, 'x'));
        plot.setSelect(
          { left, top: 0, width: right - left, height: plot.over.clientHeight },
          false,
        );
      }
    } else if (event.key === 'Enter' && this.anchor !== null && this.anchor !== this.at) {
      const ends = [x[this.anchor], x[this.at]].sort((a, b) => a - b);
      this.anchor = null;
      this.options.onbrush(...ends);
    } else return;
    event.preventDefault();
  }

  destroy() {
    this.plot?.destroy();
    this.plot = null;
  }
}
