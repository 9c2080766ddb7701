// SPDX-License-Identifier: MIT
// What happened in a span of the time line, by row, from the points where rows changed.

/** The bins that a span of two times covers at least in part, as {first, last} (last excluded). */
export function binsOf(model, from, to) {
  const { time } = model.bins;
  const most = model.binCount;
  let first = 0;
  while (first < most - 1 && time[first + 1] <= from) first++;
  let last = first + 1;
  while (last < most && time[last] < to) last++;
  return { first, last, from: time[first], to: time[last] };
}

/** Columns of all rows: what was allocated in the span, and what was alive at its ends. */
export function spanColumns(model, { first, last }) {
  const rows = model.rowCount;
  const {
    row,
    allocated,
    allocated_bytes: allocatedBytes,
    live,
    live_bytes: liveBytes,
  } = model.data.points;
  const from = model.bins.points[first];
  const to = model.bins.points[last];
  const begin = new Float64Array(rows);
  const beginBytes = new Float64Array(rows);
  for (let i = 0; i < from; i++) {
    begin[row[i]] = live[i];
    beginBytes[row[i]] = liveBytes[i];
  }
  const columns = {
    allocated: new Float64Array(rows),
    allocated_bytes: new Float64Array(rows),
    begin,
    begin_bytes: beginBytes,
    end: begin.slice(),
    end_bytes: beginBytes.slice(),
    growth: new Float64Array(rows),
    growth_bytes: new Float64Array(rows),
  };
  for (let i = from; i < to; i++) {
    const at = row[i];
    columns.allocated[at] += allocated[i];
    columns.allocated_bytes[at] += allocatedBytes[i];
    columns.end[at] = live[i];
    columns.end_bytes[at] = liveBytes[i];
  }
  for (let i = 0; i < rows; i++) {
    columns.growth[i] = columns.end[i] - begin[i];
    columns.growth_bytes[i] = columns.end_bytes[i] - beginBytes[i];
  }
  return columns;
}

/** Live bytes at the end of each bin by group: groupOf[row] is a group's number or -1. */
export function liveByGroup(model, groupOf, groups) {
  const { row, live_bytes: liveBytes } = model.data.points;
  const series = Array.from({ length: groups }, () => new Float64Array(model.binCount));
  const now = new Float64Array(model.rowCount);
  const sums = new Float64Array(groups);
  for (let bin = 0; bin < model.binCount; bin++) {
    for (let i = model.bins.points[bin]; i < model.bins.points[bin + 1]; i++) {
      const at = row[i];
      const group = groupOf[at];
      if (group >= 0) sums[group] += liveBytes[i] - now[at];
      now[at] = liveBytes[i];
    }
    for (let group = 0; group < groups; group++) series[group][bin] = sums[group];
  }
  return series;
}

/** Allocations by bin of some rows. */
export function allocatedByBin(model, included) {
  const { row, allocated, allocated_bytes: allocatedBytes } = model.data.points;
  const counts = new Float64Array(model.binCount);
  const bytes = new Float64Array(model.binCount);
  for (let bin = 0; bin < model.binCount; bin++) {
    for (let i = model.bins.points[bin]; i < model.bins.points[bin + 1]; i++) {
      if (!included[row[i]]) continue;
      counts[bin] += allocated[i];
      bytes[bin] += allocatedBytes[i];
    }
  }
  return { counts, bytes };
}
