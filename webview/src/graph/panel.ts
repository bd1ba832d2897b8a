import { button, element } from '../dom.js';
import { drawGraph, type Palette } from './draw.js';
import { blocksOf, graphOf, type Folding, type Graph, type Source } from './graph.js';
import { NODE, type Layout } from './layout.js';
import { centredOn, createScene, startOf, viewOf, zoomed, type Camera, type Scene } from './scene.js';

export interface GraphPanel {
  /** Selects a node and brings it into view, in a block that is collapsed the block. */
  readonly reveal: (name: string) => void;
}

/** Models of more nodes start with their blocks collapsed. */
const MAX_OPEN = 5000;
const MAX_DEPTH = 4;

/** What is drawn; null until the first layout is there. */
interface Drawn {
  readonly graph: Graph;
  readonly layout: Layout;
  readonly scene: Scene;
}

/** Draws the graph of a model into a place of the page. `onSelect` gets the name of a node that is chosen in it. */
export function openGraph(
  place: HTMLElement,
  sources: readonly Source[],
  onSelect: (name: string) => void,
): GraphPanel {
  let folding: Folding = {
    depth: sources.length > MAX_OPEN ? 1 : 0,
    opened: new Set(),
    closed: new Set(),
  };
  let drawn: Drawn | null = null;
  let camera: Camera = { left: 0, top: 0, scale: 1 };
  let selected: number | null = null;
  /** To be selected once the graph with it is there. */
  let wanted: string | null = null;

  const canvas = element('canvas', {
    tabindex: '0',
    role: 'application',
    'aria-label':
      'Graph. Arrow keys go from node to node, Enter opens a block, plus and minus zoom, 0 shows the start.',
  });
  const status = element('p', { class: 'quiet', role: 'status' }, 'Laying out the graph…');
  const context = canvas.getContext('2d')!;
  const screen = () => ({ width: canvas.clientWidth, height: canvas.clientHeight });
  const draw = nextFrame(() => {
    if (drawn !== null) drawGraph(context, { ...drawn, camera, selected }, paletteOf(place), screen());
  });
  const look = (next: Camera) => {
    camera = next;
    draw();
  };
  const centre = (node: number) => {
    if (drawn === null) return;
    const [x, y] = [drawn.layout.x[node]!, drawn.layout.y[node]!];
    const view = viewOf(camera, screen());
    const isInView =
      x - NODE.width / 2 >= view.left &&
      x + NODE.width / 2 <= view.right &&
      y >= view.top + NODE.height &&
      y <= view.bottom - NODE.height;
    if (!isInView) look(centredOn(x, y, Math.max(camera.scale, 0.6), screen()));
  };
  const select = (node: number, tells: boolean) => {
    selected = node;
    centre(node);
    draw();
    const { id, title, detail, count } = drawn!.graph.nodes[node]!;
    status.textContent = count > 1 ? `Block ${id}, ${detail}. Enter opens it.` : `${title} ${id}`;
    collapse.hidden = count > 1 || blocksOf(id).length === 0;
    if (tells && count === 1) onSelect(id);
  };
  const layout = async () => {
    const graph = graphOf(sources, folding);
    status.textContent = 'Laying out the graph…';
    const placed = await laidOut(graph);
    drawn = { graph, layout: placed, scene: createScene(placed) };
    selected = null;
    camera = startOf(placed, screen());
    status.textContent = `${graph.nodes.length} nodes, ${graph.edges.length} edges`;
    canvas.dataset['nodes'] = String(graph.nodes.length);
    if (wanted !== null) reveal(wanted);
    draw();
  };
  const fold = (change: Partial<Folding>) => {
    folding = { ...folding, ...change };
    void layout();
  };
  const open = (block: string) => {
    const closed = new Set(folding.closed);
    const isDeep = !closed.delete(block);
    wanted = sources.find(({ name }) => name.startsWith(block))?.name ?? null;
    fold({ closed, opened: isDeep ? new Set([...folding.opened, block]) : folding.opened });
  };
  const collapse = button('Collapse block of this node', () => {
    const id = selected === null ? '' : (drawn?.graph.nodes[selected]?.id ?? '');
    const block = blocksOf(id).at(-1);
    if (block === undefined) return;
    const opened = new Set(folding.opened);
    opened.delete(block);
    wanted = id;
    fold({ opened, closed: new Set([...folding.closed, block]) });
  });
  collapse.hidden = true;
  const reveal = (name: string) => {
    wanted = name;
    if (drawn === null) return;
    wanted = null;
    const ids = new Map(drawn.graph.nodes.map(({ id }, index) => [id, index]));
    const node = [name, ...blocksOf(name)].map((id) => ids.get(id)).find((index) => index !== undefined);
    if (node !== undefined) select(node, false);
  };
  const zoom = (factor: number) =>
    look(zoomed(camera, factor, canvas.clientWidth / 2, canvas.clientHeight / 2));
  const start = () => {
    if (drawn !== null) look(startOf(drawn.layout, screen()));
  };

  place.replaceChildren(
    controls({
      find,
      folding,
      fold: (depth) => fold({ depth, opened: new Set(), closed: new Set() }),
      zoom,
      start,
      collapse,
    }),
    status,
    canvas,
  );
  resizeWith(canvas, draw);
  new MutationObserver(draw).observe(document.body, { attributes: true, attributeFilter: ['class'] });
  followPointer(canvas, {
    move: (x, y) =>
      look({ ...camera, left: camera.left - x / camera.scale, top: camera.top - y / camera.scale }),
    zoom: (factor, x, y) => look(zoomed(camera, factor, x, y)),
    click(x, y, isDouble) {
      const node = drawn?.scene.nodeAt(camera.left + x / camera.scale, camera.top + y / camera.scale) ?? null;
      if (node === null) return;
      const { id, count } = drawn!.graph.nodes[node]!;
      if (isDouble && count > 1) open(id);
      else select(node, true);
    },
  });
  canvas.addEventListener('keydown', (event) => {
    if (drawn === null) return;
    const node = selected === null ? null : drawn.graph.nodes[selected]!;
    if (event.key === 'Enter' && node !== null && node.count > 1) open(node.id);
    else if (event.key === '+') zoom(1.25);
    else if (event.key === '-') zoom(0.8);
    else if (event.key === '0') start();
    else {
      const next = neighbour(drawn, selected, event.key);
      if (next === null) return;
      select(next, true);
    }
    event.preventDefault();
  });
  void layout();

  return { reveal };

  function find(text: string): string {
    const words = text.toLowerCase();
    const hits = sources.filter(({ name, op }) => `${name} ${op}`.toLowerCase().includes(words));
    const current =
      selected === null ? -1 : hits.findIndex(({ name }) => name === drawn?.graph.nodes[selected!]?.id);
    const next = hits[(current + 1) % Math.max(1, hits.length)];
    if (text === '' || next === undefined) return 'No node has this in its name.';
    reveal(next.name);
    onSelect(next.name);
    return `${hits.length} nodes`;
  }
}

