// SPDX-License-Identifier: MIT
// How much, what leaked, and what to look at first.
import { h } from '../dom.js';
import { bytes, count, exactBytes, percent, plural, timeFormat } from '../format.js';
import { spanFindings, wholeFindings } from '../findings.js';
import { Groups } from '../sites.js';
import { tableExports } from '../export.js';

const TOP = 6;

function tile(app, label, value, note, changes, title) {
  return h(
    'a',
    {
      class: 'tile',
      href: app.state.link({ sort: '', selected: '', zoom: '', ...changes }),
      title,
    },
    h('span', { class: 'label' }, label),
    h('span', { class: 'value' }, value),
    h('span', { class: 'note' }, note),
  );
}

function peakTime({ bins, binCount }) {
  let best = 0;
  for (let i = 1; i < binCount; i++) if (bins.peak_bytes[i] > bins.peak_bytes[best]) best = i;
  return binCount ? bins.time[best + 1] : 0;
}

/** Numbers of the summary, or of the rows where only some are looked at. */
function wholeTiles(app, scope) {
  const { model, data } = app;
  const { summary } = data;
  const whole = scope.isWhole;
  const time = timeFormat(model.times);
  const value = (key, column) => (whole ? summary[key] : scope.sum(column));
  const peak = value('peak_memory', 'peak_bytes');
  const allocated = value('total_bytes_allocated', 'total_bytes');
  const allocations = value('total_allocations', 'count');
  const left = value('leaked_bytes', 'leaked_bytes');
  const temporary = value('temporary_allocations', 'temporary');
  const tiles = [
    tile(
      app,
      'Peak',
      bytes(peak),
      whole
        ? `${plural(summary.peak_blocks, 'block')}, after ${time(peakTime(model))}`
        : `${plural(scope.sum('peak_count'), 'block')} of what is looked at`,
      { view: 'flame', metric: 'peak' },
      exactBytes(peak),
    ),
    tile(
      app,
      'Allocated',
      bytes(allocated),
      `in ${plural(allocations, 'allocation')}`,
      { view: 'flame', metric: 'bytes' },
      exactBytes(allocated),
    ),
    tile(
      app,
      'Not freed',
      bytes(left),
      `${plural(value('leaked_blocks', 'leaked_count'), 'block')} at the end`,
      { view: 'flame', metric: 'leaked' },
      exactBytes(left),
    ),
  ];
  if (whole && data.checks.length) {
    const lost = summary.definitely_lost_bytes + summary.indirectly_lost_bytes;
    tiles.push(
      tile(
        app,
        'Lost',
        bytes(lost),
        `${plural(summary.definitely_lost_blocks + summary.indirectly_lost_blocks, 'block')}; ` +
          `possibly ${bytes(summary.possibly_lost_bytes)} more`,
        { view: 'leaks' },
        exactBytes(lost),
      ),
    );
  }
  tiles.push(
    tile(
      app,
      'Temporary',
      percent(temporary, allocations),
      plural(temporary, 'allocation'),
      { view: 'flame', metric: 'temporary' },
      count(temporary),
    ),
  );
  return tiles;
}

function spanTiles(app, scope) {
  const { model } = app;
  let most = 0;
  for (let i = scope.span.first; i < scope.span.last; i++)
    most = Math.max(most, model.bins.peak_bytes[i]);
  const growth = scope.sum('growth_bytes');
  const tiles = [
    tile(
      app,
      'Allocated in the span',
      bytes(scope.sum('allocated_bytes')),
      `in ${plural(scope.sum('allocated'), 'allocation')}`,
      { view: 'flame', metric: 'bytes' },
      exactBytes(scope.sum('allocated_bytes')),
    ),
    tile(
      app,
      'Growth',
      `${growth > 0 ? '+' : ''}${bytes(growth)}`,
      `${growth < 0 ? 'less' : 'more'} alive at its end than at its start`,
      { view: 'sites', sort: '-growth_bytes' },
      exactBytes(growth),
    ),
    tile(
      app,
      'Alive at its start',
      bytes(scope.sum('begin_bytes')),
      plural(scope.sum('begin'), 'block'),
      { view: 'sites', sort: '-begin_bytes' },
      exactBytes(scope.sum('begin_bytes')),
    ),
    tile(
      app,
      'Alive at its end',
      bytes(scope.sum('end_bytes')),
      plural(scope.sum('end'), 'block'),
      { view: 'sites', sort: '-end_bytes' },
      exactBytes(scope.sum('end_bytes')),
    ),
  ];
  if (scope.isWhole)
    tiles.push(
      tile(
        app,
        'Most in the span',
        bytes(most),
        'alive at once',
        { view: 'time' },
        exactBytes(most),
      ),
    );
  return tiles;
}

