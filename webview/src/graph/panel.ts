import { button, element } from '../dom.js';
import { controls } from './controls.js';
import { drawGraph } from './draw.js';
import { blocksOf, graphOf, type Folding, type Graph, type Source } from './graph.js';
import { NODE, type Layout, type Placed } from './layout.js';
import { paletteOf } from './palette.js';
import { followPointer } from './pointer.js';
import { centredOn, createScene, startOf, viewOf, zoomed, type Camera, type Scene } from './scene.js';

export interface GraphPanel {
  /** Selects a node and brings it into view, in a block that is collapsed the block. */
  readonly reveal: (name: string) => void;
}

/** Models of more nodes start with their blocks collapsed. */
const MAX_OPEN = 5000;

/** What is drawn. */
interface Drawn {
  readonly layout: Layout;
  readonly scene: Scene;
  readonly byId: ReadonlyMap<string, Placed>;
}

/** A graph on the page: what a person has made of it so far, and where it is shown. */
interface View {
  readonly sources: readonly Source[];
  readonly onSelect: (name: string) => void;
  readonly canvas: HTMLCanvasElement;
  readonly status: HTMLElement;
  readonly collapse: HTMLButtonElement;
  readonly redraw: () => void;
  folding: Folding;
  camera: Camera;
  /** null until the first layout is there. */
  drawn: Drawn | null;
  selected: Placed | null;
  /** To be selected once the graph with it is there. */
  wanted: string | null;
}

const LABEL =
  'Graph. Arrow keys go from node to node, Enter opens a block, plus and minus zoom, 0 shows the start.';

/** Draws the graph of a model into a place of the page. `onSelect` gets the name of a node that is chosen in it. */
export function openGraph(
  place: HTMLElement,
  sources: readonly Source[],
  onSelect: (name: string) => void,
): GraphPanel {
  const canvas = element('canvas', { tabindex: '0', role: 'application', 'aria-label': LABEL });
  const context = canvas.getContext('2d');
  const redraw = nextFrame(() => {
    const { drawn, camera, selected } = view;
    if (drawn !== null && context !== null)
      drawGraph(context, { scene: drawn.scene, camera, selected }, paletteOf(place), screenOf(view));
  });
  const view: View = {
    ...{ sources, onSelect, canvas, redraw, drawn: null, selected: null, wanted: null },
    status: element('p', { class: 'quiet', role: 'status' }),
    collapse: button('Collapse block of this node', () => closeBlock(view)),
    folding: { depth: sources.length > MAX_OPEN ? 1 : 0, opened: new Set(), closed: new Set() },
    camera: { left: 0, top: 0, scale: 1 },
  };
  view.collapse.hidden = true;

  place.replaceChildren(
    controls({
      find: (text) => find(view, text),
      depth: view.folding.depth,
      fold: (depth) => fold(view, { depth, opened: new Set(), closed: new Set() }),
      zoom: (factor) => zoom(view, factor),
      start: () => start(view),
      collapse: view.collapse,
    }),
    view.status,
    canvas,
    ...(sources.some(({ run }) => run !== null) ? [legend()] : []),
  );
  resizeWith(canvas, redraw);
  new MutationObserver(redraw).observe(document.body, { attributes: true, attributeFilter: ['class'] });
  listen(view);
  void layOut(view);

  return { reveal: (name) => reveal(view, name) };
}

/** What the frames of nodes mean. */
function legend(): HTMLElement {
  const key = (kind: string, text: string) =>
    element('span', { class: 'whole' }, element('span', { class: `key frame ${kind}` }), text);
  return element(
    'p',
    { class: 'quiet' },
    key('integer', 'In the last run computed in integers'),
    ' ',
    key('float', 'in float'),
    ' ',
    key('other', 'not quantized by itself'),
  );
}

function listen(view: View): void {
  followPointer(view.canvas, {
    move: (x, y) => {
      const { left, top, scale } = view.camera;
      look(view, { scale, left: left - x / scale, top: top - y / scale });
    },
    zoom: (factor, x, y) => look(view, zoomed(view.camera, factor, x, y)),
    click(x, y, isDouble) {
      const { left, top, scale } = view.camera;
      const node = view.drawn?.scene.nodeAt(left + x / scale, top + y / scale) ?? null;
      if (node === null) return;
      if (isDouble && node.count > 1) openBlock(view, node.id);
      else choose(view, node);
    },
  });
  view.canvas.addEventListener('keydown', (event) => {
    if (press(view, event.key)) event.preventDefault();
  });
}

/** Whether a key is one of the graph's. */
function press(view: View, key: string): boolean {
  const { drawn, selected } = view;
  if (drawn === null) return false;
  if (key === 'Enter' && selected !== null && selected.count > 1) openBlock(view, selected.id);
  else if (key === '+') zoom(view, 1.25);
  else if (key === '-') zoom(view, 0.8);
  else if (key === '0') start(view);
  else {
    const next = neighbour(drawn.layout, selected, key);
    if (next === null) return false;
    choose(view, next);
  }

  return true;
}

const screenOf = ({ canvas }: View) => ({ width: canvas.clientWidth, height: canvas.clientHeight });

function look(view: View, camera: Camera): void {
  view.camera = camera;
  view.redraw();
}

function zoom(view: View, factor: number): void {
  const { width, height } = screenOf(view);
  look(view, zoomed(view.camera, factor, width / 2, height / 2));
}

function start(view: View): void {
  if (view.drawn !== null) look(view, startOf(view.drawn.layout, screenOf(view)));
}

