// SPDX-License-Identifier: MIT
// The log's sums as columns, and the names and stacks that they refer to.
import { baseName } from './format.js';

const UNKNOWN = '??';

const INDEXES = new Set(['node', 'site', 'thread']);

/** Columns of one type each: loops over several kinds of arrays are many times slower. */
function evenColumns(table) {
  return Object.fromEntries(
    Object.entries(table).map(([name, values]) => [
      name,
      INDEXES.has(name) ? new Uint32Array(values) : new Float64Array(values),
    ]),
  );
}

/** Numbers for lines so that those of one function (of one module) have the same. */
function functionKeys(lines) {
  const keys = new Uint32Array(lines.function.length);
  const known = new Map();
  for (let i = 0; i < keys.length; i++) {
    const name = lines.function[i] * 0x400000 + lines.module[i];
    let key = known.get(name);
    if (key === undefined) known.set(name, (key = i));
    keys[i] = key;
  }
  return keys;
}

export class Model {
  constructor(data) {
    this.data = data;
    this.texts = data.texts;
    this.lines = data.lines;
    this.rows = evenColumns(data.rows);
    this.rowCount = data.rows.node.length;
    this.bins = data.bins;
    this.binCount = Math.max(0, data.bins.time.length - 1);
    this.times = data.times;
    this.summary = data.summary;
    this.lineOf = new Uint32Array(data.nodes.line);
    this.functionKey = functionKeys(data.lines);
    const { up } = data.nodes;
    this.parent = new Uint32Array(up.length);
    for (let i = 1; i < up.length; i++) this.parent[i] = i - up[i];
    this.lowered = null;
    this.firstChildren = null;
  }

  /** Children of all nodes, those of node i from first[i] to first[i + 1]. Made when needed. */
  children() {
    if (!this.firstChildren) {
      const { parent } = this;
      const first = new Uint32Array(parent.length + 1);
      for (let i = 1; i < parent.length; i++) first[parent[i] + 1]++;
      for (let i = 0; i < parent.length; i++) first[i + 1] += first[i];
      const next = first.slice();
      const child = new Uint32Array(Math.max(0, parent.length - 1));
      for (let i = 1; i < parent.length; i++) child[next[parent[i]]++] = i;
      this.firstChildren = { first, child };
    }
    return this.firstChildren;
  }

  functionOf(line) {
    return this.texts[this.lines.function[line]];
  }

  moduleOf(line) {
    return baseName(this.texts[this.lines.module[line]]);
  }

  fileOf(line) {
    return this.texts[this.lines.file[line]];
  }

  /** The function's name, or where no name is known the module. */
  nameOf(line) {
    return this.functionOf(line) || (this.moduleOf(line) ? `(${this.moduleOf(line)})` : UNKNOWN);
  }

  /** "leaky.c:44", or the module where the file is not known. */
  placeOf(line) {
    const file = this.fileOf(line);
    const name = this.functionOf(line);
    // What has no symbol is named by its module already: "libfoo.so+0x1234".
    if (!file)
      return name && !name.startsWith(`${this.moduleOf(line)}+`) ? this.moduleOf(line) : '';
    const number = this.lines.line[line];
    return number ? `${baseName(file)}:${number}` : baseName(file);
  }

  /** "copy_text (leaky.c:44)" */
  labelOf(line) {
    const place = this.placeOf(line);
    return place ? `${this.nameOf(line)} (${place})` : this.nameOf(line);
  }

  /** All that is known about a line, for tooltips. */
  describe(line) {
    const file = this.fileOf(line);
    const module = this.texts[this.lines.module[line]];
    const place = file && (this.lines.line[line] ? `${file}:${this.lines.line[line]}` : file);
    return [this.nameOf(line), place, module].filter(Boolean);
  }

  /** The lines of a stack, innermost first. */
  stack(node) {
    const lines = [];
    for (let i = node; i; i = this.parent[i]) lines.push(this.lineOf[i]);
    return lines;
  }

  /** The node where a row's stack passes through its site: allocators' own frames are inside. */
  siteNode(row) {
    const site = this.rows.site[row];
    for (let i = this.rows.node[row]; i; i = this.parent[i]) {
      if (this.lineOf[i] === site) return i;
    }
    return this.rows.node[row];
  }

  threadName(thread) {
    const { threads, texts } = this.data;
    if (thread >= threads.tid.length) return '?'; // as a link may say
    const name = texts[threads.name[thread]] || 'thread';
    return `${name} (${threads.tid[thread]})`;
  }

  processName(process) {
    const { processes, texts } = this.data;
    return `${baseName(texts[processes.name[process]]) || 'process'} (${processes.pid[process]})`;
  }

  /** Which lines have a name that matches. */
  matchLines(matches) {
    this.lowered ??= this.texts.map((text) => text.toLowerCase());
    const texts = Uint8Array.from(this.lowered, (text) => (text !== '' && matches(text) ? 1 : 0));
    const lines = new Uint8Array(this.lines.function.length);
    for (let i = 0; i < lines.length; i++) {
      lines[i] =
        texts[this.lines.function[i]] | texts[this.lines.module[i]] | texts[this.lines.file[i]];
    }
    return lines;
  }
}
