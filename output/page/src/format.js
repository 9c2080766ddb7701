// SPDX-License-Identifier: MIT
// Numbers as the analyzer's text output has them.

const UNITS = ['KiB', 'MiB', 'GiB', 'TiB', 'PiB', 'EiB'];
const grouped = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 });

export function count(value) {
  return grouped.format(value);
}

export function bytes(value) {
  let rest = Math.abs(value);
  if (rest < 1024) return `${count(value)} B`;
  let unit = -1;
  while (rest >= 1024 && unit + 1 < UNITS.length) {
    rest /= 1024;
    unit++;
  }
  return `${value < 0 ? '\u2212' : ''}${rest.toFixed(2)} ${UNITS[unit]}`;
}

export function exactBytes(value) {
  return `${count(value)} ${Math.abs(value) === 1 ? 'byte' : 'bytes'}`;
}

/** "163.04 KiB (166,949 bytes)"; small ones only once. */
export function fullBytes(value) {
  return Math.abs(value) < 1024 ? exactBytes(value) : `${bytes(value)} (${exactBytes(value)})`;
}

export function percent(part, whole) {
  if (!whole) return '0.0\u202f%';
  return `${((100 * part) / whole).toFixed(1).replace('-', '\u2212')}\u202f%`;
}

export function plural(value, word, words = `${word}s`) {
  return `${count(value)} ${Math.abs(value) === 1 ? word : words}`;
}

export function seconds(value) {
  const size = Math.abs(value);
  if (size === 0) return '0 s';
  if (size < 1e-6) return `${(value * 1e9).toFixed(0)} ns`;
  if (size < 1e-3) return `${(value * 1e6).toFixed(1)} \u00b5s`;
  if (size < 1) return `${(value * 1e3).toFixed(1)} ms`;
  if (size < 100) return `${value.toFixed(3)} s`;
  if (size < 7200) return `${Math.floor(value / 60)} min ${(value % 60).toFixed(0)} s`;
  return `${Math.floor(value / 3600)} h ${Math.round((value % 3600) / 60)} min`;
}

/** A function for the points of the log's time line: seconds, or numbers of events. */
export function timeFormat(times) {
  return times ? seconds : (value) => plural(Math.round(value), 'event');
}

/** A value by its unit's name: bytes, count or time. */
export function byUnit(unit, value, times = true) {
  if (unit === 'bytes') return bytes(value);
  if (unit === 'time') return timeFormat(times)(value);
  return count(value);
}

export function exactly(unit, value) {
  if (unit === 'bytes') return exactBytes(value);
  if (unit === 'time') return String(value);
  return count(value);
}

/** A difference with its sign. */
export function signed(unit, value) {
  const text = unit === 'bytes' ? bytes(Math.abs(value)) : count(Math.abs(value));
  return value === 0 ? text : `${value > 0 ? '+' : '\u2212'}${text}`;
}

export function shorten(text, most) {
  return text.length <= most ? text : `${text.slice(0, most - 1)}\u2026`;
}

export function baseName(path) {
  return path.slice(path.lastIndexOf('/') + 1) || path;
}
