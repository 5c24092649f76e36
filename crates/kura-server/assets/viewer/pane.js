// One pane: a stack of frames, which of them is shown and how, and what lies over it.
// Tells by events: `shown` (another frame), `viewed` (zoom, place), `windowed`, `marked`.

import { along, aspect, letters, opposite, scale } from './geometry.js';
import { drawn, lines, said } from './marks.js';
import { SlideView } from './slide.js';
import { View } from './view.js';
import { paint, presets } from './windowing.js';

const corner = (name) => {
  const made = document.createElement('p');
  made.className = `corner ${name}`;
  made.setAttribute('aria-hidden', 'true');
  return made;
};

// 1, 2 or 5 of a power of ten, at most `most`.
function handy(most) {
  const power = 10 ** Math.floor(Math.log10(most));
  return [5, 2, 1].find((one) => one * power <= most) * power;
}

export class Pane extends EventTarget {
  constructor(box, frames, words, overlay) {
    super();
    Object.assign(this, { box, frames, words });
    this.canvas = box.querySelector('canvas');
    this.context = this.canvas.getContext('2d');
    this.status = box.querySelector('.status');
    this.readout = box.querySelector('.readout');
    this.view = new View();
    this.bitmap = document.createElement('canvas');
    this.stack = null;
    this.index = 0;
    this.frame = null;
    this.window = null;
    // Of the file's tables, instead of the window; -1 for none.
    this.lut = -1;
    this.chosen = false;
    this.inverted = false;
    this.overlays = true;
    this.turn = 0;
    this.direction = 1;
    this.marks = new Map();
    this.selected = -1;
    this.segments = null;
    this.marked = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
    this.marked.setAttribute('class', 'marks');
    this.canvas.after(this.marked);
    this.corners = {};
    if (overlay) {
      for (const name of ['what', 'where', 'how', 'west', 'east', 'north', 'south', 'bar']) {
        this.corners[name] = corner(name);
        box.append(this.corners[name]);
      }
    }
    new ResizeObserver(() => this.resize()).observe(this.canvas);
  }

  tell(name, by) {
    this.dispatchEvent(new CustomEvent(name, { detail: by }));
  }

  current() {
    return this.stack?.frames[this.index] ?? null;
  }

  size() {
    if (this.slide) return this.slide.size;
    const { frame } = this;
    return frame && { columns: frame.columns, rows: frame.rows, aspect: aspect(this.current()) };
  }

  matrix() {
    return this.view.matrix(this.canvas, this.size());
  }

  // Device pixels of a CSS pixel.
  ratio() {
    return this.canvas.width / (this.canvas.getBoundingClientRect().width || 1);
  }

  // Image coordinates of a place on the screen, in CSS pixels of the canvas.
  at(x, y) {
    const point = new DOMPoint(x * this.ratio(), y * this.ratio()).matrixTransform(this.matrix().inverse());
    return [point.x, point.y];
  }

  async open(stack, index = 0) {
    this.stack = stack;
    this.slide = stack.slide ? new SlideView(this, stack.slide) : null;
    this.chosen = false;
    this.window = null;
    this.lut = -1;
    this.inverted = false;
    this.selected = -1;
    this.view.reset();
    if (this.slide) this.slide.open();
    else await this.show(index);
    this.tell('opened');
  }