/** Selects a node, and tells the page of one of the model's. */
function choose(view: View, node: Placed): void {
  select(view, node);
  if (node.count === 1) view.onSelect(node.id);
}

function select(view: View, node: Placed): void {
  const { id, title, detail, count, x, y } = node;
  const { left, right, top, bottom } = viewOf(view.camera, screenOf(view));
  const isInView =
    x - NODE.width / 2 >= left &&
    x + NODE.width / 2 <= right &&
    y - NODE.height >= top &&
    y + NODE.height <= bottom;

  view.selected = node;
  view.status.textContent = count > 1 ? `Block ${id}, ${detail}. Enter opens it.` : `${title} ${id}`;
  view.collapse.hidden = count > 1 || blocksOf(id).length === 0;
  if (isInView) view.redraw();
  else look(view, centredOn(x, y, Math.max(view.camera.scale, 0.6), screenOf(view)));
}

function reveal(view: View, name: string): void {
  view.wanted = name;
  if (view.drawn === null) return;
  view.wanted = null;
  const { byId } = view.drawn;
  const node = [name, ...blocksOf(name)].map((id) => byId.get(id)).find((placed) => placed !== undefined);
  if (node !== undefined) select(view, node);
}

/** Goes to the next node with a text in its name or operator; says how many there are. */
function find(view: View, text: string): string {
  const words = text.toLowerCase();
  const hits = view.sources.filter(({ name, op }) => `${name} ${op}`.toLowerCase().includes(words));
  const current = hits.findIndex(({ name }) => name === view.selected?.id);
  const next = hits[(current + 1) % Math.max(1, hits.length)];
  if (text === '' || next === undefined) return 'No node has this text in its name.';
  reveal(view, next.name);
  view.onSelect(next.name);
  return hits.length === 1 ? '1 node' : `${hits.length} nodes`;
}

function openBlock(view: View, block: string): void {
  const closed = new Set(view.folding.closed);
  const isDeep = !closed.delete(block);
  view.wanted = view.sources.find(({ name }) => name.startsWith(block))?.name ?? null;
  fold(view, { closed, opened: isDeep ? new Set([...view.folding.opened, block]) : view.folding.opened });
}

/** Collapses the innermost block of the node that is selected. */
function closeBlock(view: View): void {
  const id = view.selected?.id ?? '';
  const block = blocksOf(id).at(-1);
  if (block === undefined) return;
  const opened = new Set(view.folding.opened);
  opened.delete(block);
  view.wanted = id;
  fold(view, { opened, closed: new Set([...view.folding.closed, block]) });
}

function fold(view: View, change: Partial<Folding>): void {
  view.folding = { ...view.folding, ...change };
  void layOut(view);
}

async function layOut(view: View): Promise<void> {
  const { folding, status, canvas } = view;
  const graph = graphOf(view.sources, folding);
  status.textContent = 'Laying out the graph…';
  const layout = await layoutBy(graph);
  // Blocks may have been opened or closed meanwhile.
  if (folding !== view.folding) return;
  const byId = new Map(layout.layers.flat().map((node) => [node.id, node]));
  view.drawn = { layout, scene: createScene(layout), byId };
  view.selected = null;
  status.textContent = `${graph.nodes.length} nodes, ${graph.edges.length} edges`;
  canvas.dataset['nodes'] = String(graph.nodes.length);
  start(view);
  if (view.wanted !== null) reveal(view, view.wanted);
}

/** The nearest node in the direction of an arrow: along an edge up and down, in the layer to the sides. */
function neighbour({ layers, edges }: Layout, selected: Placed | null, key: string): Placed | null {
  if (!/^Arrow(Up|Down|Left|Right)$/.test(key)) return null;
  if (selected === null) return layers[0]?.[0] ?? null;
  if (key === 'ArrowDown') return edges.find(({ from }) => from === selected)?.to ?? null;
  if (key === 'ArrowUp') return edges.find(({ to }) => to === selected)?.from ?? null;
  const layer = layers.find((nodes) => nodes.includes(selected)) ?? [];
  return layer[layer.indexOf(selected) + (key === 'ArrowRight' ? 1 : -1)] ?? null;
}

/** The layout of a graph, made by a worker: a page from elsewhere may start only what it has itself. */
async function layoutBy(graph: Graph): Promise<Layout> {
  const script = await fetch(new URL('./layoutWorker.js', import.meta.url));
  const address = URL.createObjectURL(await script.blob());
  const worker = new Worker(address);
  try {
    return await new Promise<Layout>((resolve, reject) => {
      worker.addEventListener('message', ({ data }: MessageEvent<Layout>) => resolve(data));
      worker.addEventListener('error', ({ message }) => reject(new Error(message)));
      worker.postMessage(graph);
    });
  } finally {
    worker.terminate();
    URL.revokeObjectURL(address);
  }
}

/** Does something once before the next frame, however often it is asked for. */
function nextFrame(action: () => void): () => void {
  let isWaiting = false;
  return () => {
    if (isWaiting) return;
    isWaiting = true;
    requestAnimationFrame(() => {
      isWaiting = false;
      action();
    });
  };
}

/** As many pixels as the screen has for the canvas. */
function resizeWith(canvas: HTMLCanvasElement, draw: () => void): void {
  new ResizeObserver(() => {
    canvas.width = Math.round(canvas.clientWidth * devicePixelRatio);
    canvas.height = Math.round(canvas.clientHeight * devicePixelRatio);
    draw();
  }).observe(canvas);
}
