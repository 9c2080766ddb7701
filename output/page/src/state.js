// SPDX-License-Identifier: MIT
// What is shown, as the address's fragment has it: a link opens the same view again.

export const DEFAULTS = {
  view: 'overview',
  metric: 'bytes',
  q: '', // the filter
  span: null, // [from, to] on the time line
  thread: null,
  zoom: '', // frames from the root of the flame graph, as numbers with dots
  inverted: false,
  frames: 'function', // or line: what is one frame of the flame graph
  by: 'line', // what is one line of the table of sites
  sort: '', // a column's name, "-" before it for largest first
  selected: '', // the line of a table that is open
  kinds: '', // leak kinds that are shown, as numbers with dots; all if empty
  stacked: 'site', // what the plot of live bytes is split by
  closer: false, // whether the plots show the span only
  width: 'now', // which run's sums the differential flame graph has as widths
};

function decodeSpan(text) {
  const ends = text.split('..').map(Number);
  return ends.length === 2 && ends.every(Number.isFinite) && ends[0] < ends[1] ? ends : null;
}

/** A state from a fragment; what is not understood is left out. */
export function parse(fragment) {
  const state = { ...DEFAULTS };
  for (const [name, text] of new URLSearchParams(fragment.replace(/^#/, ''))) {
    if (!Object.hasOwn(DEFAULTS, name)) continue;
    if (name === 'span') state.span = decodeSpan(text);
    else if (name === 'thread') state.thread = /^\d+$/.test(text) ? Number(text) : null;
    else if (typeof DEFAULTS[name] === 'boolean') state[name] = text === '1';
    else state[name] = text;
  }
  return state;
}

export function format(state) {
  const fragment = new URLSearchParams();
  for (const [name, value] of Object.entries(state)) {
    const same = value === DEFAULTS[name];
    if (same && name !== 'view') continue;
    if (name === 'span') fragment.set(name, value.join('..'));
    else fragment.set(name, value === true ? '1' : String(value));
  }
  return `#${fragment}`;
}

export class State {
  constructor() {
    this.now = parse(location.hash);
    this.listeners = [];
    // Both come for one step back; the second one finds nothing changed.
    for (const event of ['hashchange', 'popstate']) addEventListener(event, () => this.reread());
  }

  reread() {
    if (format(this.now) === format(parse(location.hash))) return;
    const before = this.now;
    this.now = parse(location.hash);
    this.tell(before);
  }

  /** Changes what is given; step: false if it is no step to go back to, as while one types. */
  set(changes, { step = true } = {}) {
    const before = this.now;
    this.now = { ...before, ...changes };
    const fragment = format(this.now);
    if (fragment === format(before)) return;
    history[step ? 'pushState' : 'replaceState'](null, '', fragment);
    this.tell(before);
  }

  /** A fragment for a link to this state with changes. */
  link(changes) {
    return format({ ...this.now, ...changes });
  }

  tell(before) {
    for (const listener of this.listeners) listener(this.now, before);
  }

  subscribe(listener) {
    this.listeners.push(listener);
  }
}
