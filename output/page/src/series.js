// SPDX-License-Identifier: MIT
// What the plots over time draw, as options of Chart.
import { bytes, count, timeFormat } from './format.js';
import { allocatedByBin, liveByGroup } from './span.js';
import { Groups } from './sites.js';
import { SERIES } from './colours.js';

/** Values at the bins' ends with one at the start of all. */
function withStart(values, start) {
  const all = new Float64Array(values.length + 1);
  all.set(values, 1);
  all[0] = start;
  return all;
}

function scaled(values, time) {
  return Float64Array.from(values, (value, i) => value / (time[i + 1] - time[i] || 1));
}

/** Where the heap was largest, for a mark. */
export function peakOf({ bins, binCount, summary, times }) {
  if (!binCount) return null;
  let best = 0;
  for (let i = 1; i < binCount; i++) if (bins.peak_bytes[i] > bins.peak_bytes[best]) best = i;
  const at = bins.time[best + 1];
  return { at, label: `peak ${bytes(summary.peak_memory)} at ${timeFormat(times)(at)}` };
}

/** Live bytes of all, for the strip above each view. */
export function strip(model) {
  return {
    label: 'Live bytes over time',
    height: 76,
    unit: 'bytes',
    small: true,
    times: model.times,
    x: Array.from(model.bins.time),
    peak: peakOf(model),
    series: [
      {
        label: 'live bytes',
        values: withStart(model.bins.live_bytes, 0),
        colour: '--s0',
        fill: '--s0-soft',
        shown: bytes,
      },
    ],
  };
}

/** The groups with most live bytes at any time, drawn one on the other. */
function stacked(app, by) {
  const { model, scope } = app;
  // A span is looked at, not cut out: groups are those of all rows of the thread and filter.
  const groups = new Groups(
    model,
    { ...scope, rows: scope.rows, column: (key) => model.rows[key] },
    by,
  );
  const peaks = groups.sums('peak_bytes');
  const left = groups.sums('leaked_bytes');
  const order = Array.from(peaks, (value, i) => i)
    .sort((a, b) => Math.max(peaks[b], left[b]) - Math.max(peaks[a], left[a]))
    .slice(0, SERIES - 1);
  const rank = new Int32Array(groups.size).fill(order.length);
  order.forEach((group, i) => {
    rank[group] = i;
  });
  const rest = groups.size > order.length;
  const size = order.length + (rest ? 1 : 0);
  const of = groups.of.map((group) => (group < 0 ? -1 : rank[group]));
  const live = liveByGroup(model, of, size).map((values) => withStart(values, 0));
  const series = [];
  const sum = new Float64Array(model.binCount + 1);
  live.forEach((values, i) => {
    for (let bin = 0; bin < sum.length; bin++) sum[bin] += values[bin];
    const isRest = rest && i === size - 1;
    series.push({
      label: isRest ? `others (${count(groups.size - order.length)})` : groups.name(order[i]),
      values,
      drawn: sum.slice(),
      colour: isRest ? '--rest' : `--s${i}`,
      fill: isRest ? '--rest-fill' : `--s${i}-fill`,
      shown: bytes,
      width: 1,
    });
  });
  // The highest is drawn first, lower ones over it.
  return series.reverse();
}

export function charts(app, by) {
  const { model, scope } = app;
  const { bins } = model;
  const x = Array.from(bins.time);
  const common = { times: model.times, x };
  const whole = scope.isWhole;
  const total = whole
    ? bins.live_bytes
    : liveByGroup(
        model,
        Int8Array.from(scope.flags(), (flag) => flag - 1),
        1,
      )[0];
  const live =
    by === 'none' || !model.rowCount
      ? [
          {
            label: 'live bytes',
            values: withStart(total, 0),
            colour: '--s0',
            fill: '--s0-soft',
            shown: bytes,
          },
        ]
      : stacked(app, by);
  if (whole) {
    live.push({
      label: 'most in between',
      values: withStart(bins.peak_bytes, bins.peak_bytes[0]),
      colour: '--text',
      shown: bytes,
      stepped: true,
      width: 1,
    });
  }
  const made = whole
    ? { counts: bins.allocated, bytes: bins.allocated_bytes }
    : allocatedByBin(model, scope.flags());
  const unit = model.times ? '/s' : ' per event';
  const byteRate = scaled(made.bytes, bins.time);
  const callRate = scaled(made.counts, bins.time);
  const perTime = (show) => (value) => `${show(value)}${unit}`;
  const list = [
    {
      ...common,
      label: 'Live bytes',
      height: 300,
      unit: 'bytes',
      peak: peakOf(model),
      series: live,
      stacked: by !== 'none',
    },
    {
      ...common,
      label: `Bytes allocated${unit}`,
      height: 130,
      unit: 'bytes',
      series: [
        {
          label: 'allocated',
          values: withStart(byteRate, byteRate[0]),
          colour: '--s1',
          fill: '--s1-soft',
          stepped: true,
          shown: perTime(bytes),
        },
      ],
    },
    {
      ...common,
      label: `Allocations${unit}`,
      height: 130,
      unit: 'count',
      series: [
        {
          label: 'allocations',
          values: withStart(callRate, callRate[0]),
          colour: '--s2',
          fill: '--s2-soft',
          stepped: true,
          shown: perTime((value) => (value < 10 ? value.toFixed(2) : count(value))),
        },
      ],
    },
  ];
  if (whole) {
    list.splice(1, 0, {
      ...common,
      label: 'Live blocks',
      height: 130,
      unit: 'count',
      series: [
        {
          label: 'live blocks',
          values: withStart(bins.live, 0),
          colour: '--s4',
          fill: '--s4-soft',
          shown: count,
        },
      ],
    });
  }
  return list;
}
