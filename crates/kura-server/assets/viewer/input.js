// What hands do on a pane: pointer, wheel, fingers.

import { POINTS } from './marks.js';

// A drag over the pane is about one width of the window.
const WINDOW_STEP = 1 / 300;

export class Hands {
  // `tools` says which tool is chosen; `focus` is told which pane is used.
  constructor(pane, tools, focus) {
    Object.assign(this, { pane, tools, focus });
    this.fingers = new Map();
    this.drag = null;
    const { canvas, marked } = pane;
    for (const place of [canvas, marked]) {
      place.addEventListener('pointerdown', (event) => this.down(event));
      place.addEventListener('pointermove', (event) => this.move(event));
      place.addEventListener('pointerup', (event) => this.up(event));
      place.addEventListener('pointercancel', (event) => this.up(event));
      place.addEventListener('wheel', (event) => this.wheel(event), { passive: false });
    }
    canvas.addEventListener('pointerleave', () => { if (pane.readout) pane.readout.textContent = ''; });
    canvas.addEventListener('contextmenu', (event) => event.preventDefault());
  }

  place(event) {
    const box = this.pane.canvas.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  }

  device(event) {
    return this.place(event).map((one) => one * this.pane.ratio());
  }

  down(event) {
    const { pane } = this;
    if (!pane.size()) return;
    this.focus(pane);
    event.currentTarget.setPointerCapture(event.pointerId);
    this.fingers.set(event.pointerId, this.device(event));
    if (this.fingers.size === 2) {
      this.abandon();
      this.drag = { tool: 'pinch', last: [...this.fingers.values()] };
      return;
    }
    if (this.fingers.size > 2) return;
    // Middle button or Shift: move; right button: zoom.
    const tool = event.button === 1 || event.shiftKey ? 'pan' : event.button === 2 ? 'zoom' : this.tools.tool;
    // An angle that waits for its end takes the next press, whatever lies there.
    const open = pane.list().some((mark) => mark.open);
    const grabbed = open ? null : event.target.closest?.('[data-mark]');
    this.drag = {
      tool, from: this.device(event), last: this.device(event), window: pane.window,
      view: [pane.view.x, pane.view.y], index: pane.index, moved: false, extent: this.place(event),
    };
    if (grabbed && event.button === 0) this.grab(grabbed, event);
    else if (POINTS[tool]) this.begin(tool, event);
    else {
      pane.selected = -1;
      pane.drawMarks();
    }
    event.preventDefault();
    pane.canvas.focus({ preventScroll: true });
  }

  // A mark that is there already: one of its points, or all of it.
  grab(element, event) {
    const { pane } = this;
    const index = Number(element.dataset.mark);
    const point = event.target.dataset?.point;
    pane.selected = index;
    Object.assign(this.drag, {
      tool: 'grab', mark: pane.list()[index], point: point === undefined ? null : Number(point),
      points: pane.list()[index].points.map((one) => [...one]), start: pane.at(...this.place(event)),
    });
    pane.drawMarks();
  }

  begin(kind, event) {
    const { pane } = this;
    const at = pane.at(...this.place(event));
    const open = pane.list().find((mark) => mark.open);
    // The third point of an angle is set by a click of its own.
    if (open) {
      open.points[open.points.length - 1] = at;
      Object.assign(this.drag, { mark: open, closing: true });
      return;
    }
    const points = POINTS[kind] === 1 ? [at] : [at, [...at]];
    this.drag.mark = pane.add({ kind, points });
    pane.drawMarks();
  }

