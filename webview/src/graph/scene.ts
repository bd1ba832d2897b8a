import { NODE, type Edge, type Layout, type Placed } from './layout.js';

/** A piece of the graph's plane. */
export interface Rect {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}

/** How the plane lies on the screen: a point is drawn at `(x - left) * scale`. */
export interface Camera {
  readonly left: number;
  readonly top: number;
  readonly scale: number;
}

export interface Size {
  readonly width: number;
  readonly height: number;
}

const MIN_SCALE = 0.02;
const MAX_SCALE = 2.5;

/** What of the plane a screen shows. */
export function viewOf({ left, top, scale }: Camera, { width, height }: Size): Rect {
  return { left, top, right: left + width / scale, bottom: top + height / scale };
}

/** The camera after zooming by a factor, with the same point under a place of the screen. */
export function zoomed(camera: Camera, factor: number, x: number, y: number): Camera {
  const scale = Math.min(MAX_SCALE, Math.max(MIN_SCALE, camera.scale * factor));
  return {
    scale,
    left: camera.left + x / camera.scale - x / scale,
    top: camera.top + y / camera.scale - y / scale,
  };
}

/** The camera that has a point in the middle of the screen. */
export function centredOn(x: number, y: number, scale: number, { width, height }: Size): Camera {
  return { scale, left: x - width / scale / 2, top: y - height / scale / 2 };
}

/** The camera that starts at the top of a graph: all of its width where that can be read, else around its first node. */
export function startOf(layout: Layout, screen: Size): Camera {
  const scale = Math.min(1, Math.max(0.35, screen.width / (layout.width + 80)));
  const [first] = layout.layers[0] ?? [];
  const fits = layout.width * scale <= screen.width || first === undefined;
  const middle = fits ? layout.width / 2 : first.x;
  return { scale, left: middle - screen.width / scale / 2, top: -30 };
}

/** Finds what lies in a piece of the plane without going through all of it. */
export interface Scene {
  readonly nodesIn: (view: Rect) => Placed[];
  readonly edgesIn: (view: Rect) => Edge[];
  /** The node at a point; null: none. */
  readonly nodeAt: (x: number, y: number) => Placed | null;
}

/** Edges are kept by the bands of the plane that they cross. */
const BAND = 800;

export function createScene(layout: Layout): Scene {
  const bands = new Map<number, Edge[]>();
  for (const edge of layout.edges) {
    const [first, last] = [bandOf(edge.from.y), bandOf(edge.to.y)];
    for (let band = Math.min(first, last); band <= Math.max(first, last); band++) {
      const inBand = bands.get(band);
      if (inBand === undefined) bands.set(band, [edge]);
      else inBand.push(edge);
    }
  }

  const nodesIn = ({ left, top, right, bottom }: Rect) => {
    const isSeen = ({ x }: Placed) => x + NODE.width / 2 >= left && x - NODE.width / 2 <= right;
    const [first, end] = layersIn(layout, top, bottom);
    return layout.layers.slice(first, end).flatMap((layer) => layer.filter(isSeen));
  };

  return {
    nodesIn,
    edgesIn({ top, bottom }) {
      const seen = new Set<Edge>();
      for (let band = bandOf(top); band <= bandOf(bottom); band++)
        for (const edge of bands.get(band) ?? []) seen.add(edge);
      return [...seen];
    },
    nodeAt(x, y) {
      const near = nodesIn({ left: x, right: x, top: y, bottom: y });
      return near.find((node) => Math.abs(node.y - y) <= NODE.height / 2) ?? null;
    },
  };
}

const bandOf = (y: number) => Math.max(0, Math.floor(y / BAND));

/** The layers that a stretch of the plane touches: [first, end). */
function layersIn({ height, layers }: Layout, top: number, bottom: number): [number, number] {
  const pitch = layers.length < 2 ? NODE.height : (height - NODE.height) / (layers.length - 1);
  return [Math.max(0, Math.floor((top - NODE.height) / pitch)), Math.max(0, Math.ceil(bottom / pitch) + 1)];
}
