// Where the viewer begins: of a study with all its tools, or of a case that is read in a
// performance test, which shows nothing but the image.

import { Controls } from './controls.js';
import { Frames } from './frames.js';
import { stack } from './geometry.js';
import { Hands } from './input.js';
import { Pane } from './pane.js';

const root = document.getElementById('viewer');
const words = JSON.parse(root.dataset.words);

// The images of a case: frames without a name, a date or a place.
function bare() {
  const [objects] = JSON.parse(root.dataset.series);
  const pane = new Pane(root.querySelector('.stage'), new Frames(root.dataset.frames), words, false);
  const controls = new Controls(root);
  controls.watch(pane);
  new Hands(pane, { tool: 'window' }, () => {});
  const infos = objects.map((one) => ({ ...one, number: null, regions: [], places: [] }));
  controls.use(pane);
  pane.open(stack({ objects: infos, ct: 'ct' in root.dataset, modality: '' }, 0));
  pane.canvas.addEventListener('keydown', (event) => {
    const keys = {
      ArrowRight: () => pane.show(pane.index + 1), ArrowDown: () => pane.show(pane.index + 1),
      ArrowLeft: () => pane.show(pane.index - 1), ArrowUp: () => pane.show(pane.index - 1),
      PageDown: () => pane.show(pane.index + 10), PageUp: () => pane.show(pane.index - 10),
      Home: () => pane.show(0), End: () => pane.show(Infinity),
      '+': () => pane.zoom(1.2), '=': () => pane.zoom(1.2), '-': () => pane.zoom(1 / 1.2),
      0: () => pane.change((view) => view.fit()),
    };
    if (!keys[event.key]) return;
    event.preventDefault();
    keys[event.key]();
  });
}

if (root.dataset.study) (await import('./study.js')).begin(root, words);
else bare();
