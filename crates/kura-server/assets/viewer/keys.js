// The keys of the viewer of a study. The help lists them.

const TOOLS = {
  w: 'window', s: 'scroll', p: 'pan', z: 'zoom', l: 'length', a: 'angle', v: 'probe', r: 'rectangle', e: 'ellipse',
};
const ACTS = {
  h: 'flip-across', u: 'flip-down', o: 'rotate', i: 'invert', n: 'actual', x: 'reset', t: 'text', g: 'overlays', c: 'compare',
  m: 'volume', '?': 'help', ' ': 'play', Delete: 'delete', Backspace: 'delete',
};

export function keys(event, study) {
  const { target, key } = event;
  if (event.ctrlKey || event.altKey || event.metaKey) return;
  if (document.querySelector('dialog[open]')) return;
  // What has a use of its own for the key keeps it.
  if (target.closest?.('select, textarea, input:not([type=checkbox], [type=range])')) return;
  if (target.type === 'range' && /^(Arrow|Page|Home|End)/.test(key)) return;
  if ((key === ' ' || key === 'Enter') && target.closest?.('button, a, summary, input')) return;
  const { pane } = study;
  if (!pane.stack) return;
  const move = {
    ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1, PageDown: 10, PageUp: -10,
  }[key];
  const others = {
    Home: () => pane.show(0), End: () => pane.show(Infinity),
    '+': () => pane.zoom(1.2), '=': () => pane.zoom(1.2), '-': () => pane.zoom(1 / 1.2),
    0: () => pane.change((view) => view.fit()), f: () => pane.change((view) => view.fit()),
    '[': () => study.neighbour(-1), ']': () => study.neighbour(1),
    Escape: () => study.closeVolume(),
  };
  if (move) pane.show(pane.index + move);
  else if (TOOLS[key]) study.choose(TOOLS[key]);
  else if (ACTS[key]) study.act(ACTS[key]);
  else if (/^[1-9]$/.test(key)) study.controls.choose(Number(key) - 1);
  else if (others[key]) others[key]();
  else return;
  event.preventDefault();
}
