// The image viewer: fetches frames as 16-bit words, windows them here, draws them on a canvas.

const viewer = document.getElementById('viewer');
const canvas = document.getElementById('canvas');
const context = canvas.getContext('2d');
const element = (id) => document.getElementById(id);
const [slider, preset, invert] = [element('frame'), element('preset'), element('invert')];
const status = element('status');

// PS3.3 C.11.2.1.2; the CT windows are the usual ones of the textbooks, in Hounsfield units.
const CT = { soft: [40, 400], lung: [-600, 1500], bone: [400, 1800], brain: [40, 80] };
const KEPT = 64;

const series = JSON.parse(viewer.dataset.series).map((objects) =>
  objects.flatMap(({ object, frames }) =>
    Array.from({ length: frames }, (_, index) => ({ object, number: index + 1 }))),
);
const cache = new Map();
const state = {
  series: 0, index: 0, frame: null, window: null, chosen: false,
  zoom: 1, x: 0, y: 0, bitmap: document.createElement('canvas'), turn: 0,
};

async function load({ object, number }) {
  const url = `${viewer.dataset.frames ?? '/images/frame'}/${object}/${number}`;
  if (cache.has(url)) return cache.get(url);
  const response = await fetch(url);
  if (response.redirected) location.assign('/sign-in');
  if (!response.ok) throw new Error(await response.text());
  const bytes = await response.arrayBuffer();
  const end = new Uint8Array(bytes).indexOf(10);
  const head = JSON.parse(new TextDecoder().decode(bytes.slice(0, end)));
  const size = head.rows * head.columns;
  head.pixels = head.kind === 'gray16'
    ? new Uint16Array(bytes, end + 1, size)
    : new Uint8Array(bytes, end + 1, size * 3);
  if (cache.size >= KEPT) cache.delete(cache.keys().next().value);
  cache.set(url, head);
  return head;
}

function fullRange(frame) {
  let [low, high] = [Infinity, -Infinity];
  for (const word of frame.pixels) {
    if (word < low) low = word;
    if (word > high) high = word;
  }
  const [a, b] = [low * frame.slope + frame.intercept, high * frame.slope + frame.intercept];
  return [(a + b) / 2, Math.max(Math.abs(b - a), 1)];
}

function fillPresets(frame) {
  const old = preset.value;
  preset.replaceChildren();
  const add = (name, window) => {
    const option = document.createElement('option');
    option.textContent = name;
    option.value = window.join(',');
    preset.append(option);
  };
  frame.windows.forEach(([center, width, name]) => add(name || preset.dataset.file, [center, width]));
  add(preset.dataset.full, fullRange(frame));
  if (preset.dataset.ct) for (const name of Object.keys(CT)) add(preset.dataset[name], CT[name]);
  preset.value = old;
  if (preset.selectedIndex < 0 && !state.chosen) preset.selectedIndex = 0;
}

// The linear function of PS3.3 C.11.2.1.2.1, as a table of all words.
function table(frame) {
  const [center, width] = state.window;
  const out = new Uint8ClampedArray(65536);
  const flip = frame.invert !== invert.checked;
  for (let word = 0; word < 65536; word += 1) {
    const value = word * frame.slope + frame.intercept;
    const shade = width > 1
      ? ((value - (center - 0.5)) / (width - 1) + 0.5) * 255
      : value <= center - 0.5 ? 0 : 255;
    out[word] = flip ? 255 - Math.max(0, Math.min(255, shade)) : shade;
  }
  return out;
}

function paint() {
  const { frame, bitmap } = state;
  if (!frame) return;
  bitmap.width = frame.columns;
  bitmap.height = frame.rows;
  const image = new ImageData(frame.columns, frame.rows);
  const out = new Uint32Array(image.data.buffer);
  const { pixels } = frame;
  if (frame.kind === 'gray16') {
    const shades = table(frame);
    for (let at = 0; at < pixels.length; at += 1) {
      out[at] = 0xff000000 | (shades[pixels[at]] * 0x010101);
    }
    element('window').textContent =
      `${Math.round(state.window[0])} / ${Math.round(state.window[1])}${frame.unit ? ` ${frame.unit}` : ''}`;
  } else {
    for (let at = 0, from = 0; at < out.length; at += 1, from += 3) {
      out[at] = 0xff000000 | (pixels[from + 2] << 16) | (pixels[from + 1] << 8) | pixels[from];
    }
  }
  bitmap.getContext('2d').putImageData(image, 0, 0);
  draw();
}

function place() {
  const { frame } = state;
  const fit = Math.min(canvas.width / frame.columns, canvas.height / frame.rows);
  const scale = fit * state.zoom;
  return {
    scale,
    left: (canvas.width - frame.columns * scale) / 2 + state.x,
    top: (canvas.height - frame.rows * scale) / 2 + state.y,
  };
}

function draw() {
  if (!state.frame) return;
  const { scale, left, top } = place();
  context.fillStyle = '#000';
  context.fillRect(0, 0, canvas.width, canvas.height);
  // Single pixels are shown as such once they are large enough to be seen.
  context.imageSmoothingEnabled = scale < 4;
  context.imageSmoothingQuality = 'high';
  context.drawImage(state.bitmap, left, top, state.frame.columns * scale, state.frame.rows * scale);
}

