// SPDX-License-Identifier: MIT
// How large blocks are and how long they live.
import { h, svg } from '../dom.js';
import { byUnit, bytes, count, exactBytes, percent, seconds } from '../format.js';
import { svgText, tableExports } from '../export.js';

function sizeLabel(end, before) {
  const show = (value) => (value < 10240 ? `${count(value)} B` : bytes(value).replace('.00', ''));
  return before + 1 >= end
    ? show(end)
    : `${show(before + 1).replace(/ B$/, '')} \u2013 ${show(end)}`;
}

/** Buckets of the data, of the bins of a span where one is chosen. */
function bucketsOf(app, whole, byBin, label) {
  const { scope } = app;
  const size = whole.end.length;
  const counts = new Float64Array(size);
  const sums = new Float64Array(size);
  if (scope.span) {
    for (let i = 0; i < byBin.bin.length; i++) {
      if (byBin.bin[i] < scope.span.first || byBin.bin[i] >= scope.span.last) continue;
      counts[byBin.bucket[i]] += byBin.count[i];
      sums[byBin.bucket[i]] += byBin.bytes[i];
    }
  } else {
    counts.set(whole.count);
    sums.set(whole.bytes);
  }
  return Array.from(counts, (value, i) => ({ label: label(i), count: value, bytes: sums[i] }));
}

function trimmed(buckets) {
  const used = buckets.map((bucket) => bucket.count > 0);
  const first = used.indexOf(true);
  return first < 0 ? [] : buckets.slice(first, used.lastIndexOf(true) + 1);
}

function bar(value, all, most, text, title, kind) {
  return h(
    'td',
    { title },
    h(
      'div',
      { class: `bar-cell ${kind}` },
      h(
        'span',
        { class: 'track' },
        h('span', { class: 'meter', style: { width: `${most ? (100 * value) / most : 0}%` } }),
      ),
      h('span', { class: 'amount' }, text),
      h('span', { class: 'share' }, percent(value, all)),
    ),
  );
}

function table(title, first, buckets) {
  const sum = (key) => buckets.reduce((all, bucket) => all + bucket[key], 0);
  const most = (key) => buckets.reduce((all, bucket) => Math.max(all, bucket[key]), 0);
  const [counts, sums, mostCount, mostBytes] = [
    sum('count'),
    sum('bytes'),
    most('count'),
    most('bytes'),
  ];
  return h(
    'section',
    { class: 'histogram' },
    h('h2', null, title),
    buckets.length
      ? h(
          'table',
          null,
          h(
            'thead',
            null,
            h(
              'tr',
              null,
              h('th', { scope: 'col' }, first),
              h('th', { scope: 'col' }, 'Blocks'),
              h('th', { scope: 'col' }, 'Bytes'),
            ),
          ),
          h(
            'tbody',
            null,
            ...buckets.map((bucket) =>
              h(
                'tr',
                null,
                h('th', { scope: 'row' }, bucket.label),
                bar(
                  bucket.count,
                  counts,
                  mostCount,
                  count(bucket.count),
                  `${count(bucket.count)} blocks`,
                  'blocks',
                ),
                bar(
                  bucket.bytes,
                  sums,
                  mostBytes,
                  bytes(bucket.bytes),
                  exactBytes(bucket.bytes),
                  'bytes',
                ),
              ),
            ),
          ),
          h(
            'tfoot',
            null,
            h(
              'tr',
              null,
              h('th', { scope: 'row' }, 'All'),
              h('td', { 'data-value': counts }, h('span', { class: 'amount' }, count(counts))),
              h(
                'td',
                { 'data-value': sums },
                h('span', { class: 'amount', title: exactBytes(sums) }, bytes(sums)),
              ),
            ),
          ),
        )
      : h('p', { class: 'empty' }, 'Nothing was allocated.'),
  );
}

function drawing(parts) {
  const HEIGHT = 20;
  const lines = parts.reduce((sum, { buckets }) => sum + buckets.length + 2, 0);
  const picture = svg('svg', {
    width: 800,
    height: lines * HEIGHT,
    viewBox: `0 0 800 ${lines * HEIGHT}`,
    'font-family': 'system-ui, sans-serif',
    'font-size': 12,
  });
  let y = 0;
  for (const { title, buckets } of parts) {
    picture.append(svg('text', { x: 10, y: y + 15, 'font-weight': 'bold' }, `${title} (blocks)`));
    y += HEIGHT;
    const most = Math.max(...buckets.map((bucket) => bucket.count), 1);
    for (const bucket of buckets) {
      picture.append(
        svg('text', { x: 190, y: y + 15, 'text-anchor': 'end' }, bucket.label),
        svg('rect', {
          x: 200,
          y: y + 3,
          width: (450 * bucket.count) / most,
          height: HEIGHT - 6,
          fill: '#0072b2',
        }),
        svg(
          'text',
          { x: 206 + (450 * bucket.count) / most, y: y + 15 },
          byUnit('count', bucket.count),
        ),
      );
      y += HEIGHT;
    }
    y += HEIGHT;
  }
  return picture;
}

export function histograms(app) {
  const { data, model } = app;
  const element = h('div', { class: 'histograms' });
  const lifetime = (end) =>
    model.times ? seconds(end).replace(/\.0+ /, ' ') : `${count(end)} events`;
  let parts = [];

  function render() {
    const last = data.lifetimes.end.length - 1;
    parts = [
      {
        title: 'Sizes of blocks',
        first: 'Size',
        buckets: trimmed(
          bucketsOf(app, data.sizes, data.size_bins, (i) =>
            sizeLabel(data.sizes.end[i], i ? data.sizes.end[i - 1] : -1),
          ),
        ),
      },
      {
        title: 'Lifetimes of blocks',
        first: 'Freed after',
        buckets: trimmed(
          bucketsOf(app, data.lifetimes, data.lifetime_bins, (i) =>
            i === last
              ? 'not freed'
              : data.lifetimes.end[i]
                ? `less than ${lifetime(data.lifetimes.end[i])}`
                : 'longer',
          ),
        ),
      },
    ];
    const isPart = app.scope.match || app.scope.thread !== null;
    element.replaceChildren(
      isPart
        ? h(
            'p',
            { class: 'notes' },
            'Blocks of all stacks and threads: sizes and lifetimes are not kept for each of them.',
          )
        : '',
      app.scope.span ? h('p', { class: 'notes' }, 'Blocks that were allocated in the span.') : '',
      h(
        'div',
        { class: 'tops' },
        ...parts.map(({ title, first, buckets }) => table(title, first, buckets)),
      ),
    );
  }

  const names = ['histogram', 'bucket', 'count', 'bytes'];
  const rows = () =>
    parts.flatMap(({ title, buckets }) =>
      buckets.map((bucket) => [title, bucket.label, bucket.count, bucket.bytes]),
    );
  return {
    element,
    render,
    exports: () => [
      ...tableExports(() => ({ names, rows: rows() })),
      { kind: 'svg', make: () => svgText(drawing(parts)) },
    ],
  };
}
