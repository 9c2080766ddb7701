// SPDX-License-Identifier: MIT
// Stacks as a tree of frames that grows where one looks: only what is wide enough to be seen is
// ever made, so that a hundred thousand stacks cost no more than what fits the window.
//
// A node is {key, line, value, other, at, weights}. key: its function's or line's number, line: one
// of its lines, value: its weight, other: that of the run compared with.

function group(children, key, line) {
  let child = children.get(key);
  if (!child) {
    child = { key, line, value: 0, other: 0, at: [], weights: null };
    children.set(key, child);
  }
  return child;
}

function ordered(children, least) {
  return [...children.values()]
    .filter((child) => Math.max(child.value, child.other) > least)
    .sort((a, b) => b.value - a.value || b.other - a.other || a.key - b.key);
}

/** Callers above callees. weights: {node, value, other} columns; keys: numbers of lines' frames. */
export function topDown(model, weights, keys) {
  const total = new Float64Array(model.parent.length);
  const other = weights.other && new Float64Array(model.parent.length);
  for (let i = 0; i < weights.node.length; i++) {
    total[weights.node[i]] += weights.value[i];
    if (other) other[weights.node[i]] += weights.other[i];
  }
  for (let i = total.length - 1; i > 0; i--) {
    total[model.parent[i]] += total[i];
    if (other) other[model.parent[i]] += other[i];
  }
  const { first, child } = model.children();

  function children(node, least) {
    const found = new Map();
    for (const at of node.at) {
      for (let i = first[at]; i < first[at + 1]; i++) {
        const next = child[i];
        if (!total[next] && !other?.[next]) continue;
        const line = model.lineOf[next];
        const frame = group(found, keys[line], line);
        frame.value += total[next];
        if (other) frame.other += other[next];
        frame.at.push(next);
      }
    }
    return ordered(found, least);
  }

  const root = { key: -1, line: 0, value: total[0], other: other?.[0] ?? 0, at: [0] };
  return { root, children };
}

/** Where memory is allocated above its callers. */
export function bottomUp(model, weights, keys) {
  const { parent, lineOf } = model;

  function children(node, least) {
    const found = new Map();
    const isRoot = node.key < 0;
    for (let i = 0; i < node.at.length; i++) {
      const next = isRoot ? node.at[i] : parent[node.at[i]];
      if (next === 0) continue;
      const line = lineOf[next];
      const frame = group(found, keys[line], line);
      frame.value += node.weights[i];
      frame.at.push(next);
      (frame.weights ??= []).push(node.weights[i]);
    }
    return ordered(found, least);
  }

  let sum = 0;
  for (const value of weights.value) sum += value;
  const root = { key: -1, line: 0, value: sum, other: 0, at: weights.node, weights: weights.value };
  return { root, children };
}

/** Weights of the rows in a scope; what shrank weighs nothing. At the site if so asked. */
export function scopeWeights(model, scope, column, { filtered = false, sites = false } = {}) {
  const node = [];
  const value = [];
  for (let row = 0; row < model.rowCount; row++) {
    if (!scope.isOfThread(row) || (filtered && !scope.isMatch(row)) || column[row] <= 0) continue;
    node.push(sites ? model.siteNode(row) : model.rows.node[row]);
    value.push(column[row]);
  }
  return { node, value };
}

/** Nodes from the root along a path of keys, as far as there are any. */
export function follow(tree, path) {
  const nodes = [tree.root];
  for (const text of path ? path.split('.') : []) {
    const node = tree.children(nodes[nodes.length - 1], 0).find(({ key }) => key === Number(text));
    if (!node) break;
    nodes.push(node);
  }
  return nodes;
}

/** The path of a stack's frames, outermost first, for follow(). */
export function pathOf(model, node, keys) {
  return model
    .stack(node)
    .reverse()
    .map((line) => keys[line])
    .join('.');
}
