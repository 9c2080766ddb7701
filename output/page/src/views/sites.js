// SPDX-License-Identifier: MIT
// All sites in a table, the stacks of one beside it.
import { h } from '../dom.js';
import { byUnit, exactly, percent, plural } from '../format.js';
import { Grid } from '../grid.js';
import { GROUPS, Groups, tableOf } from '../sites.js';
import { SPAN_COLUMNS, WHOLE_COLUMNS } from '../metrics.js';
import { facts, pane, stackList } from '../detail.js';
import { folded, tableData, tableExports } from '../export.js';
import { select } from '../controls.js';

export function sites(app) {
  const { model, state } = app;
  const grid = new Grid({
    label: 'Sites',
    nameLabel: 'Site',
    total: (size) => `Sum of ${plural(size, 'line')}`,
    onsort: (sort) => state.set({ sort }),
    onopen: (selected) => state.set({ selected }),
  });
  const by = select(
    'Group by',
    Object.entries(GROUPS).filter(([key]) => key !== 'thread'),
    (value) => state.set({ by: value, selected: '' }),
  );
  const told = h('span', { class: 'told' });
  const side = h('div', { class: 'side', hidden: true });
  const element = h(
    'div',
    { class: 'fill split' },
    h(
      'div',
      { class: 'main-pane' },
      h('div', { class: 'toolbar' }, by.element, told),
      grid.element,
    ),
    side,
  );
  let groups;
  let key = '';
  let table;

  /** The column that the table is sorted by; stacks are weighed by it, too. */
  function sortColumn() {
    const key = grid.sort.replace('-', '');
    return table.columns.find((other) => other.key === key) ?? table.columns[0];
  }

  function drawDetail(now) {
    const group = now.selected
      ? groups.keys.findIndex((_, i) => groups.key(i) === now.selected)
      : -1;
    side.hidden = group < 0;
    element.classList.toggle('has-side', group >= 0);
    if (group < 0) {
      side.replaceChildren();
      return;
    }
    const rows = groups.rowsOf(group);
    const column = sortColumn();
    const name = Object.keys(app.scope.metrics).find(
      (other) => app.scope.metrics[other].column === column.key,
    );
    const metric = {
      name: name ?? 'bytes',
      unit: column.unit.startsWith('signed') ? 'bytes' : column.unit,
    };
    const stacks = stackList(app, rows, metric, app.scope.column(column.key));
    side.replaceChildren(
      pane(
        groups.name(group),
        () => state.set({ selected: '' }),
        facts(
          table.columns.map(({ label, unit, values, sum }) => {
            const all = sum === null ? 0 : values.reduce((a, b) => a + b, 0);
            const base = unit.startsWith('signed') ? (unit === 'signed' ? 'bytes' : 'count') : unit;
            const value = values[group];
            const share = all > 0 && value > 0 ? ` \u00b7 ${percent(value, all)}` : '';
            return [label, `${byUnit(base, value)}${share}`, exactly(base, value)];
          }),
        ),
        h('h3', null, `${plural(stacks.count, 'stack')}, by \u201c${column.label}\u201d`),
        stacks.element,
      ),
    );
  }

  function render(now) {
    const { scope } = app;
    by.set(now.by);
    const columns = scope.span ? SPAN_COLUMNS : WHOLE_COLUMNS;
    const next = `${scope.key} ${now.by}`;
    if (next !== key) {
      key = next;
      groups = new Groups(model, scope, now.by);
      table = tableOf(groups, columns);
    }
    const sort =
      now.sort &&
      (now.sort.endsWith('name') || table.columns.some((column) => now.sort.endsWith(column.key)))
        ? now.sort
        : scope.span
          ? '-growth_bytes'
          : '-peak_bytes';
    grid.show(table, sort, now.selected);
    told.textContent = groups.size
      ? 'Enter or a click shows a line\u2019s stacks'
      : 'Nothing matches';
    drawDetail(now);
  }

  return {
    element,
    render,
    exports: () => [
      ...tableExports(() => tableData(table, grid.order, 'site')),
      { kind: 'folded', make: () => folded(model, app.scope, app.scope.column(sortColumn().key)) },
    ],
  };
}