function card(app, finding) {
  return h(
    'a',
    {
      class: `card${finding.good ? ' good' : ''}`,
      href: app.state.link({ sort: '', selected: '', zoom: '', ...finding.link }),
    },
    h(
      'div',
      { class: 'card-head' },
      h('h3', null, finding.title),
      finding.value
        ? h('span', { class: 'value' }, finding.value)
        : h('span', { class: 'value ok', 'aria-hidden': 'true' }, '\u2713'),
    ),
    finding.site ? h('div', { class: 'site', title: finding.site }, finding.site) : null,
    h('p', null, finding.text),
    finding.hint ? h('p', { class: 'hint' }, finding.hint) : null,
  );
}

/** A short list with bars. */
function topList(app, groups, title, key, unit) {
  const all = app.scope.sum(key);
  const top = groups.top(key, TOP);
  const most = top[0]?.value ?? 1;
  const show = unit === 'bytes' ? bytes : count;
  const sort = `-${key}`;
  return h(
    'section',
    { class: 'top' },
    h(
      'h3',
      null,
      h('a', { href: app.state.link({ view: 'sites', by: 'line', sort, selected: '' }) }, title),
    ),
    top.length
      ? h(
          'ol',
          null,
          ...top.map(({ group, value }) =>
            h(
              'li',
              null,
              h(
                'a',
                {
                  href: app.state.link({
                    view: 'sites',
                    by: 'line',
                    sort,
                    selected: groups.key(group),
                  }),
                  title: groups.title(group),
                },
                h('span', { class: 'meter', style: { width: `${(100 * value) / most}%` } }),
                h('span', { class: 'name' }, groups.name(group)),
                h(
                  'span',
                  { class: 'amount', title: unit === 'bytes' ? exactBytes(value) : count(value) },
                  show(value),
                ),
                h('span', { class: 'share' }, all > 0 ? percent(value, all) : ''),
              ),
            ),
          ),
        )
      : h('p', { class: 'empty' }, 'none'),
  );
}

const WHOLE_LISTS = [
  ['Held at the peak', 'peak_bytes', 'bytes'],
  ['Not freed', 'leaked_bytes', 'bytes'],
  ['Most allocated', 'total_bytes', 'bytes'],
  ['Most allocations', 'count', 'count'],
];
const SPAN_LISTS = [
  ['Grew', 'growth_bytes', 'bytes'],
  ['Alive at its end', 'end_bytes', 'bytes'],
  ['Allocated in the span', 'allocated_bytes', 'bytes'],
  ['Allocations in the span', 'allocated', 'count'],
];

export function overview(app) {
  const element = h('div', { class: 'overview' });
  let totals = [];

  function render() {
    const { data, scope } = app;
    const groups = new Groups(app.model, scope, 'line');
    const findings = scope.span ? spanFindings(app, scope) : wholeFindings(app, scope);
    totals = Object.entries(data.summary).filter(([, value]) => typeof value !== 'object');
    element.replaceChildren(
      h(
        'div',
        { class: 'tiles' },
        ...(scope.span ? spanTiles(app, scope) : wholeTiles(app, scope)),
      ),
      data.notes.length
        ? h(
            'ul',
            { class: 'notes', 'aria-label': 'Notes' },
            ...data.notes.map((note) => h('li', null, note)),
          )
        : '',
      h('h2', null, scope.span ? 'In this span' : 'Look at first'),
      h('div', { class: 'cards' }, ...findings.map((finding) => card(app, finding))),
      h('h2', null, 'Who'),
      h(
        'div',
        { class: 'tops' },
        ...(scope.span ? SPAN_LISTS : WHOLE_LISTS).map(([title, key, unit]) =>
          topList(app, groups, title, key, unit),
        ),
      ),
      h(
        'details',
        { class: 'totals' },
        h('summary', null, 'All totals of the log'),
        h(
          'table',
          null,
          h(
            'thead',
            null,
            h(
              'tr',
              null,
              h('th', { scope: 'col' }, 'Total'),
              h('th', { scope: 'col', class: 'number' }, 'Value'),
            ),
          ),
          h(
            'tbody',
            null,
            ...totals.map(([name, value]) =>
              h(
                'tr',
                null,
                h('th', { scope: 'row' }, name.replaceAll('_', ' ')),
                h(
                  'td',
                  { class: 'number', 'data-total': name },
                  typeof value === 'number' ? count(value) : String(value),
                ),
              ),
            ),
          ),
        ),
      ),
      h(
        'p',
        { class: 'about' },
        `${data.tool} \u00b7 ${data.logs.length > 1 ? `${data.logs.length} logs: ` : ''}` +
          data.logs.join(', ') +
          `${data.attached ? ' \u00b7 attached to a running process' : ''}`,
      ),
    );
  }

  const names = ['total', 'value'];
  return {
    element,
    render,
    exports: () => tableExports(() => ({ names, rows: totals })),
  };
}
