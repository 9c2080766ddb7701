// SPDX-License-Identifier: MIT
// What flame graphs weigh and what tables have as columns, of the whole log and of a span of it.

export const WHOLE = {
  bytes: { label: 'bytes allocated', column: 'total_bytes', unit: 'bytes' },
  allocations: { label: 'allocations', column: 'count', unit: 'count' },
  peak: { label: 'bytes at the peak', column: 'peak_bytes', unit: 'bytes' },
  leaked: { label: 'bytes not freed', column: 'leaked_bytes', unit: 'bytes' },
  temporary: { label: 'temporary allocations', column: 'temporary', unit: 'count' },
};

export const SPAN = {
  bytes: { label: 'bytes allocated in the span', column: 'allocated_bytes', unit: 'bytes' },
  allocations: { label: 'allocations in the span', column: 'allocated', unit: 'count' },
  growth: { label: 'growth in the span', column: 'growth_bytes', unit: 'bytes' },
  alive: { label: 'bytes alive at its end', column: 'end_bytes', unit: 'bytes' },
};

// What is asked of one where only the other has it.
const TO_SPAN = { peak: 'alive', leaked: 'growth', temporary: 'allocations' };
const TO_WHOLE = { alive: 'peak', growth: 'leaked' };

export function metricsFor(span) {
  return span ? SPAN : WHOLE;
}

/** The name of the metric that is shown for the one in the state. */
export function metricName(name, span) {
  const metrics = metricsFor(span);
  if (Object.hasOwn(metrics, name)) return name;
  const others = span ? TO_SPAN : TO_WHOLE;
  return Object.hasOwn(others, name) ? others[name] : 'bytes';
}

const column = (key, label, unit, title) => ({ key, label, unit, title });

export const WHOLE_COLUMNS = [
  column('total_bytes', 'Allocated', 'bytes', 'Bytes allocated, freed ones too'),
  column('count', 'Allocations', 'count', 'Number of allocations'),
  column('peak_bytes', 'At peak', 'bytes', 'Bytes alive when the program held most'),
  column('leaked_bytes', 'Not freed', 'bytes', 'Bytes alive at the end'),
  column('leaked_count', 'Blocks left', 'count', 'Blocks alive at the end'),
  column('temporary', 'Temporary', 'count', 'Freed before the next allocation of their thread'),
  column('reallocations', 'Resized', 'count', 'Reallocations'),
  column('copied_bytes', 'Copied', 'bytes', 'Bytes copied by reallocations that moved a block'),
  column('longest_growth', 'Chain', 'count', 'Most times that one buffer was made larger'),
  column('slack_bytes', 'Slack', 'bytes', 'Usable bytes beyond those asked for'),
  column('cross_thread_frees', 'Other thread', 'count', 'Freed by another thread'),
  column('failed', 'Failed', 'count', 'Calls that returned nothing'),
];

export const SPAN_COLUMNS = [
  column('allocated_bytes', 'Allocated', 'bytes', 'Bytes allocated in the span'),
  column('allocated', 'Allocations', 'count', 'Number of allocations in the span'),
  column('growth_bytes', 'Growth', 'signed', 'Bytes alive at its end less those at its start'),
  column('growth', 'Growth, blocks', 'signed-count', 'Blocks alive at its end less at its start'),
  column('begin_bytes', 'Alive at start', 'bytes', 'Bytes alive when the span begins'),
  column('end_bytes', 'Alive at end', 'bytes', 'Bytes alive when the span ends'),
  column('end', 'Blocks at end', 'count', 'Blocks alive when the span ends'),
];

/** Sums of maxima would mean nothing. */
export const MAXIMA = new Set(['longest_growth']);
