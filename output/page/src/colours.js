// SPDX-License-Identifier: MIT
// Colours by class; their values are in the style sheet. The palette is that of Okabe and Ito,
// which people with any kind of colour blindness can tell apart.

export const SERIES = 8;

/** Classes by module: those with most frames have a colour of their own. */
export class ModuleColours {
  constructor(model) {
    const counts = new Map();
    for (let i = 1; i < model.lineOf.length; i++) {
      const module = model.lines.module[model.lineOf[i]];
      counts.set(module, (counts.get(module) ?? 0) + 1);
    }
    const ranked = [...counts].sort((a, b) => b[1] - a[1]).map(([module]) => module);
    this.ranked = ranked.slice(0, SERIES);
    this.rest = ranked.length > SERIES;
    this.classes = new Map(this.ranked.map((module, i) => [module, `c${i}`]));
  }

  of(module) {
    return this.classes.get(module) ?? 'other';
  }
}

/** A class for how much a sum changed: blue ones are less, orange ones more. */
export function changeClass(now, before) {
  if (now === before) return 'same';
  const most = Math.max(Math.abs(now), Math.abs(before));
  const strength = Math.min(3, 1 + Math.floor((3 * Math.abs(now - before)) / (most || 1)));
  return `${now > before ? 'more' : 'less'}${strength}`;
}
