// A whole-slide image: of each level only the tiles that are seen. Image coordinates are pixels of
// the finest level.

// Tiles kept as pictures, and asked for at a time.
const KEPT = 400;
const AT_ONCE = 6;

export class SlideView {
  constructor(pane, { levels }) {
    this.pane = pane;
    // Thumbnails of other proportions are no levels.
    const [finest] = levels;
    const proportion = finest.columns / finest.rows;
    this.levels = levels
      .filter((one) => Math.abs(one.columns / one.rows / proportion - 1) < 0.1)
      .map((one) => ({
        ...one,
        factor: finest.columns / one.columns,
        across: Math.ceil(one.columns / one.tile[0]),
        sparse: one.full ? null : new Map(one.tiles.map(([column, row, frame]) => [`${column}/${row}`, frame])),
      }));
    const aspect = finest.spacing ? finest.spacing[0] / finest.spacing[1] : 1;
    this.size = { columns: finest.columns, rows: finest.rows, aspect, slide: true };
    this.item = {
      object: finest.object, number: 1, info: { number: null, rows: finest.rows, columns: finest.columns },
      place: finest.spacing ? { spacing: finest.spacing } : null,
    };
    this.tiles = new Map();
    this.queue = [];
    this.coming = new Set();
  }

  open() {
    const { pane } = this;
    Object.assign(pane, { frame: null, presets: [], index: 0 });
    pane.status.textContent = '';
    pane.draw();
    pane.canvas.dataset.shown = `${pane.stack.at}/1`;
    pane.tell('shown', 'person');
  }

  // The coarsest level that still has a pixel for each of the screen.
  level(zoom) {
    return this.levels.findLast((one) => one.factor * zoom <= 1.01) ?? this.levels[0];
  }

  frameOf(level, column, row) {
    if (level.full) return row * level.across + column + 1;
    return level.sparse.get(`${column * level.tile[0]}/${row * level.tile[1]}`);
  }

  // Tiles of a level under the canvas: [column, row].
  * seen(level, matrix) {
    const { width, height } = this.pane.canvas;
    const inverse = matrix.inverse();
    const corners = [[0, 0], [width, 0], [0, height], [width, height]]
      .map(([x, y]) => new DOMPoint(x, y).matrixTransform(inverse));
    const range = (pick, tile, most) => {
      const all = corners.map((point) => pick(point) / level.factor / tile);
      return [Math.max(0, Math.floor(Math.min(...all))), Math.min(most - 1, Math.floor(Math.max(...all)))];
    };
    const [left, right] = range((point) => point.x, level.tile[0], level.across);
    const [top, bottom] = range((point) => point.y, level.tile[1], Math.ceil(level.rows / level.tile[1]));
    for (let row = top; row <= bottom; row += 1) {
      for (let column = left; column <= right; column += 1) yield [column, row];
    }
  }

  draw(context, matrix, zoom) {
    const level = this.level(zoom);
    const coarsest = this.levels.at(-1);
    this.queue = [];
    if (this.pane.inverted) context.filter = 'invert(1)';
    context.fillStyle = '#fff';
    context.fillRect(0, 0, this.size.columns, this.size.rows);
    // What is blurred is there at once; each finer level lies over it.
    const order = this.levels.slice(this.levels.indexOf(level)).reverse();
    for (const one of order) {
      for (const [column, row] of this.seen(one, matrix)) {
        const tile = this.tile(one, column, row, one === level || one === coarsest);
        if (tile?.picture) this.put(context, one, column, row, tile.picture, zoom);
      }
    }
    context.filter = 'none';
    this.pane.canvas.dataset.level = this.levels.indexOf(level);
    this.pane.canvas.dataset.waiting = this.queue.length + this.coming.size;
    while (this.coming.size < AT_ONCE && this.queue.length > 0) this.next();
  }

  // Tiles at the edge are whole in their frame; what lies beyond the level is not drawn.
  put(context, level, column, row, picture, zoom) {
    const [width, height] = level.tile;
    const [x, y] = [column * width, row * height];
    const [across, down] = [Math.min(width, level.columns - x), Math.min(height, level.rows - y)];
    const f = level.factor;
    const fy = this.size.rows / level.rows;
    // Neighbours overlap by half a pixel of the screen, so that nothing shines through between them.
    const seam = 0.5 / zoom;
    context.drawImage(picture, 0, 0, across, down, x * f, y * fy, across * f + seam, down * fy + seam);
  }

  tile(level, column, row, wanted) {
    const frame = this.frameOf(level, column, row);
    if (!frame) return null;
    const key = `${level.object}/${frame}`;
    let tile = this.tiles.get(key);
    if (tile) {
      this.tiles.delete(key);
      this.tiles.set(key, tile);
    } else if (wanted && !this.coming.has(key)) {
      this.queue.push(key);
    }
    return tile;
  }

  async next() {
    const key = this.queue.shift();
    this.coming.add(key);
    const picture = new Image();
    picture.src = `${this.pane.frames.base.replace(/frame$/, 'picture')}/${key}`;
    // A tile that cannot be shown stays blurred.
    await picture.decode().then(() => this.tiles.set(key, { picture }), () => this.tiles.set(key, {}));
    this.coming.delete(key);
    while (this.tiles.size > KEPT) this.tiles.delete(this.tiles.keys().next().value);
    if (this.pane.slide === this) this.pane.draw();
  }
}
