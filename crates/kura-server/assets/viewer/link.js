// Two panes side by side: what one does, the other follows.

import { nearest, together } from './geometry.js';

export class Link {
  constructor(a, b) {
    this.panes = [a, b];
    this.on = { scroll: true, view: true, window: false };
    this.active = false;
    this.apart = 0;
    for (const [from, to] of [[a, b], [b, a]]) {
      const follow = (name, what) => from.addEventListener(name, ({ detail }) => {
        if (this.active && detail === 'person' && from.size() && to.size()) what(from, to);
      });
      follow('shown', (...pair) => this.scrolled(...pair));
      follow('viewed', (...pair) => this.viewed(...pair));
      follow('windowed', (...pair) => this.windowed(...pair));
      from.addEventListener('opened', () => this.align());
    }
  }

  // By place in the patient where both are in one frame of reference, else by number.
  byPlace() {
    return this.panes.every((pane) => pane.stack) && together(...this.panes);
  }

  begin() {
    this.active = true;
    this.align();
  }

  // From here on the slices that are shown now belong together; where places are known, the second
  // goes to the first.
  align() {
    const [a, b] = this.panes;
    if (!this.active || !a.size() || !b.size()) return;
    if (this.byPlace() && this.on.scroll) b.show(nearest(b.stack, a.current()), 'link');
    this.apart = b.index - a.index;
    if (this.on.view) this.viewed(a, b);
  }

  scrolled(from, to) {
    if (!this.on.scroll || from.slide || to.slide) return;
    const apart = from === this.panes[0] ? this.apart : -this.apart;
    const index = this.byPlace() ? nearest(to.stack, from.current()) : from.index + apart;
    if (index !== to.index) to.show(index, 'link');
  }

  viewed(from, to) {
    if (!this.on.view) return;
    to.change((view) => view.copy(from.view), 'link');
  }

  windowed(from, to) {
    if (!this.on.window || !from.window || !to.window) return;
    if (from.lut >= 0) to.setLut(from.lut, 'link');
    else to.setWindow(...from.window, 'link');
    if (to.inverted !== from.inverted) to.setInverted(from.inverted, 'link');
  }
}
