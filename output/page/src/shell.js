// SPDX-License-Identifier: MIT
// What stays in sight: tabs, filter, metric, chips, the heap over time, export.
import { announce, debounce, h } from './dom.js';
import { baseName, shorten, timeFormat } from './format.js';
import { metricName } from './metrics.js';
import { select } from './controls.js';
import { save } from './export.js';
import { help } from './help.js';

const TYPING = 120;

export class Shell {
  /** views: [{name, label, view}]; app: see main.js; theme: Theme. */
  constructor(app, views, theme, chart) {
    Object.assign(this, { app, views, theme, chart });
    const { state, data } = app;
    const type = debounce((q) => state.set({ q }, { step: false }), TYPING);
    this.filter = h('input', {
      type: 'search',
      id: 'filter',
      placeholder: 'Filter: function, file or module  ( / )',
      'aria-label': 'Filter by function, file or module',
      spellcheck: 'false',
      autocomplete: 'off',
      oninput: () => type(this.filter.value.trim()),
    });
    this.metric = select('Metric', [], (metric) => state.set({ metric, zoom: '' }));
    this.chips = h('div', { class: 'chips' });
    this.menu = h(
      'details',
      { class: 'menu' },
      h('summary', null, 'Export'),
      h('div', { class: 'menu-body' }),
    );
    this.help = help();
    this.themeButton = h('button', {
      type: 'button',
      class: 'icon',
      onclick: () => this.nextTheme(),
    });
    this.nameTheme();
    this.tabs = views.map(({ name, label }) =>
      h(
        'button',
        {
          type: 'button',
          role: 'tab',
          id: `tab-${name}`,
          'aria-controls': `panel-${name}`,
          onclick: () => this.go(name),
        },
        label,
      ),
    );
    const tablist = h(
      'div',
      {
        class: 'tabs',
        role: 'tablist',
        'aria-label': 'Views',
        onkeydown: (event) => this.tabKey(event),
      },
      ...this.tabs,
    );
    this.panels = views.map(({ name, view }) =>
      h(
        'section',
        {
          class: 'panel',
          role: 'tabpanel',
          id: `panel-${name}`,
          'aria-labelledby': `tab-${name}`,
          hidden: true,
        },
        view.element,
      ),
    );
    this.element = h(
      'div',
      { class: 'shell' },
      h(
        'a',
        {
          class: 'skip',
          href: '#main',
          onclick: (event) => {
            event.preventDefault();
            this.main.focus();
          },
        },
        'Skip to the view',
      ),
      h(
        'header',
        null,
        h(
          'div',
          { class: 'strap' },
          h(
            'h1',
            { title: data.program },
            h('span', { class: 'brand' }, 'allocptrace'),
            h('span', { class: 'program' }, shorten(programName(data.program), 120)),
          ),
          tablist,
          h(
            'div',
            { class: 'buttons' },
            this.themeButton,
            h(
              'button',
              {
                type: 'button',
                class: 'icon',
                'aria-label': 'Help',
                title: 'Keys and filters (?)',
                onclick: () => this.help.showModal(),
              },
              '?',
            ),
          ),
        ),
        h('div', { class: 'strap tools' }, this.filter, this.metric.element, this.chips, this.menu),
        data.truncated
          ? h(
              'p',
              { class: 'warning', role: 'status' },
              'The log was cut off: the sums are those up to there.',
            )
          : '',
        chart ? h('div', { class: 'strip' }, chart.element) : '',
      ),
      (this.main = h('main', { id: 'main', tabindex: '-1' }, ...this.panels)),
      h('div', { id: 'live', class: 'unseen', 'aria-live': 'polite' }),
      this.help,
    );
    addEventListener('keydown', (event) => this.key(event));
    addEventListener('click', (event) => {
      if (!this.menu.contains(event.target)) this.menu.open = false;
    });
  }

  current() {
    return this.views.find(({ name }) => name === this.app.state.now.view) ?? this.views[0];
  }

  go(view) {
    this.app.state.set({ view, sort: '', selected: '', zoom: '' });
  }

  tabKey(event) {
    const at = this.views.indexOf(this.current());
    const last = this.views.length - 1;
    const to = {
      ArrowRight: at === last ? 0 : at + 1,
      ArrowLeft: at === 0 ? last : at - 1,
      Home: 0,
      End: last,
    }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    this.go(this.views[to].name);
    this.tabs[to].focus();
  }

  nameTheme() {
    const { now } = this.theme;
    const text = { auto: 'as the system', light: 'light', dark: 'dark' }[now];
    this.themeButton.textContent = { auto: '\u25d0', light: '\u2600', dark: '\u263e' }[now];
    this.themeButton.setAttribute('aria-label', `Colours: ${text}`);
    this.themeButton.title = `Colours: ${text} (t)`;
  }

