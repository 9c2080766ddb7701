// SPDX-License-Identifier: MIT
// What the keys do.
import { h } from './dom.js';

const KEYS = [
  ['/', 'to the filter'],
  ['Escape', 'back: closes what is open, leaves the zoom, then the filter, then the span'],
  ['1 \u2026 8', 'to a view'],
  ['\u2190 \u2192', 'on the tabs: the next view'],
  ['\u2190 \u2192 \u2191 \u2193', 'in a flame graph: from frame to frame; Enter zooms'],
  ['\u2191 \u2193', 'in a table: from line to line; Enter unfolds it'],
  ['Shift + \u2190 \u2192', 'on a plot: choose a span; Enter filters by it'],
  ['t', 'light, dark or as the system has it'],
  ['?', 'this help'],
];

export function help() {
  const dialog = h(
    'dialog',
    { class: 'help', 'aria-labelledby': 'help-title' },
    h('h2', { id: 'help-title' }, 'Keys and filters'),
    h(
      'dl',
      null,
      ...KEYS.flatMap(([key, text]) => [h('dt', null, h('kbd', null, key)), h('dd', null, text)]),
    ),
    h(
      'p',
      null,
      'The filter keeps stacks that pass through a function, module or file with this text in ' +
        'its name. ' +
        '/expression/ is a regular expression; site:text looks at the allocating site only.',
    ),
    h(
      'p',
      null,
      'A span of the time line filters all views. Address and history keep what is shown: copy ' +
        'the address to share a finding.',
    ),
    h('form', { method: 'dialog' }, h('button', { type: 'submit' }, 'Close')),
  );
  dialog.addEventListener('click', (event) => {
    if (event.target === dialog) dialog.close();
  });
  return dialog;
}