  // `by` is who asked: a link does not answer what it did itself.
  async show(index, by = 'person') {
    const { frames } = this.stack;
    if (this.slide || frames.length === 0) return;
    const wanted = Math.max(0, Math.min(index, frames.length - 1));
    if (wanted !== this.index) {
      this.direction = Math.sign(wanted - this.index);
      this.selected = -1;
    }
    this.index = wanted;
    this.turn += 1;
    const { turn } = this;
    this.tell('moving', by);
    const slow = setTimeout(() => { this.status.textContent = this.words.loading; }, 200);
    try {
      const frame = await this.frames.load(this.current());
      if (turn !== this.turn) return;
      this.frame = frame;
      this.status.textContent = '';
      if (frame.kind === 'gray16') {
        this.presets = presets(frame, this.stack.modality === 'CT' || this.stack.ct, this.words.presets);
        if (!this.chosen) this.usual();
      } else {
        this.presets = [];
      }
      this.paint();
      this.canvas.dataset.shown = `${this.stack.at}/${this.index + 1}`;
      this.tell('shown', by);
    } catch (error) {
      if (turn !== this.turn) return;
      this.frame = null;
      this.context.clearRect(0, 0, this.canvas.width, this.canvas.height);
      this.marked.replaceChildren();
      this.status.textContent = `${this.words.failed}: ${error.message}`;
    } finally {
      clearTimeout(slow);
    }
    // Those around come while the eye is on this one, more of them the way it goes.
    if (turn === this.turn) {
      const steps = [1, 2, -1, 3, 4, -2, 5, 6, 7, 8];
      this.frames.prefetch(steps.map((step) => frames[this.index + step * this.direction]).filter(Boolean));
    }
  }

  paint() {
    if (!this.frame) return;
    paint(this.frame, this, this.bitmap);
    this.draw();
  }

  // As the object says: its first table, else its first window.
  usual() {
    this.chosen = false;
    if (this.frame?.kind !== 'gray16') return;
    this.window = this.frame.windows[0].slice(0, 2);
    this.lut = this.frame.luts.length > 0 ? 0 : -1;
  }

  setLut(lut, by = 'person') {
    if (!this.frame?.luts?.[lut]) return;
    this.lut = lut;
    this.chosen = true;
    this.paint();
    this.tell('windowed', by);
  }

  setOverlays(on) {
    this.overlays = on;
    this.paint();
  }

  // The name of the table, or the window in words.
  look(words) {
    const table = this.frame?.luts?.[this.lut];
    if (table) return table.name || this.words.presets.table;
    const unit = this.frame?.unit ? ` ${this.frame.unit}` : '';
    return `${words(...this.window.map(Math.round))}${unit}`;
  }

  setWindow(center, width, by = 'person') {
    if (this.frame?.kind !== 'gray16') return;
    this.window = [center, Math.max(width, 1e-6)];
    this.lut = -1;
    this.chosen = true;
    this.paint();
    this.tell('windowed', by);
  }

  setInverted(on, by = 'person') {
    this.inverted = on;
    if (this.slide) this.draw();
    else this.paint();
    this.tell('windowed', by);
  }

  // Changes how the image lies, and draws it so.
  change(how, by = 'person') {
    if (!this.size()) return;
    how(this.view);
    this.draw();
    this.tell('viewed', by);
  }

  zoom(factor, x, y) {
    this.change((view) => view.zoomAt(factor, this.canvas, this.size(), x, y));
  }

  resize() {
    const ratio = globalThis.devicePixelRatio || 1;
    const box = this.canvas.getBoundingClientRect();
    if (!box.width) return;
    this.canvas.width = Math.max(1, Math.round(box.width * ratio));
    this.canvas.height = Math.max(1, Math.round(box.height * ratio));
    this.draw();
  }

  draw() {
    const { context, canvas } = this;
    const size = this.size();
    if (!size) return;
    const matrix = this.matrix();
    context.resetTransform();
    context.fillStyle = '#000';
    context.fillRect(0, 0, canvas.width, canvas.height);
    context.setTransform(matrix);
    const zoom = Math.hypot(matrix.a, matrix.b);
    // Single pixels are shown as such once they are large enough to be seen.
    context.imageSmoothingEnabled = zoom < 4;
    context.imageSmoothingQuality = 'high';
    if (this.slide) this.slide.draw(context, matrix, zoom);
    else context.drawImage(this.bitmap, 0, 0);
    this.segments?.draw(this, context);
    // How the image lies, for whoever asks the page.
    canvas.dataset.matrix = [matrix.a, matrix.b, matrix.c, matrix.d, matrix.e, matrix.f].join();
    this.drawMarks();
    this.drawCorners(matrix);
  }

  key() {
    const one = this.current();
    return this.slide ? this.stack.series : one && `${one.object}/${one.number}`;
  }

  list() {
    return this.marks.get(this.key()) ?? [];
  }

