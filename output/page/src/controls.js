// SPDX-License-Identifier: MIT
// Small controls that several views have.
import { h } from './dom.js';

let names = 0;

/** A labelled list to choose from; choices: [[value, label]]. */
export function select(label, choices, onchange) {
  const list = h('select', { onchange: () => onchange(list.value) });
  const element = h('label', { class: 'control' }, h('span', null, label), list);
  const fill = (all) =>
    list.replaceChildren(...all.map(([value, text]) => h('option', { value }, text)));
  fill(choices);
  return {
    element,
    list,
    fill,
    set: (value) => {
      list.value = value;
    },
  };
}

/** Buttons of which one is pressed. */
export function segments(label, choices, onchange) {
  const name = `segments${names++}`;
  const inputs = choices.map(([value, text]) => {
    const input = h('input', { type: 'radio', name, value, onchange: () => onchange(value) });
    return { value, input, element: h('label', null, input, h('span', null, text)) };
  });
  const element = h(
    'div',
    { class: 'segments', role: 'radiogroup', 'aria-label': label },
    ...inputs.map((item) => item.element),
  );
  return {
    element,
    set: (value) => {
      for (const item of inputs) item.input.checked = item.value === value;
    },
  };
}
