// SPDX-License-Identifier: MIT
// A table of any number of lines, of which only those in sight exist (@tanstack/virtual-core).
import {
  Virtualizer,
  elementScroll,
  observeElementOffset,
  observeElementRect,
} from '@tanstack/virtual-core';
import { announce, h } from './dom.js';
import { byUnit, exactly, signed } from './format.js';

const HEIGHT = 28;
let grids = 0;

function shown(unit, value) {
  if (unit === 'signed') return signed('bytes', value);
  if (unit === 'signed-count') return signed('count', value);
  return byUnit(unit, value);
}

function exact(unit, value) {
  return exactly(unit === 'signed' ? 'bytes' : unit, value);
}

/** The order of a table's lines; ties keep the table's own. sort: "key" or "-key", "name" too. */
export function sorted(table, sort) {
  const order = Uint32Array.from({ length: table.size }, (_, i) => i);
  const down = sort.startsWith('-');
  const key = sort.replace(/^-/, '');
  const values =
    key === 'name'
      ? Array.from(order, (i) => table.name(i))
      : table.columns.find((column) => column.key === key)?.values;
  if (!values) return order;
  const sign = down ? -1 : 1;
  if (key === 'name') {
    return order.sort((a, b) =>
      values[a] < values[b] ? -sign : values[a] > values[b] ? sign : a - b,
    );
  }
  return order.sort((a, b) => sign * (values[a] - values[b]) || a - b);
}

export class Grid {
  /** options: label, nameLabel, onsort(sort), onopen(key or '').
   *  A table: {size, name(i), title(i), key(i), columns: [{key, label, unit, title, values, sum}]} */
  constructor(options) {
    this.options = options;
    this.id = `grid${grids++}`;
    this.table = { size: 0, columns: [] };
    this.order = [];
    this.active = 0;
    this.head = h('div', { class: 'grid-head', role: 'row' });
    this.space = h('div', { class: 'grid-space', role: 'rowgroup' });
    this.foot = h('div', { class: 'grid-foot', role: 'row' });
    this.element = h(
      'div',
      {
        class: 'grid',
        role: 'grid',
        tabindex: '0',
        'aria-label': options.label,
        onkeydown: (event) => this.key(event),
        onclick: (event) => this.click(event),
      },
      this.head,
      this.space,
      this.foot,
    );
    this.virtual = new Virtualizer(this.virtualOptions(0));
    this.virtual._didMount();
  }

  virtualOptions(count) {
    return {
      count,
      getScrollElement: () => this.element,
      estimateSize: () => HEIGHT,
      getItemKey: (index) => index,
      overscan: 10,
      scrollPaddingStart: HEIGHT + 4,
      scrollPaddingEnd: HEIGHT + 4,
      scrollToFn: elementScroll,
      observeElementRect,
      observeElementOffset,
      onChange: () => this.draw(),
    };
  }

  show(table, sort, selected) {
    this.table = table;
    this.sort = sort;
    this.selected = selected;
    this.order = sorted(table, sort);
    this.active = Math.max(
      0,
      selected ? this.order.findIndex((i) => table.key(i) === selected) : 0,
    );
    this.most = new Map(
      table.columns.map(({ key, values }) => {
        let most = 0;
        for (let i = 0; i < table.size; i++) most = Math.max(most, Math.abs(values[i]));
        return [key, most];
      }),
    );
    this.element.style.setProperty(
      '--columns',
      `minmax(17rem, 1fr) ${table.columns.map(() => '7.8rem').join(' ')}`,
    );
    this.element.style.setProperty('--least', `${17 + 7.8 * table.columns.length}rem`);
    this.element.setAttribute('aria-rowcount', table.size + 2);
    this.drawHead();
    this.virtual.setOptions(this.virtualOptions(table.size));
    this.virtual._willUpdate();
    this.virtual.measure();
    this.draw();
    if (this.active) requestAnimationFrame(() => this.virtual.scrollToIndex(this.active));
  }

