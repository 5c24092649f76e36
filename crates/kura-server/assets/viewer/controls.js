// The controls beside the panes, which work on the pane that is in use.

const element = (id) => document.getElementById(id);

export class Controls {
  constructor(root) {
    this.root = root;
    this.pane = null;
    this.slider = element('frame');
    this.preset = element('preset');
    this.invert = element('invert');
    this.slider.addEventListener('input', () => this.pane.show(Number(this.slider.value) - 1));
    this.preset.addEventListener('change', () => this.choose(this.preset.selectedIndex));
    this.invert.addEventListener('change', () => this.pane.setInverted(this.invert.checked));
    element('zoom-in').addEventListener('click', () => this.pane.zoom(1.25));
    element('zoom-out').addEventListener('click', () => this.pane.zoom(1 / 1.25));
    element('fit').addEventListener('click', () => this.pane.change((view) => view.fit()));
  }

  // Listens to a pane; what it tells counts while it is the one in use.
  watch(pane) {
    const mine = (what) => () => { if (pane === this.pane) what(); };
    pane.addEventListener('moving', mine(() => this.where()));
    pane.addEventListener('shown', mine(() => this.filled()));
    pane.addEventListener('windowed', mine(() => this.windowed()));
    pane.addEventListener('opened', mine(() => this.use(pane)));
  }

  use(pane) {
    this.pane = pane;
    if (!pane.stack) return;
    this.where();
    this.filled();
    this.windowed();
  }

  where() {
    const { pane } = this;
    const count = pane.slide ? 1 : pane.stack.frames.length;
    this.slider.max = count;
    this.slider.value = pane.index + 1;
    this.slider.disabled = count < 2;
    element('frame-number').textContent = `${pane.index + 1} / ${count}`;
  }

  filled() {
    const { pane } = this;
    const gray = pane.frame?.kind === 'gray16';
    this.root.querySelector('.gray-only').hidden = !gray;
    if (!gray) return;
    const names = pane.presets.map(({ name }) => name);
    if (names.join() !== [...this.preset.options].map((one) => one.text).join()) {
      this.preset.replaceChildren(...names.map((name) => new Option(name)));
    }
    this.windowed();
  }

  windowed() {
    const { pane } = this;
    this.invert.checked = pane.inverted;
    if (!pane.window || !pane.presets) return;
    const [center, width] = pane.window;
    element('window').textContent = pane.look((one, other) => `${one} / ${other}`);
    this.preset.selectedIndex = pane.presets.findIndex(({ window, lut }) => (pane.frame?.luts?.[pane.lut]
      ? lut === pane.lut : window?.[0] === center && window[1] === width));
  }

  choose(index) {
    const preset = this.pane.presets?.[index];
    if (preset?.window) this.pane.setWindow(...preset.window);
    else if (preset) this.pane.setLut(preset.lut);
  }
}
