// SPDX-License-Identifier: MIT
// Light, dark, or as the system has it; remembered by the browser, not in the link.

const NAMES = ['auto', 'light', 'dark'];
const KEY = 'allocptrace-theme';

function remembered() {
  try {
    return localStorage.getItem(KEY) ?? 'auto';
  } catch {
    return 'auto'; // a browser may keep nothing for files
  }
}

export class Theme {
  constructor(onchange) {
    this.onchange = onchange;
    this.now = NAMES.includes(remembered()) ? remembered() : 'auto';
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => this.apply());
    this.apply();
  }

  apply() {
    const dark =
      this.now === 'dark' ||
      (this.now === 'auto' && matchMedia('(prefers-color-scheme: dark)').matches);
    document.documentElement.dataset.theme = dark ? 'dark' : 'light';
    this.onchange();
  }

  next() {
    this.now = NAMES[(NAMES.indexOf(this.now) + 1) % NAMES.length];
    try {
      localStorage.setItem(KEY, this.now);
    } catch {
      /* then for this time only */
    }
    this.apply();
    return this.now;
  }
}