  nextTheme() {
    this.theme.next();
    this.nameTheme();
    announce(this.themeButton.title);
  }

  fillMenu() {
    const { view, name } = this.current();
    const file = `allocptrace-${baseName(this.app.data.program.split(' ')[0])
      .replace(/[^\w.-]/g, '_')
      .slice(0, 60)}-${name}`;
    const labels = { csv: 'CSV', json: 'JSON', svg: 'SVG', folded: 'Folded stacks' };
    this.menu.lastElementChild.replaceChildren(
      ...view.exports().map(({ kind, make }) =>
        h(
          'button',
          {
            type: 'button',
            'data-export': kind,
            onclick: () => {
              this.menu.open = false;
              save(make(), file, kind);
              announce(`saved as ${labels[kind]}`);
            },
          },
          labels[kind],
        ),
      ),
    );
  }

  /** The first of what can be left is left. */
  escape() {
    const { state } = this.app;
    const { now } = state;
    if (this.menu.open) this.menu.open = false;
    else if (document.activeElement === this.filter && this.filter.value) {
      this.filter.value = '';
      state.set({ q: '' });
    } else if (now.selected) state.set({ selected: '' });
    else if (now.zoom) state.set({ zoom: '' });
    else if (now.q) state.set({ q: '' });
    else if (now.span) state.set({ span: null, closer: false });
    else if (now.thread !== null) state.set({ thread: null });
    else document.activeElement?.blur();
  }

  key(event) {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || this.help.open)
      return;
    const isTyping =
      /^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName) &&
      !/^(radio|checkbox)$/.test(event.target.type);
    if (event.key === 'Escape') this.escape();
    else if (isTyping) return;
    else if (event.key === '/') {
      this.filter.focus();
      this.filter.select();
    } else if (event.key === '?') this.help.showModal();
    else if (event.key === 't') this.nextTheme();
    else if (/^[1-9]$/.test(event.key) && this.views[event.key - 1])
      this.go(this.views[event.key - 1].name);
    else return;
    event.preventDefault();
  }

  drawChips(now, scope) {
    const time = timeFormat(this.app.model.times);
    const chips = [];
    const add = (text, changes, what) =>
      chips.push(
        h(
          'button',
          {
            type: 'button',
            class: 'chip',
            'data-chip': what,
            title: `Take back the ${what}`,
            'aria-label': `${text}: take back the ${what}`,
            onclick: () => this.app.state.set(changes),
          },
          h('span', null, text),
          h('span', { class: 'x', 'aria-hidden': 'true' }, '\u00d7'),
        ),
      );
    if (scope.span)
      add(
        `span: ${time(scope.span.from)} \u2013 ${time(scope.span.to)}`,
        { span: null, closer: false },
        'span',
      );
    if (now.thread !== null)
      add(
        `thread: ${shorten(this.app.model.threadName(scope.thread), 40)}`,
        { thread: null },
        'thread',
      );
    if (now.q) add(`filter: ${shorten(now.q, 40)}`, { q: '' }, 'filter');
    this.chips.replaceChildren(...chips);
  }

  render(now) {
    const { app } = this;
    const { scope } = app;
    const current = this.current();
    this.views.forEach((item, i) => {
      const isCurrent = item === current;
      this.tabs[i].setAttribute('aria-selected', String(isCurrent));
      this.tabs[i].tabIndex = isCurrent ? 0 : -1;
      this.panels[i].hidden = !isCurrent;
    });
    if (this.filter.value.trim() !== now.q) this.filter.value = now.q;
    this.metric.element.hidden = !current.view.usesMetric;
    const metrics = current.name === 'compare' ? app.wholeMetrics : scope.metrics;
    this.metric.fill(Object.entries(metrics).map(([name, { label }]) => [name, label]));
    this.metric.set(metricName(now.metric, current.name === 'compare' ? null : scope.span));
    this.fillMenu();
    this.drawChips(now, scope);
    this.element.classList.toggle('at-time', current.name === 'time');
    this.chart?.setSpan(scope.span && [scope.span.from, scope.span.to]);
    const program = shorten(programName(app.data.program), 80);
    document.title = `${current.label} \u2013 ${program} \u2013 allocptrace`;
    current.view.render(now);
  }
}

/** "python3 script.py" of "/usr/bin/python3 script.py" */
function programName(program) {
  const space = program.indexOf(' ');
  return space < 0 ? baseName(program) : baseName(program.slice(0, space)) + program.slice(space);
}
