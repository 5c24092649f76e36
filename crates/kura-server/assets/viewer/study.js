// The viewer of a study: series, tools, a second pane, cine, segmentations, the volume.

import { Cine } from './cine.js';
import { Controls } from './controls.js';
import { Frames } from './frames.js';
import { stack } from './geometry.js';
import { Hands } from './input.js';
import { keys } from './keys.js';
import { Link } from './link.js';
import { Pane } from './pane.js';
import { Segments } from './segments.js';
import * as volume from './volume.js';

const element = (id) => document.getElementById(id);

class Study {
  constructor(root, words) {
    Object.assign(this, { root, words });
    this.id = root.dataset.study;
    this.frames = new Frames('/images/frame');
    this.segments = new Segments(this.frames);
    this.panes = [...root.querySelectorAll('.stage[data-pane]')].map((box) => this.made(box));
    [this.pane] = this.panes;
    this.tools = { tool: matchMedia('(pointer: coarse)').matches ? 'scroll' : 'window' };
    this.controls = new Controls(root);
    this.link = new Link(...this.panes);
    this.cine = new Cine(() => this.cineShown());
    this.series = new Map();
    for (const pane of this.panes) {
      this.controls.watch(pane);
      new Hands(pane, this.tools, (used) => this.use(used));
      pane.addEventListener('marked', () => { if (pane === this.pane) this.listMarks(); });
      for (const name of ['shown', 'opened']) pane.addEventListener(name, () => this.drawnOver());
    }
    this.wire();
  }

  made(box) {
    const pane = new Pane(box, this.frames, this.words, true);
    pane.segments = this.segments;
    return pane;
  }

  // What a click on an element does, by its data-act.
  wire() {
    const { root } = this;
    root.addEventListener('click', (event) => {
      const button = event.target.closest('button');
      if (!button || button.disabled) return;
      if (button.dataset.tool) this.choose(button.dataset.tool);
      else if (button.dataset.act) this.act(button.dataset.act);
      else if (button.dataset.series !== undefined) this.open(this.pane, this.id, button.dataset.series, Number(button.dataset.at));
      else if (button.dataset.forget !== undefined) this.pane.remove(Number(button.dataset.forget));
    });
    root.querySelectorAll('[data-link]').forEach((box) => {
      this.link.on[box.dataset.link] = box.checked;
      box.addEventListener('change', () => {
        this.link.on[box.dataset.link] = box.checked;
        this.link.align();
      });
    });
    root.querySelectorAll('[data-segmentation]').forEach((box) => {
      box.addEventListener('change', () => this.segmentation(box));
    });
    element('rate').addEventListener('input', (event) => this.rate(Number(event.target.value)));
    element('other-study').addEventListener('change', (event) => this.other(event.target.value));
    element('other-series').addEventListener('change', (event) => {
      const [study, series] = event.target.value.split(' ');
      this.open(this.panes[1], study, series, Number(event.target.selectedIndex));
    });
    document.addEventListener('keydown', (event) => keys(event, this));
    this.choose(this.tools.tool);
    this.rate(this.cine.rate);
  }

  // The series of a study, as the bank describes it.
  async described(study, series, at) {
    const key = `${study}/${series}`;
    if (!this.series.has(key)) {
      const response = await fetch(`/images/series/${study}/${series}`);
      if (response.redirected) location.assign('/sign-in');
      if (!response.ok) throw new Error(await response.text());
      this.series.set(key, { ...stack(await response.json(), at), study });
    }
    return this.series.get(key);
  }

  async open(pane, study, series, at = 0) {
    this.cine.stop();
    try {
      const found = await this.described(study, series, at);
      await pane.open(found);
      this.opened(pane);
    } catch (error) {
      pane.status.textContent = `${this.words.failed}: ${error.message}`;
    }
  }

  opened(pane) {
    if (pane === this.pane) this.use(pane);
    const { stack: one } = pane;
    if (one.rate) this.rate(Math.max(1, Math.min(60, Math.round(one.rate))));
  }

  use(pane) {
    this.pane = pane;
    this.panes.forEach((one) => one.box.classList.toggle('used', one === pane && !this.panes[1].box.hidden));
    this.controls.use(pane);
    const { stack: one } = pane;
    if (!one) return;
    this.root.querySelectorAll('button[data-series]').forEach((button) => {
      if (button.dataset.series === one.series && one.study === this.id) button.setAttribute('aria-current', 'true');
      else button.removeAttribute('aria-current');
    });
    element('cine').hidden = Boolean(pane.slide) || one.frames.length < 2;
    this.listMarks();
  }

  choose(tool) {
    this.tools.tool = tool;
    this.root.dataset.tool = tool;
    this.root.querySelectorAll('[data-tool]').forEach((button) => {
      button.setAttribute('aria-pressed', String(button.dataset.tool === tool));
    });
  }

  act(name) {
    const { pane } = this;
    const size = () => pane.size();
    const acts = {
      'flip-across': () => pane.change((view) => view.flip(0)),
      'flip-down': () => pane.change((view) => view.flip(1)),
      rotate: () => pane.change((view) => view.rotate()),
      invert: () => pane.setInverted(!pane.inverted),
      actual: () => pane.change((view) => view.actual(pane.canvas, size())),
      reset: () => this.reset(),
      text: () => this.root.classList.toggle('plain'),
      overlays: () => pane.setOverlays(!pane.overlays),
      delete: () => this.forget(),
      clear: () => this.clear(),
      play: () => (this.cine.playing ? this.cine.stop() : this.cine.start(pane)),
      compare: () => this.compare(),
      volume: () => this.volume(),
      'volume-close': () => this.closeVolume(),
      help: () => element('viewer-help').showModal(),
      'help-close': () => element('viewer-help').close(),
    };
    acts[name]?.();
  }

