// SPDX-License-Identifier: MIT
// Bundles the report's page: node build.mjs [FOLDER] writes report.js and report.css there.
import { build } from 'esbuild';
import { readFile, readdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const source = dirname(fileURLToPath(import.meta.url));
const out = process.argv[2] ?? join(source, 'dist');

// The libraries' licences (MIT and ISC) ask for their notice in every copy: each report is one.
async function notice() {
  const { packages } = JSON.parse(await readFile(join(source, 'package-lock.json'), 'utf8'));
  const lines = ['allocptrace report, MIT. It contains:'];
  for (const [path, { dev }] of Object.entries(packages)) {
    if (!path || dev) continue;
    const folder = join(source, path);
    const { name, version, license } = JSON.parse(
      await readFile(join(folder, 'package.json'), 'utf8'),
    );
    const file = (await readdir(folder)).find((entry) => /^licen[cs]e/i.test(entry));
    if (!/^(MIT|ISC|BSD-[23]-Clause)$/.test(license)) throw new Error(`${name}: ${license}`);
    const text = file ? await readFile(join(folder, file), 'utf8') : '';
    const holders = text.split('\n').filter((line) => /^\s*copyright\b.*\d{4}/i.test(line));
    lines.push(`${name} ${version} (${license}): ${holders.map((line) => line.trim()).join('; ')}`);
  }
  const permission = await readFile(join(source, 'node_modules/uplot/LICENSE'), 'utf8');
  lines.push('', 'MIT:', permission.slice(permission.indexOf('Permission')).trim());
  const isc = await readFile(join(source, 'node_modules/d3-hierarchy/LICENSE'), 'utf8');
  lines.push('', 'ISC:', isc.slice(isc.indexOf('Permission')).trim());
  return `/*!\n${lines.join('\n').replaceAll('*/', '')}\n*/`;
}

await build({
  entryPoints: { report: join(source, 'src/main.js') },
  outdir: out,
  bundle: true,
  format: 'iife',
  minify: true,
  target: 'es2021',
  charset: 'ascii',
  legalComments: 'none',
  banner: { js: await notice() },
  logLevel: 'warning',
});
