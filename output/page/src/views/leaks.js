// SPDX-License-Identifier: MIT
// What was not freed, by kind where a leak check has told it, each stack with what points to it.
import { h } from '../dom.js';
import { bytes, exactBytes, plural, seconds, count } from '../format.js';
import { Grid } from '../grid.js';
import { facts, flameLink, frameList, pane } from '../detail.js';
import { tableData, tableExports } from '../export.js';

const KINDS = [
  { kind: 3, name: 'definitely lost', short: 'definite', what: 'Nothing points to them.' },
  {
    kind: 2,
    name: 'indirectly lost',
    short: 'indirect',
    what: 'Only lost blocks point to them: free those first.',
  },
  {
    kind: 1,
    name: 'possibly lost',
    short: 'possible',
    what: 'Only pointers into their middle were found.',
  },
  {
    kind: 0,
    name: 'still reachable',
    short: 'reachable',
    what: 'The program can still reach them.',
  },
  {
    kind: 4,
    name: 'not freed',
    short: 'not freed',
    what: 'Alive at the end; the log has no leak check.',
  },
];
const BY_KIND = new Map(KINDS.map((item) => [item.kind, item]));

const MOMENTS = new Map([
  ['exit', 'as it called exit'],
  ['end', 'as it ended'],
  ['fatal', 'as a signal ended it'],
  ['request', 'on request'],
  ['interval', 'at an interval'],
  ['detach', 'as tracing ended'],
]);

function checkText({ check, pid, moment, time, complete, shown }) {
  const when = typeof time === 'number' ? `, after ${seconds(time)}` : '';
  const limits = `${complete === false ? '; incomplete' : ''}${shown === false ? '; not shown' : ''}`;
  return `Check ${check} of process ${pid}, ${MOMENTS.get(moment) ?? moment}${when}${limits}`;
}

/** Leaks that are looked at: their stack is of the thread, the filter and the span. */
function chosen(app) {
  const {
    model,
    scope,
    data: { leaks },
  } = app;
  const count = leaks.kind.length;
  const nodes = new Uint8Array(model.parent.length);
  if (scope.span || scope.thread !== null) {
    for (const row of scope.rows) {
      if (!scope.span || scope.columns.allocated[row] > 0) nodes[model.rows.node[row]] = 1;
    }
  } else nodes.fill(1);
  const found = [];
  for (let i = 0; i < count; i++) {
    const matches =
      !scope.match ||
      (scope.match.siteOnly ? scope.match.lines[leaks.site[i]] : scope.match.nodes[leaks.node[i]]);
    if (nodes[leaks.node[i]] && matches) found.push(i);
  }
  return found;
}

function tableOf(app, items) {
  const {
    model,
    data: { leaks },
  } = app;
  const column = (key, label, unit, title) => ({
    key,
    label,
    unit,
    title,
    values: Float64Array.from(items, (i) => leaks[key][i]),
  });
  const columns = [
    column('bytes', 'Bytes', 'bytes', 'Bytes of these blocks themselves'),
    column('blocks', 'Blocks', 'count', 'Number of blocks'),
    column('indirect_bytes', 'Indirect', 'bytes', 'Bytes that only these blocks point to'),
    column('indirect_blocks', 'Ind. blocks', 'count', 'Blocks that only these blocks point to'),
  ].filter(({ values }, i) => i < 2 || values.some((value) => value > 0));
  const kind = (i) => BY_KIND.get(leaks.kind[items[i]]);
  return {
    size: items.length,
    columns,
    name: (i) => model.labelOf(leaks.site[items[i]]),
    title: (i) => model.describe(leaks.site[items[i]]).join('\n'),
    key: (i) => String(items[i]),
    mark: (i) => h('span', { class: `kind k${kind(i).kind}`, title: kind(i).what }, kind(i).short),
    extra: {
      names: ['kind', 'stack'],
      values: (i) => [
        kind(i).name,
        model
          .stack(leaks.node[items[i]])
          .map((line) => model.labelOf(line))
          .join(' < '),
      ],
    },
  };
}

