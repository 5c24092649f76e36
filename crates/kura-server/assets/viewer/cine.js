// Frames one after the other, as fast as they come, at most as fast as asked for.

export class Cine {
  constructor(told) {
    this.told = told;
    this.pane = null;
    this.rate = 10;
  }

  get playing() {
    return this.pane !== null;
  }

  start(pane) {
    if (pane.slide || pane.stack.frames.length < 2) return;
    this.pane = pane;
    this.told();
    this.step();
  }

  stop() {
    this.pane = null;
    clearTimeout(this.timer);
    this.told();
  }

  async step() {
    const { pane } = this;
    if (!pane) return;
    const began = performance.now();
    await pane.show((pane.index + 1) % pane.stack.frames.length);
    if (this.pane !== pane) return;
    const left = 1000 / this.rate - (performance.now() - began);
    this.timer = setTimeout(() => this.step(), Math.max(0, left));
  }
}
