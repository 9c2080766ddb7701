// SPDX-License-Identifier: MIT
// The report's page: decodes its data, then shows what the address's fragment asks for.
import './css/uplot.css';
import './css/base.css';
import './css/shell.css';
import './css/tables.css';
import './css/flame.css';
import './css/views.css';
import { h } from './dom.js';
import { readData } from './decode.js';
import { Model } from './model.js';
import { Scope } from './scope.js';
import { State } from './state.js';
import { Theme } from './theme.js';
import { Chart } from './chart.js';
import { Shell } from './shell.js';
import { strip } from './series.js';
import { WHOLE } from './metrics.js';
import { overview } from './views/overview.js';
import { time } from './views/time.js';
import { flame } from './views/flame.js';
import { sites } from './views/sites.js';
import { leaks } from './views/leaks.js';
import { histograms } from './views/histograms.js';
import { threads } from './views/threads.js';
import { compare } from './views/compare.js';

const VIEWS = [
  ['overview', 'Overview', overview],
  ['time', 'Over time', time],
  ['flame', 'Flame graph', flame],
  ['sites', 'Sites', sites],
  ['leaks', 'Leaks', leaks],
  ['histograms', 'Sizes & lifetimes', histograms],
  ['threads', 'Threads', threads],
  ['compare', 'Compare', compare],
];

function start(data) {
  const model = new Model(data);
  const state = new State();
  const app = { data, model, state, wholeMetrics: WHOLE, scope: new Scope(model, state.now) };
  app.brush = (from, to) =>
    state.set(
      from === null
        ? { span: null, closer: false }
        : { span: [from, to].map((value) => Number(value.toPrecision(7))) },
    );
  const views = VIEWS.filter(([name]) => name !== 'compare' || data.comparison).map(
    ([name, label, create]) => ({ name, label, view: create(app) }),
  );
  const chart = model.binCount ? new Chart({ ...strip(model), onbrush: app.brush }) : null;
  const recolour = () => {
    chart?.recolour();
    for (const { view } of views) view.recolour?.();
  };
  const shell = new Shell(app, views, new Theme(recolour), chart);
  document.getElementById('app').replaceChildren(shell.element);
  const render = (now) => {
    const { span, thread, q } = now;
    if (app.scope.key !== JSON.stringify([span, thread, q]))
      app.scope = new Scope(model, now, app.scope);
    shell.render(now);
  };
  state.subscribe(render);
  render(state.now);
  document.documentElement.dataset.ready = 'yes';
}

async function main() {
  const app = document.getElementById('app');
  const element = document.getElementById('data');
  app.append(h('p', { class: 'loading', role: 'status' }, 'Reading the log\u2019s sums\u2026'));
  try {
    const text = element.textContent.trim();
    element.remove(); // frees the text, which may be as large as the file
    start(await readData(text));
  } catch (error) {
    app.replaceChildren(
      h('p', { class: 'failed', role: 'alert' }, `This report cannot be shown: ${error.message}`),
    );
    throw error;
  }
}

main();
