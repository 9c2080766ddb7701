// SPDX-License-Identifier: MIT
// Who called whom to allocate how much.
import { h } from '../dom.js';
import { byUnit, exactBytes, count, percent } from '../format.js';
import { Flame } from '../flame.js';
import { bottomUp, follow, scopeWeights, topDown } from '../tree.js';
import { ModuleColours } from '../colours.js';
import { segments } from '../controls.js';
import { identity } from '../detail.js';
import { folded, svgText, tableExports } from '../export.js';

/** Parts of all that stacks through a match weigh. */
function matchedSum(model, scope, column) {
  let sum = 0;
  for (const row of scope.rows) if (column[row] > 0) sum += column[row];
  return sum;
}

export function flame(app) {
  const { model, state } = app;
  const colours = new ModuleColours(model);
  const direction = segments(
    'Direction',
    [
      ['', 'From main'],
      ['1', 'From allocation sites'],
    ],
    (value) => state.set({ inverted: value === '1', zoom: '' }),
  );
  const frames = segments(
    'Frames',
    [
      ['function', 'Functions'],
      ['line', 'Lines'],
    ],
    (value) => state.set({ frames: value, zoom: '' }),
  );
  const crumbs = h('nav', { class: 'crumbs', 'aria-label': 'Zoom' });
  const told = h('span', { class: 'told', role: 'status' });
  const legend = h('ul', { class: 'legend', 'aria-label': 'Colours of modules' });
  const options = { label: 'Flame graph' };
  const drawing = new Flame(options);
  const empty = h('p', { class: 'empty', hidden: true }, 'Nothing to show for this metric.');
  const element = h(
    'div',
    { class: 'flame-view' },
    h('div', { class: 'toolbar' }, direction.element, frames.element, told),
    crumbs,
    empty,
    drawing.element,
    legend,
  );
  let treeKey = '';
  let tree;

  function drawCrumbs(ancestors) {
    if (ancestors.length < 2) {
      crumbs.replaceChildren();
      return;
    }
    const shown = ancestors.length > 6 ? [0, ...ancestors.keys()].slice(-5) : [...ancestors.keys()];
    if (shown[0] !== 0) shown.unshift(0);
    crumbs.replaceChildren(
      h(
        'button',
        { type: 'button', class: 'reset', title: 'Escape', onclick: () => state.set({ zoom: '' }) },
        '\u2190 all',
      ),
      ...shown.slice(1).flatMap((i) => {
        const path = ancestors
          .slice(1, i + 1)
          .map(({ key }) => key)
          .join('.');
        return [
          '\u203a',
          h(
            'button',
            {
              type: 'button',
              onclick: () => state.set({ zoom: path }),
              title: model.nameOf(ancestors[i].line),
            },
            model.nameOf(ancestors[i].line),
          ),
        ];
      }),
    );
  }

  function drawLegend() {
    legend.replaceChildren(
      ...colours.ranked.map((module) =>
        h(
          'li',
          null,
          h('span', { class: `swatch ${colours.of(module)}` }),
          model.texts[module].split('/').pop() || 'unknown',
        ),
      ),
      colours.rest ? h('li', null, h('span', { class: 'swatch other' }), 'others') : '',
    );
  }

  function render(now) {
    const { scope } = app;
    const metric = scope.metric(now.metric);
    direction.set(now.inverted ? '1' : '');
    frames.set(now.frames);
    const keys = now.frames === 'line' ? identity(model) : model.functionKey;
    const { span, thread } = scope;
    const next = [span?.first, span?.last, thread, metric.name, now.inverted, now.frames].join();
    if (next !== treeKey) {
      treeKey = next;
      const weights = scopeWeights(model, scope, scope.column(metric.column), {
        sites: now.inverted,
      });
      tree = (now.inverted ? bottomUp : topDown)(model, weights, keys);
    }
    const ancestors = follow(tree, now.zoom);
    const isMatch =
      scope.match &&
      (({ line, key }) =>
        now.frames === 'line' ? scope.match.lines[line] : matchesFunction(scope.match.lines, key));
    Object.assign(options, {
      label: `Flame graph of ${metric.label}${now.inverted ? ', from allocation sites' : ''}`,
      rootName: metric.label,
      name: ({ line }) => (now.frames === 'line' ? model.labelOf(line) : model.nameOf(line)),
      describe: ({ line }) =>
        now.frames === 'line'
          ? model.describe(line)
          : [model.nameOf(line), model.texts[model.lines.module[line]]].filter(Boolean),
      show: (value) => byUnit(metric.unit, value),
      exact: (value) =>
        metric.unit === 'bytes' ? `${byUnit('bytes', value)} (${exactBytes(value)})` : count(value),
      colour: ({ line }) => colours.of(model.lines.module[line]),
      matches: isMatch,
      onzoom: (zoom) => state.set({ zoom }),
    });
    empty.hidden = tree.root.value > 0;
    drawing.element.hidden = tree.root.value <= 0;
    if (tree.root.value > 0) drawing.show(tree, ancestors);
    drawCrumbs(ancestors);
    drawLegend();
    if (scope.match) {
      const sum = matchedSum(model, scope, scope.column(metric.column));
      const share = percent(sum, tree.root.value);
      told.textContent = `stacks that match: ${byUnit(metric.unit, sum)}, ${share}`;
    } else {
      const shrunk = metric.name === 'growth' ? scope.sum('growth_bytes') - tree.root.value : 0;
      told.textContent = shrunk < 0 ? `other stacks shrank by ${byUnit('bytes', -shrunk)}` : '';
    }
  }

  const functionMatches = new WeakMap();
  function matchesFunction(lines, key) {
    let found = functionMatches.get(lines);
    if (!found) {
      found = new Uint8Array(lines.length);
      lines.forEach((match, line) => {
        if (match) found[model.functionKey[line]] = 1;
      });
      functionMatches.set(lines, found);
    }
    return found[key];
  }

  const column = () => app.scope.column(app.scope.metric(state.now.metric).column);
  const rows = () => drawing.frames.map(({ node, name, depth }) => [depth, name, node.value]);
  const names = ['depth', 'name', 'value'];
  return {
    element,
    render,
    usesMetric: true,
    exports: () => [
      { kind: 'svg', make: () => svgText(drawing.element.querySelector('svg')) },
      { kind: 'folded', make: () => folded(model, app.scope, column()) },
      ...tableExports(() => ({ names, rows: rows() })),
    ],
  };
}
