// SPDX-License-Identifier: MIT
// Draws a tree as an icicle. The layout is d3-hierarchy's; frames are SVG elements, which can be
// focused, named for screen readers and saved. d3-flame-graph is not used: it wants the whole tree
// at once, its frames cannot be reached by keyboard, and its licence's text would have to be in
// every report.
import { hierarchy, partition } from 'd3-hierarchy';
import { h, svg } from './dom.js';
import { percent, shorten } from './format.js';
import { Tooltip } from './tooltip.js';

const HEIGHT = 20;
const LEAST = 0.8; // pixels that a frame must have to be drawn
const MOST = 3000; // frames that a browser draws without delay
const TEXT = 26; // pixels below which no text fits

function textWidth() {
  const context = document.createElement('canvas').getContext('2d');
  context.font = `12px ${getComputedStyle(document.documentElement).getPropertyValue('--mono')}`;
  return context.measureText('0'.repeat(50)).width / 50;
}

export class Flame {
  /** options: label, name(node), describe(node), show(value), colour(node), matches(node) or null,
   *  onzoom(path): a frame was chosen; path is of keys. */
  constructor(options) {
    this.options = options;
    this.element = h('div', { class: 'flame' });
    this.tooltip = new Tooltip();
    this.element.addEventListener('click', (event) => this.choose(event.target));
    this.element.addEventListener('pointermove', (event) => this.point(event));
    this.element.addEventListener('pointerleave', () => this.tooltip.hide());
    this.element.addEventListener('keydown', (event) => this.key(event));
    this.element.addEventListener('focusin', (event) => this.focused(event.target));
    this.element.addEventListener('focusout', () => this.tooltip.hide());
    this.width = 0;
    new ResizeObserver(() => {
      const width = Math.floor(this.element.clientWidth);
      if (width && width !== this.width && this.tree) this.draw();
    }).observe(this.element);
  }

  /** ancestors: nodes from the tree's root to the one that is zoomed to. */
  show(tree, ancestors) {
    this.tree = tree;
    this.ancestors = ancestors;
    this.draw();
  }

  layOut(width) {
    const top = this.ancestors[this.ancestors.length - 1];
    const total = Math.max(top.value, 0);
    let least = (total * LEAST) / width;
    let root;
    // Frames are counted while they are made: very many would be made again, fewer.
    do {
      let made = 0;
      root = hierarchy(top, (node) => {
        const children = made > MOST ? [] : this.tree.children(node, least);
        made += children.length;
        return children;
      });
      least *= 3;
      if (made <= MOST) break;
    } while (total > 0);
    root.each((item) => {
      item.value = item.data.value;
    });
    partition().size([width, (root.height + 1) * HEIGHT])(root);
    return root;
  }

  draw() {
    const width = Math.floor(this.element.clientWidth);
    if (!width) return;
    this.width = width;
    this.character ??= textWidth();
    const had =
      this.element.contains(document.activeElement) && document.activeElement.closest('g');
    const root = this.layOut(width);
    const above = this.ancestors.slice(0, -1);
    const height = (above.length + root.height + 1) * HEIGHT;
    this.frames = [];
    const picture = svg('svg', {
      width,
      height,
      viewBox: `0 0 ${width} ${height}`,
      role: 'tree',
      'aria-label': this.options.label,
    });
    above.forEach((node, depth) =>
      picture.append(
        this.frame(node, {
          x: 0,
          y: depth * HEIGHT,
          width,
          depth,
          parent: depth - 1,
          above: true,
          path: this.ancestors
            .slice(1, depth + 1)
            .map(({ key }) => key)
            .join('.'),
        }),
      ),
    );
    const prefix = this.ancestors.slice(1).map(({ key }) => key);
    root.each((item) => {
      item.path = item.parent ? [...item.parent.path, item.data.key] : prefix;
      item.number = this.frames.length;
      picture.append(
        this.frame(item.data, {
          x: item.x0,
          y: above.length * HEIGHT + item.y0,
          width: item.x1 - item.x0,
          depth: above.length + item.depth,
          parent: item.parent ? item.parent.number : above.length - 1,
          path: item.path.join('.'),
        }),
      );
    });
    this.element.replaceChildren(picture);
    this.home = above.length;
    this.setStop(this.home);
    if (had) this.go(this.home);
  }

