// SPDX-License-Identifier: MIT
// Which thread allocates; one that is chosen filters all views.
import { h } from '../dom.js';
import { plural } from '../format.js';
import { Grid } from '../grid.js';
import { Groups, tableOf } from '../sites.js';
import { SPAN_COLUMNS, WHOLE_COLUMNS } from '../metrics.js';
import { tableData, tableExports } from '../export.js';

export function threads(app) {
  const { model, state, data } = app;
  const grid = new Grid({
    label: 'Threads',
    nameLabel: 'Thread',
    total: (size) => `Sum of ${plural(size, 'thread')}`,
    onsort: (sort) => state.set({ sort }),
    onopen: (key) => state.set({ thread: key === '' ? null : Number(key) }),
  });
  const element = h(
    'div',
    { class: 'fill' },
    h(
      'div',
      { class: 'toolbar' },
      h('span', { class: 'told' }, 'Enter or a click filters all views by a thread'),
    ),
    grid.element,
  );
  let table;

  function render(now) {
    const { scope } = app;
    // Others stay in the table when one is chosen.
    const all = {
      ...scope,
      rows: Uint32Array.from({ length: model.rowCount }, (_, i) => i).filter((row) =>
        scope.isMatch(row),
      ),
      column: (key) => scope.column(key),
    };
    const groups = new Groups(model, all, 'thread');
    table = tableOf(groups, scope.span ? SPAN_COLUMNS : WHOLE_COLUMNS);
    const process = (i) => model.processName(data.threads.process[groups.keys[i]]);
    if (data.processes.pid.length > 1) {
      const { name } = table;
      table.name = (i) => `${name(i)} of ${process(i)}`;
    }
    table.extra = {
      names: ['tid', 'process'],
      values: (i) => [data.threads.tid[groups.keys[i]], process(i)],
    };
    grid.show(
      table,
      now.sort || (scope.span ? '-allocated_bytes' : '-total_bytes'),
      now.thread === null ? '' : String(now.thread),
    );
  }

  return {
    element,
    render,
    exports: () => tableExports(() => tableData(table, grid.order, 'thread')),
  };
}
