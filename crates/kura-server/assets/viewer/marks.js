// What is measured on an image. Points are image coordinates, so marks follow zoom and flip.

import { scale } from './geometry.js';
import { values } from './windowing.js';

// Points that each kind takes.
export const POINTS = { length: 2, angle: 3, probe: 1, rectangle: 2, ellipse: 2 };

const round = (value, digits = 1) => Number(value.toFixed(digits)).toString();

function length(item, [a, b], words) {
  const mm = scale(item, [a, b]);
  const [dx, dy] = [b[0] - a[0], b[1] - a[1]];
  if (!mm) return [`${round(Math.hypot(dx, dy))} ${words.pixels}`, words.uncalibrated];
  const text = `${round(Math.hypot(dx * mm.across, dy * mm.down), 2)} mm`;
  return mm.imager ? [text, words.detector] : [text];
}

function angle(item, [a, corner, b]) {
  const mm = scale(item, [a, corner, b]) ?? { across: 1, down: item.info.aspect || 1 };
  const leg = (to) => [(to[0] - corner[0]) * mm.across, (to[1] - corner[1]) * mm.down];
  const [p, q] = [leg(a), leg(b)];
  const turned = Math.atan2(p[0] * q[1] - p[1] * q[0], p[0] * q[0] + p[1] * q[1]);
  return [`${round(Math.abs(turned) * 180 / Math.PI)}°`];
}

const unit = (frame) => (frame.unit ? ` ${frame.unit}` : '');

export function said(frame, x, y) {
  const found = values(frame, x, y);
  return found.length === 1 ? `${round(found[0], 2)}${unit(frame)}` : `RGB ${found.join(' ')}`;
}

function probe(frame, [[x, y]], words) {
  const [column, row] = [Math.floor(x), Math.floor(y)];
  if (!frame) return [];
  if (column < 0 || row < 0 || column >= frame.columns || row >= frame.rows) return [words.outside];
  return [said(frame, column, row), `x ${column} y ${row}`];
}

// Pixels whose centre lies in the shape.
function* within(kind, [a, b], frame) {
  const [left, right] = [Math.min(a[0], b[0]), Math.max(a[0], b[0])];
  const [top, bottom] = [Math.min(a[1], b[1]), Math.max(a[1], b[1])];
  const [cx, cy, rx, ry] = [(left + right) / 2, (top + bottom) / 2, (right - left) / 2, (bottom - top) / 2];
  for (let y = Math.max(0, Math.ceil(top - 0.5)); y < Math.min(frame.rows, bottom - 0.5 + 1e-9); y += 1) {
    for (let x = Math.max(0, Math.ceil(left - 0.5)); x < Math.min(frame.columns, right - 0.5 + 1e-9); x += 1) {
      if (kind === 'rectangle' || ((x + 0.5 - cx) / rx) ** 2 + ((y + 0.5 - cy) / ry) ** 2 <= 1) yield [x, y];
    }
  }
}

function region(kind, item, frame, points) {
  if (!frame) return [];
  const [sums, squares] = [[0, 0, 0], [0, 0, 0]];
  let [count, low, high, channels] = [0, Infinity, -Infinity, 1];
  for (const [x, y] of within(kind, points, frame)) {
    const found = values(frame, x, y);
    channels = found.length;
    found.forEach((value, at) => {
      sums[at] += value;
      squares[at] += value * value;
    });
    low = Math.min(low, ...found);
    high = Math.max(high, ...found);
    count += 1;
  }
  if (count === 0) return [];
  const means = sums.slice(0, channels).map((sum) => sum / count);
  const spread = means.map((mean, at) => Math.sqrt(Math.max(0, squares[at] / count - mean * mean)));
  const mm = scale(item, points);
  const area = mm ? `${round(count * mm.across * mm.down)} mm²` : `${count} px`;
  return [
    means.map((mean, at) => `${round(mean)} ± ${round(spread[at])}`).join(' / ') + unit(frame),
    `${round(low, 2)} – ${round(high, 2)} · ${area}`,
  ];
}

// What a mark says, a line each.
export function lines(mark, item, frame, words) {
  const { kind, points } = mark;
  if (points.length < POINTS[kind]) return [];
  if (kind === 'length') return length(item, points, words);
  if (kind === 'angle') return angle(item, points);
  if (kind === 'probe') return probe(frame, points, words);
  return region(kind, item, frame, points);
}

const SVG = 'http://www.w3.org/2000/svg';

function element(name, attributes, className) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  if (className) made.setAttribute('class', className);
  return made;
}

// The outline of a mark on the screen: `place` leads from image to screen.
function outline(mark, place) {
  const at = mark.points.map(place);
  const path = (points, close = '') => `M${points.map((point) => point.map((one) => round(one, 2)).join(' ')).join('L')}${close}`;
  if (mark.kind === 'rectangle' && at.length === 2) {
    const [[ax, ay], [bx, by]] = mark.points;
    return path([[ax, ay], [bx, ay], [bx, by], [ax, by]].map(place), 'Z');
  }
  if (mark.kind === 'ellipse' && at.length === 2) {
    const [[ax, ay], [bx, by]] = mark.points;
    const around = Array.from({ length: 48 }, (_, step) => {
      const angle = (step / 48) * 2 * Math.PI;
      return place([(ax + bx) / 2 + (Math.cos(angle) * (bx - ax)) / 2, (ay + by) / 2 + (Math.sin(angle) * (by - ay)) / 2]);
    });
    return path(around, 'Z');
  }
  if (mark.kind === 'probe') {
    const [[x, y]] = at;
    return `M${x - 7} ${y}H${x + 7}M${x} ${y - 7}V${y + 7}`;
  }
  return path(at);
}

export function drawn(mark, index, chosen, place, text) {
  const group = element('g', { 'data-mark': index }, `mark${chosen ? ' chosen' : ''}`);
  const d = outline(mark, place);
  group.append(element('path', { d }, 'shadow'), element('path', { d }, 'line'), element('path', { d }, 'grip'));
  mark.points.forEach((point, number) => {
    const [cx, cy] = place(point);
    group.append(element('circle', { cx, cy, r: 4, 'data-point': number }, 'handle'));
  });
  const last = mark.points.map(place).reduce((a, b) => (b[0] > a[0] ? b : a));
  text.forEach((line, number) => {
    const label = element('text', { x: last[0] + 9, y: last[1] + 5 + number * 17 });
    label.textContent = line;
    group.append(label);
  });
  return group;
}
