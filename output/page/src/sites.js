// SPDX-License-Identifier: MIT
// Sums of the rows in scope by what they have in common: a line of code, a thread, a whole stack.
import { MAXIMA } from './metrics.js';

export const GROUPS = {
  line: 'line of code',
  function: 'function',
  file: 'source file',
  module: 'module',
  stack: 'whole stack',
  thread: 'thread',
};

function keyFunction(model, by) {
  const { rows, lines, functionKey } = model;
  switch (by) {
    case 'function':
      return (row) => functionKey[rows.site[row]];
    case 'file':
      return (row) => lines.file[rows.site[row]];
    case 'module':
      return (row) => lines.module[rows.site[row]];
    case 'stack':
      return (row) => rows.node[row];
    case 'thread':
      return (row) => rows.thread[row];
    default:
      return (row) => rows.site[row];
  }
}

function stackName(model, node, row) {
  const lines = [];
  for (let i = model.siteNode(row); i && lines.length < 5; i = model.parent[i]) {
    lines.push(model.nameOf(model.lineOf[i]));
  }
  return lines.join(' \u2190 ') || '??';
}

export class Groups {
  constructor(model, scope, by) {
    this.model = model;
    this.scope = scope;
    this.by = Object.hasOwn(GROUPS, by) ? by : 'line';
    const keyOf = keyFunction(model, this.by);
    const index = new Map();
    this.keys = [];
    this.example = []; // one row of each group
    this.of = new Int32Array(model.rowCount).fill(-1);
    for (const row of scope.rows) {
      const key = keyOf(row);
      let group = index.get(key);
      if (group === undefined) {
        index.set(key, (group = this.keys.length));
        this.keys.push(key);
        this.example.push(row);
      }
      this.of[row] = group;
    }
    this.size = this.keys.length;
  }

  sums(key) {
    const values = new Float64Array(this.size);
    const column = this.scope.column(key);
    const isMaximum = MAXIMA.has(key);
    for (const row of this.scope.rows) {
      const group = this.of[row];
      values[group] = isMaximum
        ? Math.max(values[group], column[row])
        : values[group] + column[row];
    }
    return values;
  }

  name(group) {
    const { model } = this;
    const key = this.keys[group];
    switch (this.by) {
      case 'function':
        return model.nameOf(key);
      case 'file':
        return model.texts[key] || '(file not known)';
      case 'module':
        return model.texts[key] || '(module not known)';
      case 'stack':
        return stackName(model, key, this.example[group]);
      case 'thread':
        return model.threadName(key);
      default:
        return model.labelOf(key);
    }
  }

  title(group) {
    const { model } = this;
    if (this.by === 'stack')
      return model
        .stack(this.keys[group])
        .map((line) => model.labelOf(line))
        .join('\n');
    if (this.by === 'line' || this.by === 'function') {
      return model.describe(model.rows.site[this.example[group]]).join('\n');
    }
    return this.name(group);
  }

  key(group) {
    return String(this.keys[group]);
  }

  rowsOf(group) {
    return this.scope.rows.filter((row) => this.of[row] === group);
  }

  /** The groups with most of a column: [{group, value}], positive ones only. */
  top(key, most) {
    const values = this.sums(key);
    return Array.from(values, (value, group) => ({ group, value }))
      .filter(({ value }) => value > 0)
      .sort((a, b) => b.value - a.value || a.group - b.group)
      .slice(0, most);
  }
}

/** A Grid's table of groups. Columns that are all zero are left out, the first ones never. */
export function tableOf(groups, columns, kept = 4) {
  const shown = columns
    .map((column) => ({
      ...column,
      values: groups.sums(column.key),
      sum: MAXIMA.has(column.key) ? null : undefined,
    }))
    .filter(({ values }, i) => i < kept || values.some((value) => value !== 0));
  return {
    size: groups.size,
    columns: shown,
    name: (i) => groups.name(i),
    title: (i) => groups.title(i),
    key: (i) => groups.key(i),
  };
}