  reset() {
    const { pane } = this;
    pane.inverted = false;
    pane.usual();
    pane.change((view) => view.reset());
    if (!pane.slide) pane.paint();
    pane.tell('windowed', 'person');
  }

  // The tool for overlays is there where there are some.
  drawnOver() {
    this.root.querySelector('[data-act=overlays]').hidden = !this.panes.some((pane) => pane.frame?.overlays.length);
  }

  forget() {
    const { pane } = this;
    pane.remove(pane.selected >= 0 ? pane.selected : pane.list().length - 1);
  }

  clear() {
    this.pane.marks.delete(this.pane.key());
    this.pane.drawMarks();
  }

  // What was measured on the image that is shown.
  listMarks() {
    const list = element('mark-list');
    const { pane } = this;
    const marks = pane.size() ? pane.list() : [];
    element('measured').hidden = marks.length === 0;
    list.replaceChildren(...marks.map((mark, index) => {
      const one = document.createElement('li');
      const text = document.createElement('span');
      text.textContent = [this.words.kinds[mark.kind], ...pane.said(mark)].join('\n');
      const button = document.createElement('button');
      Object.assign(button, { type: 'button', className: 'quiet', textContent: '×' });
      button.dataset.forget = index;
      button.setAttribute('aria-label', this.words.forget);
      one.append(text, button);
      return one;
    }));
  }

  rate(frames) {
    this.cine.rate = frames;
    element('rate').value = frames;
    element('rate-number').textContent = `${frames} ${this.words.rate}`;
  }

  cineShown() {
    const button = element('cine').querySelector('button');
    button.setAttribute('aria-pressed', String(this.cine.playing));
    button.textContent = this.cine.playing ? this.words.stop : this.words.play;
  }

  async segmentation(box) {
    const object = box.dataset.segmentation;
    const legend = element(`segments-${box.dataset.at}`);
    if (!box.checked) this.segments.remove(object);
    else {
      try {
        const found = await this.segments.add(object);
        legend.replaceChildren(...found.segments.map((segment) => {
          const one = document.createElement('li');
          const swatch = document.createElement('canvas');
          Object.assign(swatch, { width: 10, height: 10 });
          const context = swatch.getContext('2d');
          context.fillStyle = `rgb(${this.segments.colour(found, segment.number).join(' ')})`;
          context.fillRect(0, 0, 10, 10);
          one.append(swatch, ` ${segment.label}`);
          return one;
        }));
        await this.reach(found);
      } catch (error) {
        this.pane.status.textContent = error.message;
      }
    }
    legend.hidden = !box.checked;
    this.panes.forEach((pane) => pane.draw());
  }

  // Goes where a segmentation is, unless it is seen already.
  async reach(found) {
    const { pane } = this;
    if (found.series.length && !found.series.includes(pane.stack.series)) {
      const button = [...this.root.querySelectorAll('button[data-series]')]
        .find((one) => found.series.includes(one.dataset.series));
      if (button) await this.open(pane, this.id, button.dataset.series, Number(button.dataset.at));
    }
    if (pane.slide || this.segments.over(found, pane.current()).length) return;
    const index = pane.stack.frames.findIndex((item) => this.segments.over(found, item).length);
    if (index >= 0) await pane.show(index);
  }

  // A second pane with another series of this study, or another study of the patient.
  async compare() {
    const [first, second] = this.panes;
    const on = second.box.hidden;
    second.box.hidden = !on;
    element('comparing').hidden = !on;
    this.root.classList.toggle('two-panes', on);
    this.root.querySelector('[data-act=compare]').setAttribute('aria-pressed', String(on));
    this.link.active = false;
    if (!on) {
      this.use(first);
      return;
    }
    second.resize();
    if (second.stack) second.draw();
    else await this.other(element('other-study').value);
    this.link.begin();
    this.use(first);
    this.linked();
  }

  // Fills the list of series of a study, and shows the first that is not shown yet.
  async other(study) {
    const response = await fetch(`/images/strip/${study}`);
    if (!response.ok) return;
    const found = (await response.json()).filter((one) => one.frames > 0);
    const select = element('other-series');
    select.replaceChildren(...found.map((one) =>
      new Option(`${one.modality} ${one.description ?? ''} (${one.frames})`, `${study} ${one.series}`)));
    if (found.length === 0) return;
    const index = Math.max(0, found.findIndex((one) => one.series !== this.panes[0].stack?.series));
    select.selectedIndex = index;
    await this.open(this.panes[1], study, found[index].series, index);
    this.linked();
  }

  linked() {
    element('linked-by').textContent = this.link.byPlace() ? this.words.byPlace : this.words.byNumber;
  }

  async volume() {
    this.cine.stop();
    const box = element('volume');
    this.root.classList.add('in-volume');
    box.scrollIntoView({ block: 'nearest' });
    await volume.open(box, this.pane.stack.study, this.pane, this.words.volume);
  }

  closeVolume() {
    element('volume').hidden = true;
    this.root.classList.remove('in-volume');
    this.pane.canvas.focus();
  }

  neighbour(step) {
    const buttons = [...this.root.querySelectorAll('button[data-series]')];
    const here = buttons.findIndex((one) => one.getAttribute('aria-current'));
    buttons[here + step]?.click();
    buttons[here + step]?.scrollIntoView({ block: 'nearest', inline: 'nearest' });
  }
}

export function begin(root, words) {
  const study = new Study(root, words);
  const first = root.querySelector('button[data-series]');
  study.open(study.panes[0], study.id, first.dataset.series, Number(first.dataset.at));
}