export function leaks(app) {
  const { model, state, data } = app;
  const list = data.leaks;
  const grid = new Grid({
    label: 'Leaks',
    nameLabel: 'Allocated at',
    total: (size) => `Sum of ${plural(size, 'stack')}`,
    onsort: (sort) => state.set({ sort }),
    onopen: (selected) => state.set({ selected }),
  });
  const kinds = h('div', { class: 'kinds', role: 'group', 'aria-label': 'Kinds of leaks' });
  const checks = h('ul', { class: 'notes' });
  const side = h('div', { class: 'side', hidden: true });
  const nothing = h('p', { class: 'empty', hidden: true });
  const element = h(
    'div',
    { class: 'fill split' },
    h(
      'div',
      { class: 'main-pane' },
      h('div', { class: 'toolbar' }, kinds),
      checks,
      nothing,
      grid.element,
    ),
    side,
  );
  let table;

  function drawKinds(items, wanted) {
    kinds.replaceChildren(
      ...KINDS.map(({ kind, name, what }) => {
        let sum = 0;
        let blocks = 0;
        for (const i of items) {
          if (list.kind[i] !== kind) continue;
          sum += list.bytes[i];
          blocks += list.blocks[i];
        }
        if (!blocks && (kind === 4) === data.checks.length > 0) return null;
        const pressed = wanted.has(kind);
        return h(
          'button',
          {
            type: 'button',
            class: `kind-button k${kind}`,
            'aria-pressed': String(pressed),
            title: what,
            'data-kind': kind,
            onclick: () => {
              const next = new Set(wanted);
              if (!next.delete(kind)) next.add(kind);
              const all = KINDS.every((item) => next.has(item.kind));
              state.set({
                kinds: all || !next.size ? '' : [...next].sort().join('.'),
                selected: '',
              });
              kinds.querySelector(`[data-kind="${kind}"]`)?.focus();
            },
          },
          h('span', { class: `kind k${kind}` }, name),
          h('span', { class: 'value', title: exactBytes(sum) }, bytes(sum)),
          h('span', { class: 'note' }, plural(blocks, 'block')),
        );
      }).filter(Boolean),
    );
  }

  function drawChecks() {
    const lines = data.checks.map(checkText);
    if (!data.checks.length && list.kind.length) {
      lines.push(
        'The log has no leak check: this is all that was not freed. ' +
          'allocptrace --leak-check=reachable tells what is lost.',
      );
    }
    if (app.scope.span)
      lines.push(
        'Of the span: stacks that allocated in it. What they left is that of the whole run.',
      );
    checks.replaceChildren(...lines.map((line) => h('li', null, line)));
    checks.hidden = !lines.length;
  }

  function drawDetail(now) {
    const i = now.selected === '' ? -1 : Number(now.selected);
    const isOpen = i >= 0 && i < list.kind.length;
    side.hidden = !isOpen;
    element.classList.toggle('has-side', isOpen);
    if (!isOpen) {
      side.replaceChildren();
      return;
    }
    const { name, what } = BY_KIND.get(list.kind[i]);
    const path = list.path[i].join('\n');
    const pairs = [
      ['Kind', name, what],
      ['Bytes', bytes(list.bytes[i]), exactBytes(list.bytes[i])],
      ['Blocks', count(list.blocks[i])],
    ];
    if (list.indirect_bytes[i])
      pairs.push([
        'Through them',
        `${bytes(list.indirect_bytes[i])} in ${plural(list.indirect_blocks[i], 'block')}`,
      ]);
    if (list.found[i])
      pairs.push(['Known since', 'the attach: they were there before tracing began']);
    side.replaceChildren(
      pane(
        model.labelOf(list.site[i]),
        () => state.set({ selected: '' }),
        facts(pairs),
        h('p', { class: 'hint' }, what),
        path
          ? h(
              'div',
              { class: 'retained' },
              h('h3', null, 'What points to them'),
              h('p', { class: 'path' }, path),
            )
          : '',
        h('h3', null, 'Stack'),
        frameList(model, list.node[i], list.site[i]),
        list.node[i] ? flameLink(app, list.node[i], { metric: 'leaked' }) : '',
      ),
    );
  }

  function render(now) {
    const items = chosen(app);
    const all = new Set(KINDS.map(({ kind }) => kind));
    const wanted = now.kinds ? new Set(now.kinds.split('.').map(Number)) : all;
    drawKinds(items, wanted);
    drawChecks();
    table = tableOf(
      app,
      items.filter((i) => wanted.has(list.kind[i])),
    );
    grid.element.hidden = !table.size;
    nothing.hidden = table.size > 0;
    nothing.textContent = list.kind.length
      ? 'No leaks of the chosen kinds, span and filter.'
      : 'Nothing was left: all that was allocated was freed.';
    grid.show(table, now.sort || (data.checks.length ? '' : '-bytes'), now.selected);
    drawDetail(now);
  }

  return {
    element,
    render,
    exports: () => tableExports(() => tableData(table, grid.order, 'site')),
  };
}