  drawHead() {
    const sorts = [{ key: 'name', label: this.options.nameLabel }, ...this.table.columns];
    this.head.replaceChildren(
      ...sorts.map(({ key, label, title }) => {
        const direction =
          this.sort === key ? 'ascending' : this.sort === `-${key}` ? 'descending' : 'none';
        const arrow = { ascending: ' \u25b2', descending: ' \u25bc', none: '' }[direction];
        const next =
          key === 'name'
            ? this.sort === key
              ? '-name'
              : 'name'
            : this.sort === `-${key}`
              ? key
              : `-${key}`;
        return h(
          'div',
          { class: 'cell', role: 'columnheader', 'aria-sort': direction },
          h(
            'button',
            {
              type: 'button',
              title,
              'data-sort': key,
              onclick: () => {
                this.options.onsort(next);
                announce(`sorted by ${label}`);
                this.head.querySelector(`[data-sort="${key}"]`)?.focus();
              },
            },
            `${label}${arrow}`,
          ),
        );
      }),
    );
    const { size } = this.table;
    this.foot.replaceChildren(
      h(
        'div',
        { class: 'cell', role: 'gridcell' },
        this.options.total?.(size) ?? `Sum of ${size.toLocaleString('en-US')}`,
      ),
      ...this.table.columns.map(({ key, unit, values, sum }) => {
        if (sum === null) return h('div', { class: 'cell number', role: 'gridcell' }, '');
        let all = 0;
        for (let i = 0; i < size; i++) all += values[i];
        return h(
          'div',
          {
            class: 'cell number',
            role: 'gridcell',
            title: exact(unit, all),
            'data-sum': key,
            'data-value': all,
          },
          shown(unit, all),
        );
      }),
    );
    this.foot.hidden = this.options.noSum || size < 2;
  }

  draw() {
    const items = this.virtual.getVirtualItems();
    this.space.style.height = `${this.virtual.getTotalSize()}px`;
    this.space.replaceChildren(...items.map((item) => this.row(item.index, item.start)));
    const active = this.space.querySelector('.active');
    if (active) this.element.setAttribute('aria-activedescendant', active.id);
    else this.element.removeAttribute('aria-activedescendant');
  }

  row(index, start) {
    const { table } = this;
    const i = this.order[index];
    const key = table.key(i);
    const open = key === this.selected;
    const classes = `grid-row${open ? ' open' : ''}${index === this.active ? ' active' : ''}`;
    const row = h(
      'div',
      {
        class: classes,
        role: 'row',
        id: `${this.id}-${index}`,
        'aria-rowindex': index + 2,
        'aria-selected': open ? 'true' : 'false',
        'data-index': index,
        style: { transform: `translateY(${start}px)` },
      },
      h(
        'div',
        { class: `cell name ${table.class?.(i) ?? ''}`, role: 'rowheader', title: table.title(i) },
        ...(table.mark ? [table.mark(i)] : []),
        table.name(i),
      ),
    );
    for (const { key: column, unit, values } of table.columns) {
      const value = values[i];
      const cell = h(
        'div',
        {
          class: `cell number${value ? '' : ' zero'}`,
          role: 'gridcell',
          title: exact(unit, value),
        },
        shown(unit, value),
      );
      if (this.sort.replace('-', '') === column && value && this.most.get(column)) {
        cell.classList.add('measured');
        cell.style.setProperty('--share', `${(100 * Math.abs(value)) / this.most.get(column)}%`);
      }
      row.append(cell);
    }
    return row;
  }

  click(event) {
    const row = event.target.closest('.grid-row');
    if (!row) return;
    this.active = Number(row.dataset.index);
    this.open();
  }

  open() {
    if (!this.table.size) return;
    const key = this.table.key(this.order[this.active]);
    this.options.onopen?.(key === this.selected ? '' : key);
  }

  key(event) {
    if (event.target !== this.element) return;
    const page = Math.max(1, Math.floor(this.element.clientHeight / HEIGHT) - 3);
    const steps = {
      ArrowDown: 1,
      ArrowUp: -1,
      PageDown: page,
      PageUp: -page,
      Home: -this.table.size,
      End: this.table.size,
    };
    if (event.key in steps) {
      const to = this.active + steps[event.key];
      this.active = Math.max(0, Math.min(this.table.size - 1, to));
      this.virtual.scrollToIndex(this.active);
      this.draw();
    } else if (event.key === 'Enter' || event.key === ' ') this.open();
    else return;
    event.preventDefault();
  }
}
