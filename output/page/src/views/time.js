// SPDX-License-Identifier: MIT
// Memory over time. A span that is chosen here filters all other views.
import { h } from '../dom.js';
import { timeFormat } from '../format.js';
import { Chart } from '../chart.js';
import { charts } from '../series.js';
import { drawPlots } from '../plot_svg.js';
import { select } from '../controls.js';
import { svgText, tableExports } from '../export.js';

const SPLITS = [
  ['site', 'site'],
  ['function', 'function'],
  ['module', 'module'],
  ['thread', 'thread'],
  ['none', 'nothing'],
];

export function time(app) {
  const { model, state } = app;
  const split = select('Split live bytes by', SPLITS, (value) => state.set({ stacked: value }));
  const closer = h('input', {
    type: 'checkbox',
    onchange: () => state.set({ closer: closer.checked }),
  });
  const from = h('input', {
    type: 'number',
    step: 'any',
    min: 0,
    'aria-label': `Span from, ${model.times ? 'seconds' : 'events'}`,
  });
  const to = h('input', {
    type: 'number',
    step: 'any',
    min: 0,
    'aria-label': `Span to, ${model.times ? 'seconds' : 'events'}`,
  });
  const form = h(
    'form',
    {
      class: 'control',
      onsubmit: (event) => {
        event.preventDefault();
        const span = [Number(from.value), Number(to.value)];
        if (from.value !== '' && to.value !== '' && span[0] < span[1]) state.set({ span });
      },
    },
    h('span', null, `Span (${model.times ? 's' : 'events'})`),
    from,
    '\u2013',
    to,
    h('button', { type: 'submit' }, 'Set'),
  );
  const body = h('div', { class: 'charts' });
  const element = h(
    'div',
    { class: 'time-view' },
    h(
      'div',
      { class: 'toolbar' },
      split.element,
      form,
      h('label', { class: 'control' }, closer, h('span', null, 'only the span')),
      h('span', { class: 'told' }, 'Drag across a plot to choose a span; all views follow it'),
    ),
    body,
  );
  let key = '';
  let drawn = [];
  let options = [];

  function render(now) {
    const { scope } = app;
    if (!model.binCount) {
      body.replaceChildren(h('p', { class: 'empty' }, 'The log has no events.'));
      return;
    }
    split.set(now.stacked);
    closer.checked = now.closer;
    closer.disabled = !scope.span;
    const next = `${scope.thread} ${scope.filter} ${now.stacked}`;
    if (next !== key) {
      key = next;
      for (const chart of drawn) chart.destroy();
      options = charts(app, now.stacked);
      drawn = options.map((option) => new Chart({ ...option, onbrush: app.brush }));
      body.replaceChildren(
        ...drawn.map((chart, i) =>
          h('section', null, h('h3', null, options[i].label), chart.element),
        ),
      );
    }
    const span = scope.span && [scope.span.from, scope.span.to];
    from.value = span ? Number(span[0].toPrecision(9)) : '';
    to.value = span ? Number(span[1].toPrecision(9)) : '';
    for (const chart of drawn) chart.setSpan(span, now.closer);
  }

  const names = [
    'from',
    'to',
    'live_bytes',
    'live',
    'peak_bytes',
    'allocated',
    'allocated_bytes',
    'freed',
    'freed_bytes',
  ];
  function rows() {
    const { span } = app.scope;
    const all = [];
    for (let i = span?.first ?? 0; i < (span?.last ?? model.binCount); i++) {
      all.push([
        model.bins.time[i],
        model.bins.time[i + 1],
        ...names.slice(2).map((name) => model.bins[name][i]),
      ]);
    }
    return all;
  }
  return {
    element,
    render,
    recolour: () => drawn.forEach((chart) => chart.recolour()),
    exports: () => [
      ...tableExports(() => ({ names, rows: rows() })),
      { kind: 'svg', make: () => svgText(drawPlots(options, timeFormat(model.times))) },
    ],
  };
}
