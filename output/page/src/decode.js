// SPDX-License-Identifier: MIT
// From the text in the page to columns: base64, gzip, CBOR.
import { decode } from 'cbor2';

// A multiple of four characters, small enough not to hold up the page.
const PIECE = 1 << 20;

function fromBase64(text) {
  if (Uint8Array.fromBase64) return Uint8Array.fromBase64(text);
  const binary = atob(text);
  const data = new Uint8Array(binary.length);
  for (let i = 0; i < binary.length; i++) data[i] = binary.charCodeAt(i);
  return data;
}

async function write(text, stream) {
  const writer = stream.getWriter();
  for (let at = 0; at < text.length; at += PIECE) {
    await writer.write(fromBase64(text.slice(at, at + PIECE)));
  }
  await writer.close();
}

// What would change the direction of text, or is no character to show, becomes one that is seen.
// eslint-disable-next-line no-control-regex
const UNSHOWN =
  /[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ufffe\uffff]/g;

export function cleanText(text) {
  return String(text).replace(UNSHOWN, '\ufffd');
}

/** Numbers past 2^32 may come as BigInt; texts anywhere in here are shown. */
function plain(value) {
  if (typeof value === 'bigint') return Number(value);
  if (typeof value === 'string') return cleanText(value);
  if (Array.isArray(value)) return value.map(plain);
  if (value && typeof value === 'object' && !ArrayBuffer.isView(value)) {
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, plain(item)]));
  }
  return value;
}

/** By point its row: the steps between those of a bin are in the data. */
function rowsOfPoints(first, step) {
  const row = new Uint32Array(step.length);
  for (let bin = 0; bin + 1 < first.length; bin++) {
    let at = 0;
    for (let i = first[bin]; i < first[bin + 1]; i++) row[i] = at += step[i];
  }
  return row;
}

/** The data of the script element: base64 of gzip of one CBOR map. */
export async function readData(text) {
  const unzip = new DecompressionStream('gzip');
  const [whole] = await Promise.all([
    new Response(unzip.readable).arrayBuffer(),
    write(/\s/.test(text) ? text.replace(/\s+/g, '') : text, unzip.writable),
  ]);
  const data = decode(new Uint8Array(whole));
  if (data.version !== 1) throw new Error(`the data has version ${data.version}, not 1`);
  const { bins, points } = data;
  points.row = rowsOfPoints(bins.points, points.step);
  return plain(data);
}
