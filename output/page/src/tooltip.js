// SPDX-License-Identifier: MIT
// One floating box for what the pointer or the focus is on.
import { h } from './dom.js';

const GAP = 14;
const box = h('div', { class: 'tooltip', role: 'presentation', hidden: true });

export class Tooltip {
  show(lines, x, y) {
    if (!box.isConnected) document.body.append(box);
    box.replaceChildren(...lines.map((line, i) => h('div', { class: i ? '' : 'strong' }, line)));
    box.hidden = false;
    const { width, height } = box.getBoundingClientRect();
    const left = Math.min(x + GAP, innerWidth - width - 4);
    const below = y + GAP + height < innerHeight;
    box.style.left = `${Math.max(4, left)}px`;
    box.style.top = `${Math.max(4, below ? y + GAP : y - GAP - height)}px`;
  }

  hide() {
    box.hidden = true;
  }
}