  add(mark) {
    const list = this.list();
    this.marks.set(this.key(), [...list, mark]);
    this.selected = list.length;
    return mark;
  }

  remove(index) {
    const list = this.list();
    if (!list[index]) return;
    this.marks.set(this.key(), list.filter((_, at) => at !== index));
    this.selected = -1;
    this.drawMarks();
  }

  item() {
    return this.slide ? this.slide.item : this.current();
  }

  said(mark) {
    return lines(mark, this.item(), this.slide ? null : this.frame, this.words.marks);
  }

  drawMarks() {
    if (!this.size()) return;
    const [matrix, ratio] = [this.matrix(), this.ratio()];
    const place = ([x, y]) => {
      const point = new DOMPoint(x, y).matrixTransform(matrix);
      return [point.x / ratio, point.y / ratio];
    };
    this.marked.replaceChildren(...this.list().map((mark, index) =>
      drawn(mark, index, index === this.selected, place, this.said(mark))));
    this.tell('marked');
  }

  drawCorners(matrix) {
    const { corners, words, stack } = this;
    const item = this.item();
    if (!corners.what || !item) return;
    const slice = this.slide ? null : along(item);
    corners.what.textContent = [
      [stack.number, stack.description || stack.modality].filter((one) => one !== null).join(' · '),
      this.slide ? '' : `${this.index + 1} / ${stack.frames.length}${item.info.number === null ? '' : ` · ${words.number} ${item.info.number}`}`,
    ].filter(Boolean).join('\n');
    corners.where.textContent = slice === null ? '' : `${slice.toFixed(1)} mm${item.place.thickness ? ` · ${words.thick} ${Number(item.place.thickness.toFixed(2))} mm` : ''}`;
    corners.how.textContent = this.window && this.frame?.kind === 'gray16'
      ? this.look((center, width) => `C ${center} · W ${width}`) : '';
    this.letter(matrix, item);
    this.bar(matrix, item);
  }

  // Which way of the patient the edges are.
  letter(matrix, item) {
    const { corners } = this;
    const orientation = item.place?.orientation;
    const inverse = matrix.inverse();
    const toward = (dx, dy) => {
      if (!orientation) return '';
      const [x, y] = [(inverse.a * dx + inverse.c * dy), (inverse.b * dx + inverse.d * dy)];
      const mm = item.place.spacing ?? [1, 1];
      return letters([0, 1, 2].map((axis) => orientation[axis] * x * mm[1] + orientation[axis + 3] * y * mm[0]));
    };
    const [right, bottom] = [toward(1, 0), toward(0, 1)];
    corners.east.textContent = right;
    corners.west.textContent = opposite(right);
    corners.south.textContent = bottom;
    corners.north.textContent = opposite(bottom);
  }

  // mm on the screen, as a line of a handy length.
  bar(matrix, item) {
    const bar = this.corners.bar;
    const mm = scale(item);
    bar.replaceChildren();
    if (!mm) return;
    const inverse = matrix.inverse();
    const pixel = Math.hypot(inverse.a * mm.across, inverse.b * mm.down) * this.ratio();
    const width = this.canvas.getBoundingClientRect().width;
    const length = handy(pixel * width * 0.3);
    const line = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
    const across = length / pixel;
    line.setAttribute('width', across + 2);
    line.setAttribute('height', 8);
    const path = document.createElementNS('http://www.w3.org/2000/svg', 'path');
    path.setAttribute('d', `M1 1V7H${across + 1}V1`);
    line.append(path);
    const text = document.createElement('span');
    text.textContent = length >= 1 ? `${length} mm` : `${Number((length * 1000).toPrecision(3))} µm`;
    bar.append(line, text);
  }

  // The value under the pointer.
  point(x, y) {
    const size = this.size();
    if (!size || !this.readout) return;
    const [column, row] = this.at(x, y).map(Math.floor);
    const inside = column >= 0 && row >= 0 && column < size.columns && row < size.rows;
    this.readout.textContent = !inside || this.slide || !this.frame ? ''
      : `x ${column} y ${row}: ${said(this.frame, column, row)}`;
  }
}
