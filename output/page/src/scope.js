// SPDX-License-Identifier: MIT
// What part of the log is looked at: a span of time, one thread, stacks through what is searched.
import { binsOf, spanColumns } from './span.js';
import { metricName, metricsFor } from './metrics.js';

/** A function that tells whether a lowered name matches: a part of it, or /an expression/. */
function matcher(text) {
  const expression = /^\/(.+)\/$/.exec(text);
  if (expression) {
    try {
      const regex = new RegExp(expression[1], 'i');
      return (name) => regex.test(name);
    } catch {
      return () => false;
    }
  }
  const lowered = text.toLowerCase();
  return (name) => name.includes(lowered);
}

/** {lines, nodes, siteOnly}: what matches, as flags; null without a filter. */
function matched(model, filter) {
  if (!filter) return null;
  const siteOnly = filter.startsWith('site:');
  const text = siteOnly ? filter.slice(5).trim() : filter;
  if (!text) return null;
  const lines = model.matchLines(matcher(text));
  const nodes = new Uint8Array(model.parent.length);
  for (let i = 1; i < nodes.length; i++) {
    nodes[i] = lines[model.lineOf[i]] | nodes[model.parent[i]];
  }
  return { lines, nodes, siteOnly };
}

export class Scope {
  constructor(model, { span, thread, q }, old) {
    this.model = model;
    this.key = JSON.stringify([span, thread, q]);
    this.span = span && model.binCount ? binsOf(model, span[0], span[1]) : null;
    this.thread = thread;
    this.filter = q;
    this.match = old?.filter === q ? old.match : matched(model, q);
    const same =
      old?.span &&
      this.span &&
      old.span.first === this.span.first &&
      old.span.last === this.span.last;
    this.columns = same ? old.columns : this.span ? spanColumns(model, this.span) : model.rows;
    this.metrics = metricsFor(this.span);
    this.rows = this.choose();
    this.isWhole = this.rows.length === model.rowCount;
  }

  /** Whether a row is looked at, the filter apart. */
  isOfThread(row) {
    return this.thread === null || this.model.rows.thread[row] === this.thread;
  }

  isMatch(row) {
    if (!this.match) return true;
    return this.match.siteOnly
      ? this.match.lines[this.model.rows.site[row]] === 1
      : this.match.nodes[this.model.rows.node[row]] === 1;
  }

  choose() {
    const { model } = this;
    const rows = new Uint32Array(model.rowCount);
    let count = 0;
    for (let i = 0; i < model.rowCount; i++) {
      if (this.isOfThread(i) && this.isMatch(i)) rows[count++] = i;
    }
    return rows.subarray(0, count);
  }

  metric(name) {
    const shown = metricName(name, this.span);
    return { name: shown, ...this.metrics[shown] };
  }

  column(key) {
    return this.columns[key];
  }

  sum(key) {
    const column = this.columns[key];
    let sum = 0;
    for (const row of this.rows) sum += column[row];
    return sum;
  }

  /** A flag for each row of the log. */
  flags() {
    const flags = new Uint8Array(this.model.rowCount);
    for (const row of this.rows) flags[row] = 1;
    return flags;
  }
}