  frame(node, place) {
    const { options } = this;
    const number = this.frames.length;
    const name = node.key < 0 ? options.rootName : options.name(node);
    const total = this.tree.root.value;
    const share = `${options.show(node.value)}, ${percent(node.value, total)}`;
    const classes = ['frame', node.key < 0 ? 'root' : options.colour(node)];
    if (place.above) classes.push('above');
    if (options.matches) classes.push(node.key >= 0 && options.matches(node) ? 'match' : 'dim');
    const inner = Math.max(0, place.width - 1);
    const group = svg(
      'g',
      {
        class: classes.join(' '),
        role: 'treeitem',
        tabindex: '-1',
        'aria-level': place.depth + 1,
        'aria-label': `${shorten(name, 200)}: ${share}`,
        'data-frame': number,
      },
      svg('rect', {
        x: place.x.toFixed(2),
        y: place.y,
        width: Math.max(inner, 0.5).toFixed(2),
        height: HEIGHT - 1,
        rx: inner > 6 ? 2 : 0,
      }),
    );
    if (place.width > TEXT) {
      const room = Math.floor((place.width - 8) / this.character);
      const text =
        name.length + share.length + 2 <= room ? `${name}  ${share}` : shorten(name, room);
      group.append(svg('text', { x: (place.x + 4).toFixed(2), y: place.y + 14 }, text));
    }
    this.frames.push({ group, node, name, ...place });
    return group;
  }

  at(target) {
    const group = target.closest?.('g[data-frame]');
    return group && this.frames[Number(group.dataset.frame)];
  }

  choose(target) {
    const frame = this.at(target);
    if (frame) this.options.onzoom(frame.path);
  }

  point(event) {
    const frame = this.at(event.target);
    if (frame) this.tooltip.show(this.lines(frame), event.clientX, event.clientY);
    else this.tooltip.hide();
  }

  lines({ node, name }) {
    const { options, tree, ancestors } = this;
    const zoomed = ancestors[ancestors.length - 1];
    const lines = node.key < 0 ? [name] : options.describe(node);
    lines.push(
      `${options.exact(node.value)}: ${percent(node.value, tree.root.value)} of all` +
        (zoomed === tree.root || zoomed === node
          ? ''
          : `, ${percent(node.value, zoomed.value)} of what is shown`),
    );
    return lines.concat(options.more?.(node) ?? []);
  }

  setStop(number) {
    this.frames[this.stop]?.group.setAttribute('tabindex', '-1');
    this.stop = number;
    this.frames[number].group.setAttribute('tabindex', '0');
  }

  go(number) {
    if (number < 0 || !this.frames[number]) return;
    this.setStop(number);
    this.frames[number].group.focus({ preventScroll: false });
  }

  focused(target) {
    const frame = this.at(target);
    if (!frame || !frame.group.matches(':focus-visible')) return;
    const box = frame.group.getBoundingClientRect();
    this.tooltip.show(this.lines(frame), Math.max(box.left, 8), box.bottom);
  }

  key(event) {
    const frame = this.at(event.target);
    if (!frame || event.ctrlKey || event.metaKey || event.altKey) return;
    const number = this.frames.indexOf(frame);
    const siblings = () =>
      this.frames
        .map((_, i) => i)
        .filter((i) => this.frames[i].depth === frame.depth)
        .sort((a, b) => this.frames[a].x - this.frames[b].x);
    const beside = (step) => {
      const all = siblings();
      return all[all.indexOf(number) + step] ?? -1;
    };
    const keys = {
      ArrowUp: () => this.go(frame.parent),
      ArrowDown: () => this.go(this.frames.findIndex((other) => other.parent === number)),
      ArrowLeft: () => this.go(beside(-1)),
      ArrowRight: () => this.go(beside(1)),
      Home: () => this.go(0),
      Enter: () => this.choose(event.target),
      ' ': () => this.choose(event.target),
    };
    if (!keys[event.key]) return;
    event.preventDefault();
    keys[event.key]();
  }
}
