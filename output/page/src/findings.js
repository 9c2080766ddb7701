// SPDX-License-Identifier: MIT
// What to look at first, in plain words. Each finding links to where it is seen.
import { bytes, count, fullBytes, percent, plural } from './format.js';
import { Groups } from './sites.js';

const siteLink = (groups, { group }, sort) => ({
  view: 'sites',
  by: 'line',
  sort,
  selected: groups.key(group),
});

function biggest(groups, key) {
  return groups.top(key, 1)[0];
}

function leakiest(app, scope) {
  const { model, data } = app;
  const { leaks } = data;
  let best = -1;
  let most = 0;
  const wasChecked = data.checks.length > 0;
  for (let i = 0; i < leaks.kind.length; i++) {
    if (wasChecked ? leaks.kind[i] !== 3 && leaks.kind[i] !== 1 : leaks.kind[i] !== 4) continue;
    const weight = leaks.bytes[i] + leaks.indirect_bytes[i];
    if (weight > most) [best, most] = [i, weight];
  }
  if (best < 0) {
    return {
      title: 'Leaks',
      good: true,
      text: wasChecked ? 'The leak check found nothing lost.' : 'All that was allocated was freed.',
      link: { view: 'leaks' },
    };
  }
  const word = { 1: 'possibly lost', 3: 'definitely lost', 4: 'not freed' }[leaks.kind[best]];
  const site = model.labelOf(leaks.site[best]);
  return {
    title: 'Leakiest stack',
    value: bytes(most),
    site,
    text:
      `${fullBytes(most)} in ${plural(leaks.blocks[best], 'block')} are ${word}` +
      (leaks.indirect_bytes[best]
        ? `, of them ${bytes(leaks.indirect_bytes[best])} through others.`
        : '.'),
    hint: 'Free them where their last user ends, or keep a pointer to them.',
    link: { view: 'leaks', selected: String(best) },
  };
}

function longestChain(model, scope) {
  const { rows } = model;
  let best = -1;
  for (const row of scope.rows) {
    if (rows.longest_growth[row] > (best < 0 ? 0 : rows.longest_growth[best])) best = row;
  }
  if (best < 0) return null;
  const times = rows.longest_growth[best];
  return {
    title: 'Longest realloc chain',
    value: `${count(times)}\u00d7`,
    site: model.labelOf(rows.site[best]),
    text:
      `One buffer was made larger ${plural(times, 'time')}, from ` +
      `${bytes(rows.longest_growth_from[best])} to ${bytes(rows.longest_growth_to[best])}.`,
    hint:
      times > 8
        ? 'Let it grow by a factor, or ask for its final size at once.'
        : 'Short: no need to act.',
    link: { view: 'sites', by: 'line', sort: '-longest_growth', selected: String(rows.site[best]) },
  };
}

/** Findings of the whole log. */
export function wholeFindings(app, scope) {
  const { model, data } = app;
  const groups = new Groups(model, scope, 'line');
  const found = [];
  const peak = biggest(groups, 'peak_bytes');
  const peakAll = scope.sum('peak_bytes');
  if (peak) {
    found.push({
      title: 'Biggest at the peak',
      value: bytes(peak.value),
      site: groups.name(peak.group),
      text:
        `It holds ${percent(peak.value, peakAll)} of the ${fullBytes(peakAll)} ` +
        'that were alive at the peak.',
      hint: 'Less here makes the whole program smaller.',
      link: siteLink(groups, peak, '-peak_bytes'),
    });
  }
  found.push(leakiest(app, scope));
  const temporary = biggest(groups, 'temporary');
  if (temporary) {
    const all = groups.sums('count')[temporary.group];
    found.push({
      title: 'Most temporary allocations',
      value: count(temporary.value),
      site: groups.name(temporary.group),
      text:
        `${percent(temporary.value, all)} of its ${plural(all, 'allocation')} ` +
        'are freed before the next one is made.',
      hint: 'A buffer that is kept, or one on the stack, saves the calls.',
      link: siteLink(groups, temporary, '-temporary'),
    });
  } else
    found.push({
      title: 'Temporary allocations',
      good: true,
      text: 'No allocation was freed before the next one.',
      link: { view: 'sites' },
    });
  found.push(
    longestChain(model, scope) ?? {
      title: 'Realloc chains',
      good: true,
      text: 'No buffer was made larger.',
      link: { view: 'sites' },
    },
  );
  const slack = biggest(groups, 'slack_bytes');
  if (slack) {
    const asked = groups.sums('total_bytes')[slack.group];
    found.push({
      title: 'Most wasteful slack',
      value: bytes(slack.value),
      site: groups.name(slack.group),
      text:
        `${bytes(slack.value)} more than the ${bytes(asked)} asked for were set aside ` +
        `(${percent(slack.value, asked)} on top).`,
      hint: 'Sizes just above an allocator\u2019s class, or many small blocks: put several into one.',
      link: siteLink(groups, slack, '-slack_bytes'),
    });
  } else {
    found.push({
      title: 'Slack',
      good: true,
      link: { view: 'sites' },
      text: data.summary.slack_known
        ? 'Blocks are as large as was asked for.'
        : 'How large blocks really are is not known of this allocator.',
    });
  }
  return found;
}

/** Findings of a span. */
export function spanFindings(app, scope) {
  const groups = new Groups(app.model, scope, 'line');
  const threads = new Groups(app.model, scope, 'thread');
  const found = [];
  const add = (title, key, all, text, show = bytes) => {
    const best = biggest(groups, key);
    if (best) {
      found.push({
        title,
        value: show(best.value),
        site: groups.name(best.group),
        text: text(best.value, scope.sum(all)),
        link: siteLink(groups, best, `-${key}`),
      });
    }
  };
  add(
    'Grew most',
    'growth_bytes',
    'growth_bytes',
    (value, all) =>
      `It holds ${fullBytes(value)} more at the end of the span than at its start; ` +
      `all together ${all < 0 ? 'shrank' : 'grew'} by ${bytes(Math.abs(all))}.`,
  );
  add(
    'Allocated most',
    'allocated_bytes',
    'allocated_bytes',
    (value, all) => `${percent(value, all)} of the ${fullBytes(all)} allocated in the span.`,
  );
  add(
    'Most allocations',
    'allocated',
    'allocated',
    (value, all) => `${percent(value, all)} of the ${plural(all, 'allocation')} in the span.`,
    count,
  );
  add(
    'Holds most at its end',
    'end_bytes',
    'end_bytes',
    (value, all) => `${percent(value, all)} of the ${fullBytes(all)} alive when the span ends.`,
  );
  const thread = biggest(threads, 'allocated_bytes');
  if (thread) {
    found.push({
      title: 'Busiest thread',
      value: bytes(thread.value),
      site: threads.name(thread.group),
      text: `${percent(thread.value, scope.sum('allocated_bytes'))} of what was allocated in the span.`,
      link: { view: 'threads' },
    });
  }
  if (!found.length)
    found.push({
      title: 'Quiet',
      good: true,
      text: 'Nothing was allocated in the span, and nothing is alive.',
      link: {},
    });
  return found;
}
