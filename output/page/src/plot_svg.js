// SPDX-License-Identifier: MIT
// The plots over time as a drawing: uPlot's are pixels.
import { svg, variable } from './dom.js';

const WIDTH = 1000;
const LEFT = 90;
const GAP = 40;

function points(x, values, scaleX, scaleY, stepped) {
  let text = '';
  for (let i = 0; i < x.length; i++) {
    const at = `${scaleX(x[i]).toFixed(1)} ${scaleY(values[i] ?? 0).toFixed(1)}`;
    if (!i) text = `M${at}`;
    else
      text += stepped
        ? `V${scaleY(values[i] ?? 0).toFixed(1)}H${scaleX(x[i]).toFixed(1)}`
        : `L${at}`;
  }
  return text;
}

/** One drawing of several charts' options, one below the other. */
export function drawPlots(charts, time) {
  const height = charts.reduce((sum, { height: own }) => sum + own + GAP, 10);
  const picture = svg('svg', {
    width: WIDTH,
    height,
    viewBox: `0 0 ${WIDTH} ${height}`,
    'font-family': 'system-ui, sans-serif',
    'font-size': 12,
  });
  picture.append(svg('rect', { width: WIDTH, height, fill: variable('--paper') }));
  let top = 10;
  for (const chart of charts) {
    const bottom = top + chart.height;
    const { x } = chart;
    const [low, high] = [x[0], x[x.length - 1]];
    const most =
      1.08 *
        chart.series.reduce(
          (all, { drawn, values }) => (drawn ?? values).reduce((a, b) => Math.max(a, b), all),
          0,
        ) || 1;
    const scaleX = (value) => LEFT + ((value - low) / (high - low || 1)) * (WIDTH - LEFT - 20);
    const scaleY = (value) => bottom - (value / most) * chart.height;
    const text = (value, at, y, anchor) =>
      svg('text', { x: at, y, 'text-anchor': anchor, fill: variable('--text') }, value);
    for (const { drawn, values, colour, fill, stepped } of chart.series) {
      const path = points(x, drawn ?? values, scaleX, scaleY, stepped);
      if (fill) {
        picture.append(
          svg('path', {
            fill: variable(fill),
            stroke: 'none',
            d: `${path}V${bottom}H${scaleX(low).toFixed(1)}Z`,
          }),
        );
      }
      picture.append(
        svg('path', { d: path, fill: 'none', stroke: variable(colour), 'stroke-width': 1.5 }),
      );
    }
    picture.append(
      svg('path', {
        d: `M${LEFT} ${top}V${bottom}H${WIDTH - 20}`,
        fill: 'none',
        stroke: variable('--text-soft'),
      }),
      text(
        chart.series[0].shown(most / 1.08, -1),
        LEFT - 6,
        top + 12 + chart.height * (1 - 1 / 1.08),
        'end',
      ),
      text('0', LEFT - 6, bottom, 'end'),
      text(time(low), LEFT, bottom + 16, 'start'),
      text(time(high), WIDTH - 20, bottom + 16, 'end'),
      text(chart.label, (LEFT + WIDTH) / 2, bottom + 16, 'middle'),
    );
    top = bottom + GAP;
  }
  return picture;
}
