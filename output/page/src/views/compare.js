// SPDX-License-Identifier: MIT
// What grew and shrank since another run.
import { h } from '../dom.js';
import { byUnit, count, exactly, percent, plural, signed } from '../format.js';
import { Flame } from '../flame.js';
import { Grid } from '../grid.js';
import { follow, topDown } from '../tree.js';
import { changeClass } from '../colours.js';
import { segments } from '../controls.js';
import { svgText, tableData, tableExports } from '../export.js';
import { WHOLE, metricName } from '../metrics.js';

const TOTALS = [
  ['peak_memory', 'Peak', 'bytes'],
  ['total_bytes_allocated', 'Allocated', 'bytes'],
  ['total_allocations', 'Allocations', 'count'],
  ['leaked_bytes', 'Not freed', 'bytes'],
  ['temporary_allocations', 'Temporary allocations', 'count'],
];

function totals(before, now) {
  return h(
    'table',
    { class: 'totals-compare' },
    h(
      'thead',
      null,
      h(
        'tr',
        null,
        ...['', 'Before', 'Now', 'Change', ''].map((name, i) =>
          h('th', { scope: 'col', class: i ? 'number' : '' }, name),
        ),
      ),
    ),
    h(
      'tbody',
      null,
      ...TOTALS.filter(([key]) => before[key] !== undefined).map(([key, label, unit]) => {
        const change = now[key] - before[key];
        return h(
          'tr',
          null,
          h('th', { scope: 'row' }, label),
          ...[before[key], now[key]].map((value) =>
            h('td', { class: 'number', title: exactly(unit, value) }, byUnit(unit, value)),
          ),
          h(
            'td',
            { class: `number ${change > 0 ? 'grew' : change < 0 ? 'shrank' : ''}` },
            signed(unit, change),
          ),
          h(
            'td',
            { class: 'number share' },
            before[key] ? `${change > 0 ? '+' : ''}${percent(change, before[key])}` : '',
          ),
        );
      }),
    ),
  );
}

export function compare(app) {
  const { model, state, data } = app;
  const { comparison } = data;
  const { rows } = comparison;
  const size = rows.node.length;
  const grid = new Grid({
    label: 'Sites compared',
    nameLabel: 'Site',
    total: (lines) => `Sum of ${plural(lines, 'site')}`,
    onsort: (sort) => state.set({ sort }),
    onopen: () => {},
  });
  const width = segments(
    'Widths of the flame graph',
    [
      ['now', 'Width: now'],
      ['before', 'Width: before'],
    ],
    (value) => state.set({ width: value, zoom: '' }),
  );
  const options = {};
  const drawing = new Flame(options);
  const summary = h('div');
  const element = h(
    'div',
    { class: 'compare' },
    h('h2', null, `Compared with ${comparison.name}`),
    summary,
    grid.element,
    h(
      'div',
      { class: 'toolbar' },
      width.element,
      h(
        'ul',
        { class: 'legend' },
        ...[
          ['less3', 'less'],
          ['same', 'the same'],
          ['more3', 'more'],
        ].map(([name, text]) => h('li', null, h('span', { class: `swatch ${name}` }), text)),
      ),
    ),
    drawing.element,
  );
  let table;

  function tableBySite(metric, items) {
    const index = new Map();
    const sites = [];
    const columns = { change: [], before: [], now: [] };
    for (const i of items) {
      // By name: the same line of two builds is in two modules.
      const name = model.labelOf(rows.site[i]);
      let at = index.get(name);
      if (at === undefined) {
        index.set(name, (at = sites.length));
        sites.push(rows.site[i]);
        for (const values of Object.values(columns)) values.push(0);
      }
      const [before, now] = [rows[`before_${metric.column}`][i], rows[`now_${metric.column}`][i]];
      columns.before[at] += before;
      columns.now[at] += now;
      columns.change[at] += now - before;
    }
    const kind = metric.unit === 'bytes' ? 'signed' : 'signed-count';
    return {
      size: sites.length,
      name: (i) => model.labelOf(sites[i]),
      title: (i) => model.describe(sites[i]).join('\n'),
      key: (i) => String(sites[i]),
      columns: [
        {
          key: 'change',
          label: 'Change',
          unit: kind,
          values: Float64Array.from(columns.change),
          title: `Change of ${metric.label}`,
        },
        {
          key: 'before',
          label: 'Before',
          unit: metric.unit,
          values: Float64Array.from(columns.before),
        },
        { key: 'now', label: 'Now', unit: metric.unit, values: Float64Array.from(columns.now) },
      ],
    };
  }

  function render(now) {
    const { scope } = app;
    const wanted = WHOLE[metricName(now.metric, null)];
    const metric = rows[`now_${wanted.column}`] ? wanted : WHOLE.bytes;
    const items = [];
    for (let i = 0; i < size; i++) {
      if (
        !scope.match ||
        (scope.match.siteOnly ? scope.match.lines[rows.site[i]] : scope.match.nodes[rows.node[i]])
      )
        items.push(i);
    }
    summary.replaceChildren(
      totals(comparison.summary, data.summary),
      scope.span || scope.thread !== null
        ? h(
            'p',
            { class: 'notes' },
            'Runs are compared as a whole, without the span and the thread.',
          )
        : '',
    );
    table = tableBySite(metric, items);
    grid.show(table, now.sort || '-change', '');
    width.set(now.width);
    const [main, side] = now.width === 'before' ? ['before', 'now'] : ['now', 'before'];
    const pick = (run) => items.map((i) => rows[`${run}_${metric.column}`][i]);
    const tree = topDown(
      model,
      { node: items.map((i) => rows.node[i]), value: pick(main), other: pick(side) },
      model.functionKey,
    );
    const ends = (node) =>
      now.width === 'before' ? [node.other, node.value] : [node.value, node.other];
    const exact = (value) => (metric.unit === 'bytes' ? byUnit('bytes', value) : count(value));
    Object.assign(options, {
      label: `Differential flame graph of ${metric.label}`,
      rootName: metric.label,
      name: ({ line }) => model.nameOf(line),
      describe: ({ line }) => model.describe(line).slice(0, 1),
      show: (value) => byUnit(metric.unit, value),
      exact,
      colour: (node) => changeClass(...ends(node)),
      more: (node) => [
        `now ${exact(ends(node)[0])}, before ${exact(ends(node)[1])}: ` +
          signed(metric.unit, ends(node)[0] - ends(node)[1]),
      ],
      onzoom: (zoom) => state.set({ zoom }),
    });
    drawing.element.hidden = tree.root.value <= 0;
    if (tree.root.value > 0) drawing.show(tree, follow(tree, now.zoom));
  }

  const lines = () => tableData(table, grid.order, 'site');
  return {
    element,
    render,
    usesMetric: true,
    exports: () => [
      ...tableExports(lines),
      { kind: 'svg', make: () => svgText(drawing.element.querySelector('svg')) },
    ],
  };
}
