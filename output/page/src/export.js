// SPDX-License-Identifier: MIT
// What a view shows, as a file.

/** Names that a spreadsheet would take for a formula are kept from that by an apostrophe. */
function csvCell(value) {
  let text = String(value);
  if (typeof value === 'string' && /^[=+\-@\t\r]/.test(text)) text = `'${text}`;
  return /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

function csv(names, rows) {
  return [names, ...rows].map((row) => row.map(csvCell).join(',')).join('\n') + '\n';
}

function json(names, rows) {
  const objects = rows.map((row) => Object.fromEntries(names.map((name, i) => [name, row[i]])));
  return `${JSON.stringify(objects, null, 1)}\n`;
}

/** {names, rows} of a Grid's table in its order. */
export function tableData(table, order, nameLabel = 'name') {
  const names = [nameLabel, ...(table.extra?.names ?? []), ...table.columns.map(({ key }) => key)];
  const rows = Array.from(order, (i) => [
    table.name(i),
    ...(table.extra?.values(i) ?? []),
    ...table.columns.map(({ values }) => values[i]),
  ]);
  return { names, rows };
}

/** The exports that each table has; make gives its {names, rows}. */
export function tableExports(make) {
  const kinds = { csv, json };
  return Object.entries(kinds).map(([kind, write]) => ({
    kind,
    make: () => {
      const { names, rows } = make();
      return write(names, rows);
    },
  }));
}

/** Folded stacks: "main;serve;malloc 24". */
export function folded(model, scope, column) {
  const totals = new Map();
  for (const row of scope.rows) {
    if (column[row] <= 0) continue;
    const node = model.rows.node[row];
    totals.set(node, (totals.get(node) ?? 0) + column[row]);
  }
  const lines = [];
  for (const [node, value] of totals) {
    const names = model
      .stack(node)
      .reverse()
      .map((line) => model.nameOf(line).replaceAll(';', ':').replaceAll('\n', ' '));
    lines.push(`${names.join(';')} ${value}`);
  }
  return `${lines.join('\n')}\n`;
}

const STYLES = [
  'fill',
  'stroke',
  'stroke-width',
  'stroke-dasharray',
  'font-family',
  'font-size',
  'font-weight',
  'opacity',
  'text-anchor',
];

/** A drawing of the page as a file of its own: the style sheet's values become attributes. */
export function svgText(drawing) {
  const copy = drawing.cloneNode(true);
  const from = [drawing, ...drawing.querySelectorAll('*')];
  const to = [copy, ...copy.querySelectorAll('*')];
  from.forEach((element, i) => {
    const style = getComputedStyle(element);
    for (const name of STYLES) to[i].setAttribute(name, style.getPropertyValue(name));
    to[i].removeAttribute('tabindex');
    to[i].removeAttribute('class');
  });
  copy.setAttribute('xmlns', 'http://www.w3.org/2000/svg');
  return `<?xml version="1.0" encoding="UTF-8"?>\n${new XMLSerializer().serializeToString(copy)}\n`;
}

const TYPES = {
  csv: 'text/csv',
  json: 'application/json',
  svg: 'image/svg+xml',
  folded: 'text/plain',
};

export function save(text, name, kind) {
  const url = URL.createObjectURL(new Blob([text], { type: `${TYPES[kind]};charset=utf-8` }));
  const link = document.createElement('a');
  link.href = url;
  link.download = `${name}.${kind}`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 10000);
}