  move(event) {
    const { pane, drag } = this;
    if (this.fingers.has(event.pointerId)) this.fingers.set(event.pointerId, this.device(event));
    if (!drag) {
      const open = pane.list().find((mark) => mark.open);
      if (open) {
        open.points[open.points.length - 1] = pane.at(...this.place(event));
        pane.drawMarks();
      }
      pane.point(...this.place(event));
      return;
    }
    if (drag.tool === 'pinch') {
      this.pinch();
      return;
    }
    const [x, y] = this.device(event);
    const [dx, dy] = [x - drag.from[0], y - drag.from[1]];
    if (Math.hypot(dx, dy) > 3 * pane.ratio()) drag.moved = true;
    const act = {
      window: () => {
        if (!drag.window) return this.pan(drag, dx, dy);
        // Across: width; up and down: centre.
        const step = (drag.window[1] * WINDOW_STEP) / pane.ratio();
        return pane.setWindow(drag.window[0] + dy * step, Math.max(drag.window[1] + dx * step * 2, drag.window[1] / 1000));
      },
      pan: () => this.pan(drag, dx, dy),
      zoom: () => {
        pane.zoom(1.01 ** ((drag.last[1] - y) / pane.ratio()), ...drag.from);
        drag.last = [x, y];
      },
      scroll: () => {
        const height = pane.canvas.height / Math.max(12, Math.min(60, pane.stack.frames.length));
        const wanted = drag.index + Math.round(dy / height);
        if (wanted !== pane.index) pane.show(wanted);
      },
      grab: () => this.shift(event),
    }[drag.tool];
    if (act) act();
    else if (drag.mark) {
      drag.mark.points[drag.mark.points.length - 1] = pane.at(...this.place(event));
      pane.drawMarks();
    }
  }

  pan(drag, dx, dy) {
    this.pane.change((view) => {
      view.x = drag.view[0] + dx;
      view.y = drag.view[1] + dy;
    });
  }

  shift(event) {
    const { drag, pane } = this;
    const [x, y] = pane.at(...this.place(event));
    const [dx, dy] = [x - drag.start[0], y - drag.start[1]];
    drag.mark.points = drag.points.map(([px, py], index) =>
      (drag.point === null || drag.point === index ? [px + dx, py + dy] : [px, py]));
    pane.drawMarks();
  }

  pinch() {
    const { pane, drag } = this;
    const now = [...this.fingers.values()];
    if (now.length < 2) return;
    const apart = ([a, b]) => Math.hypot(a[0] - b[0], a[1] - b[1]) || 1;
    const middle = ([a, b]) => [(a[0] + b[0]) / 2, (a[1] + b[1]) / 2];
    const [before, after] = [middle(drag.last), middle(now)];
    pane.change((view) => {
      view.zoomAt(apart(now) / apart(drag.last), pane.canvas, pane.size(), ...after);
      view.x += after[0] - before[0];
      view.y += after[1] - before[1];
    });
    drag.last = now;
  }

  up(event) {
    const { pane, drag } = this;
    this.fingers.delete(event.pointerId);
    if (!drag) return;
    this.drag = null;
    const { mark } = drag;
    if (!mark || drag.tool === 'grab') return;
    if (drag.closing) delete mark.open;
    else if (mark.kind === 'angle') {
      if (!drag.moved) return this.drop(mark);
      mark.points.push([...mark.points.at(-1)]);
      mark.open = true;
    } else if (POINTS[mark.kind] > 1 && !drag.moved) return this.drop(mark);
    return pane.drawMarks();
  }

  // A click that became no mark.
  drop(mark) {
    this.pane.remove(this.pane.list().indexOf(mark));
  }

  abandon() {
    const { mark, tool } = this.drag ?? {};
    if (mark && tool !== 'grab') this.drop(mark);
    this.drag = null;
  }

  wheel(event) {
    const { pane } = this;
    if (!pane.size()) return;
    event.preventDefault();
    this.focus(pane);
    const step = Math.sign(event.deltaY);
    if (event.ctrlKey || pane.slide || pane.stack.frames.length === 1) {
      pane.zoom(step > 0 ? 1 / 1.2 : 1.2, ...this.device(event));
    } else if (step) {
      pane.show(pane.index + step);
    }
  }
}
