// SPDX-License-Identifier: MIT
// Stacks in words: what a line of a table unfolds to.
import { h } from './dom.js';
import { byUnit, exactly, percent } from './format.js';
import { pathOf } from './tree.js';

const FIRST = 20;

/** The frames of a stack, innermost first; those inside of the site are dimmed. */
export function frameList(model, node, site) {
  let isInside = site !== undefined;
  return h(
    'ol',
    { class: 'frames' },
    ...model.stack(node).map((line) => {
      if (line === site) isInside = false;
      const place = model.placeOf(line);
      return h(
        'li',
        {
          class: isInside ? 'inside' : line === site ? 'site' : '',
          title: model.describe(line).join('\n'),
        },
        h('span', { class: 'function' }, model.nameOf(line)),
        place ? h('span', { class: 'place' }, ` ${place}`) : null,
      );
    }),
  );
}

export function flameLink(app, node, changes = {}) {
  const { model, state } = app;
  const keys = state.now.frames === 'line' ? identity(model) : model.functionKey;
  return h(
    'a',
    {
      href: state.link({
        view: 'flame',
        inverted: false,
        zoom: pathOf(model, node, keys),
        selected: '',
        sort: '',
        ...changes,
      }),
    },
    'show in the flame graph',
  );
}

/** Numbers of lines as their own keys. */
export function identity(model) {
  model.lineKey ??= Uint32Array.from(model.functionKey, (_, i) => i);
  return model.lineKey;
}

/** Stacks of some rows by weight: each with its share, unfolded on demand. */
export function stackList(app, rows, metric, column) {
  const { model } = app;
  const byNode = new Map();
  let all = 0;
  for (const row of rows) {
    const node = model.rows.node[row];
    byNode.set(node, (byNode.get(node) ?? 0) + column[row]);
    all += column[row];
  }
  const stacks = [...byNode].sort((a, b) => b[1] - a[1]);
  const list = h('div', { class: 'stacks' });
  let shown = 0;

  function more() {
    for (const [node, value] of stacks.slice(shown, shown + FIRST)) {
      const row = rows.find((other) => model.rows.node[other] === node);
      const body = h('div', { class: 'stack-body' });
      const fill = () => {
        if (body.childElementCount) return;
        body.append(
          frameList(model, node, model.rows.site[row]),
          flameLink(app, node, { metric: metric.name }),
        );
      };
      const start = model.siteNode(row);
      const callers = [];
      for (let i = model.parent[start]; i && callers.length < 4; i = model.parent[i]) {
        callers.push(model.nameOf(model.lineOf[i]));
      }
      const item = h(
        'details',
        { open: shown === 0, ontoggle: fill },
        h(
          'summary',
          null,
          h(
            'span',
            { class: 'amount', title: exactly(metric.unit, value) },
            byUnit(metric.unit, value),
          ),
          h('span', { class: 'share' }, percent(value, all)),
          h(
            'span',
            { class: 'by' },
            callers.length ? `\u2190 ${callers.join(' \u2190 ')}` : 'no caller known',
          ),
        ),
        body,
      );
      if (shown === 0) fill();
      list.append(item);
      shown++;
    }
    if (shown < stacks.length) {
      const button = h(
        'button',
        {
          type: 'button',
          onclick: () => {
            button.remove();
            more();
          },
        },
        `${(stacks.length - shown).toLocaleString('en-US')} more stacks`,
      );
      list.append(button);
    }
  }

  more();
  return { element: list, count: stacks.length };
}

/** The pane beside a table. */
export function pane(title, close, ...content) {
  return h(
    'aside',
    { class: 'detail', 'aria-label': title },
    h(
      'div',
      { class: 'detail-head' },
      h('h2', { title }, title),
      h(
        'button',
        {
          type: 'button',
          class: 'icon',
          'aria-label': 'Close',
          title: 'Close (Escape)',
          onclick: close,
        },
        '\u00d7',
      ),
    ),
    ...content,
  );
}

export function facts(pairs) {
  return h(
    'dl',
    { class: 'facts' },
    ...pairs.flatMap(([name, value, title]) => [h('dt', null, name), h('dd', { title }, value)]),
  );
}