async function show(index) {
  const frames = series[state.series];
  state.index = Math.max(0, Math.min(index, frames.length - 1));
  slider.max = frames.length;
  slider.value = state.index + 1;
  element('frame-number').textContent = `${state.index + 1} / ${frames.length}`;
  state.turn += 1;
  const turn = state.turn;
  const slow = setTimeout(() => { status.textContent = viewer.dataset.loading; }, 200);
  try {
    const frame = await load(frames[state.index]);
    if (turn !== state.turn) return;
    state.frame = frame;
    status.textContent = '';
    const gray = frame.kind === 'gray16';
    viewer.querySelector('.gray-only').hidden = !gray;
    if (gray) {
      fillPresets(frame);
      if (!state.chosen) state.window = frame.windows[0].slice(0, 2);
    }
    paint();
    canvas.dataset.shown = `${state.series}/${state.index + 1}`;
  } catch (error) {
    if (turn !== state.turn) return;
    state.frame = null;
    context.clearRect(0, 0, canvas.width, canvas.height);
    status.textContent = `${viewer.dataset.failed}: ${error.message}`;
  } finally {
    clearTimeout(slow);
  }
  // The neighbours come while the eye is on this one.
  for (const next of [state.index + 1, state.index - 1]) {
    if (turn === state.turn && frames[next]) load(frames[next]).catch(() => {});
  }
}

function chooseSeries(number) {
  state.series = number;
  state.chosen = false;
  state.window = null;
  invert.checked = false;
  fit();
  viewer.querySelectorAll('[data-go]').forEach((button) => {
    if (Number(button.dataset.go) === number) button.setAttribute('aria-current', 'true');
    else button.removeAttribute('aria-current');
  });
  show(0);
}

function setWindow(center, width) {
  state.window = [center, Math.max(1, width)];
  state.chosen = true;
  paint();
}

function zoom(factor) {
  state.zoom = Math.max(0.5, Math.min(16, state.zoom * factor));
  if (state.zoom <= 1) state.x = state.y = 0;
  draw();
}

function fit() {
  state.zoom = 1;
  state.x = state.y = 0;
  draw();
}

function resize() {
  const ratio = window.devicePixelRatio || 1;
  const box = canvas.getBoundingClientRect();
  canvas.width = Math.max(1, Math.round(box.width * ratio));
  canvas.height = Math.max(1, Math.round(box.height * ratio));
  draw();
}

function read(event) {
  const { frame } = state;
  if (!frame) return;
  const ratio = canvas.width / canvas.getBoundingClientRect().width;
  const { scale, left, top } = place();
  const x = Math.floor((event.offsetX * ratio - left) / scale);
  const y = Math.floor((event.offsetY * ratio - top) / scale);
  if (x < 0 || y < 0 || x >= frame.columns || y >= frame.rows) {
    element('readout').textContent = '';
    return;
  }
  const at = y * frame.columns + x;
  const value = frame.kind === 'gray16'
    ? `${Math.round((frame.pixels[at] * frame.slope + frame.intercept) * 100) / 100} ${frame.unit ?? ''}`
    : [...frame.pixels.slice(at * 3, at * 3 + 3)].join(' ');
  element('readout').textContent = `x ${x} y ${y}: ${value}`;
}

let drag = null;
canvas.addEventListener('pointerdown', (event) => {
  if (!state.frame || event.button > 1) return;
  canvas.setPointerCapture(event.pointerId);
  drag = {
    x: event.clientX, y: event.clientY, move: event.shiftKey || event.button === 1,
    window: state.window, from: [state.x, state.y],
  };
});
canvas.addEventListener('pointermove', (event) => {
  if (!drag) { read(event); return; }
  const [dx, dy] = [event.clientX - drag.x, event.clientY - drag.y];
  if (drag.move || state.frame?.kind === 'rgb8') {
    const ratio = window.devicePixelRatio || 1;
    state.x = drag.from[0] + dx * ratio;
    state.y = drag.from[1] + dy * ratio;
    draw();
  } else if (drag.window) {
    // Across: width; up and down: level. A drag over the image is about one width.
    const step = drag.window[1] / 300;
    preset.selectedIndex = -1;
    setWindow(drag.window[0] + dy * step, drag.window[1] + dx * step * 2);
  }
});
for (const name of ['pointerup', 'pointercancel']) {
  canvas.addEventListener(name, () => { drag = null; });
}
canvas.addEventListener('wheel', (event) => {
  event.preventDefault();
  const step = Math.sign(event.deltaY);
  if (event.ctrlKey || series[state.series].length === 1) zoom(step > 0 ? 1 / 1.2 : 1.2);
  else show(state.index + step);
}, { passive: false });
canvas.addEventListener('keydown', (event) => {
  const keys = {
    ArrowRight: () => show(state.index + 1), ArrowDown: () => show(state.index + 1),
    ArrowLeft: () => show(state.index - 1), ArrowUp: () => show(state.index - 1),
    PageDown: () => show(state.index + 10), PageUp: () => show(state.index - 10),
    Home: () => show(0), End: () => show(Infinity),
    '+': () => zoom(1.2), '=': () => zoom(1.2), '-': () => zoom(1 / 1.2), '0': fit,
  };
  if (!keys[event.key]) return;
  event.preventDefault();
  keys[event.key]();
});
slider.addEventListener('input', () => show(Number(slider.value) - 1));
preset.addEventListener('change', () => setWindow(...preset.value.split(',').map(Number)));
invert.addEventListener('change', paint);
element('zoom-in').addEventListener('click', () => zoom(1.25));
element('zoom-out').addEventListener('click', () => zoom(1 / 1.25));
element('fit').addEventListener('click', fit);
viewer.querySelectorAll('[data-go]').forEach((button) => {
  button.addEventListener('click', () => chooseSeries(Number(button.dataset.go)));
});
new ResizeObserver(resize).observe(canvas);
resize();
chooseSeries(0);