interface Controls {
  readonly find: (text: string) => string;
  readonly folding: Folding;
  readonly fold: (depth: number) => void;
  readonly zoom: (factor: number) => void;
  readonly start: () => void;
  readonly collapse: HTMLElement;
}

function controls({ find, folding, fold, zoom, start, collapse }: Controls): HTMLElement {
  const search = element('input', { type: 'search', id: 'graph-search', placeholder: 'Name or operator' });
  const hits = element('span', { class: 'quiet', role: 'status' });
  search.addEventListener('keydown', ({ key }) => {
    if (key === 'Enter') hits.textContent = find(search.value);
  });
  const depths = Array.from({ length: MAX_DEPTH + 1 }, (_, depth) =>
    element('option', { value: String(depth) }, depth === 0 ? 'Open' : `Collapsed from level ${depth}`),
  );
  const depth = element('select', {}, ...depths);
  depth.value = String(folding.depth);
  depth.addEventListener('change', () => fold(Number(depth.value)));

  return element(
    'div',
    { class: 'filters' },
    element('label', {}, 'Find a node (Enter: the next)', search),
    element('label', {}, 'Blocks by name', depth),
    button('Zoom in', () => zoom(1.5)),
    button('Zoom out', () => zoom(1 / 1.5)),
    button('Start', start),
    collapse,
    hits,
  );
}

/** The nearest node in the direction of an arrow: along an edge up and down, in the layer to the sides. */
function neighbour({ graph, layout }: Drawn, selected: number | null, key: string): number | null {
  if (!/^Arrow(Up|Down|Left|Right)$/.test(key)) return null;
  if (selected === null) return layout.layers[0]?.[0] ?? null;
  if (key === 'ArrowDown') return graph.edges.find(([from]) => from === selected)?.[1] ?? null;
  if (key === 'ArrowUp') return graph.edges.find(([, to]) => to === selected)?.[0] ?? null;
  const layer = layout.layers.find((nodes) => nodes.includes(selected)) ?? [];
  return layer[layer.indexOf(selected) + (key === 'ArrowRight' ? 1 : -1)] ?? null;
}

/** The layout of a graph, made by a worker: a page from elsewhere may start only what it has itself. */
async function laidOut(graph: Graph): Promise<Layout> {
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

interface Pointer {
  readonly move: (x: number, y: number) => void;
  readonly zoom: (factor: number, x: number, y: number) => void;
  readonly click: (x: number, y: number, isDouble: boolean) => void;
}

/** Drags and the wheel move the plane, the wheel with Ctrl or Cmd (and a pinch, which comes as that) zooms. */
function followPointer(canvas: HTMLCanvasElement, { move, zoom, click }: Pointer): void {
  let moved = 0;
  canvas.addEventListener('pointerdown', ({ pointerId }) => {
    moved = 0;
    canvas.setPointerCapture(pointerId);
  });
  canvas.addEventListener('pointermove', ({ buttons, movementX, movementY }) => {
    if (buttons === 0) return;
    moved += Math.abs(movementX) + Math.abs(movementY);
    move(movementX, movementY);
  });
  const pick = ({ offsetX, offsetY }: MouseEvent, isDouble: boolean) => {
    if (moved < 5) click(offsetX, offsetY, isDouble);
  };
  canvas.addEventListener('click', (event) => pick(event, false));
  canvas.addEventListener('dblclick', (event) => pick(event, true));
  canvas.addEventListener(
    'wheel',
    (event) => {
      event.preventDefault();
      if (event.ctrlKey || event.metaKey) zoom(Math.exp(-event.deltaY / 200), event.offsetX, event.offsetY);
      else move(-event.deltaX, -event.deltaY);
    },
    { passive: false },
  );
}

function paletteOf(place: HTMLElement): Palette {
  const style = getComputedStyle(place);
  const { backgroundColor, fontFamily } = getComputedStyle(document.body);
  const colour = (name: string, fallback: string) => style.getPropertyValue(name).trim() || fallback;
  return {
    page: backgroundColor,
    text: style.color,
    quiet: resolved(colour('--quiet', style.color), style.color),
    line: resolved(colour('--line', style.color), style.color),
    integer: colour('--int8', style.color),
    float: colour('--other', style.color),
    focus: colour('--vscode-focusBorder', style.color),
    font: fontFamily,
  };
}

/** A canvas knows no references to other colours. */
const resolved = (colour: string, text: string) => (/^(var|currentcolor)/i.test(colour) ? text : colour);
