// SPDX-License-Identifier: MIT
// Elements are made here and nowhere from text: names in a log may hold any characters.

const SVG = 'http://www.w3.org/2000/svg';

function fill(element, properties, children) {
  for (const [name, value] of Object.entries(properties ?? {})) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith('on')) element.addEventListener(name.slice(2), value);
    else if (name === 'style') {
      for (const [key, style] of Object.entries(value)) element.style.setProperty(key, style);
    } else element.setAttribute(name, value === true ? '' : value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return element;
}

/** An element with attributes, listeners (onclick: ...) and children; texts stay texts. */
export function h(tag, properties, ...children) {
  return fill(document.createElement(tag), properties, children);
}

export function svg(tag, properties, ...children) {
  return fill(document.createElementNS(SVG, tag), properties, children);
}

/** Calls a function once no call of it was asked for in so many milliseconds. */
export function debounce(call, milliseconds) {
  let timer = 0;
  return (...values) => {
    clearTimeout(timer);
    timer = setTimeout(() => call(...values), milliseconds);
  };
}

/** The value of one of the style sheet's variables, as what is drawn on a canvas needs it. */
export function variable(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

/** Tells a screen reader something that is only seen otherwise. */
export function announce(text) {
  const region = document.getElementById('live');
  if (region) region.textContent = text;
}
