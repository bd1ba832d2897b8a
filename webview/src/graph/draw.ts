import { NODE, type Placed, type Point } from './layout.js';
import { viewOf, type Camera, type Scene, type Size } from './scene.js';

/** Colours of the editor's theme, as the page's style has them. */
export interface Palette {
  readonly page: string;
  readonly text: string;
  readonly quiet: string;
  readonly line: string;
  readonly integer: string;
  readonly float: string;
  readonly focus: string;
  readonly font: string;
}

export interface Drawing {
  readonly scene: Scene;
  readonly camera: Camera;
  readonly selected: Placed | null;
}

/** Texts smaller than this on the screen are not drawn: nobody could read them. */
const MIN_TEXT_SCALE = 0.45;

/** Draws what a screen shows of a graph, and nothing of the rest. */
export function drawGraph(
  canvas: CanvasRenderingContext2D,
  { scene, camera, selected }: Drawing,
  palette: Palette,
  screen: Size,
): void {
  const ratio = canvas.canvas.width / Math.max(1, screen.width);
  canvas.setTransform(ratio, 0, 0, ratio, 0, 0);
  canvas.fillStyle = palette.page;
  canvas.fillRect(0, 0, screen.width, screen.height);
  const { left, top, scale } = camera;
  canvas.setTransform(ratio * scale, 0, 0, ratio * scale, -left * ratio * scale, -top * ratio * scale);
  const view = viewOf(camera, screen);
  canvas.lineWidth = Math.max(1, 0.75 / scale);
  canvas.strokeStyle = palette.quiet;
  canvas.beginPath();
  for (const { route } of scene.edgesIn(view)) trace(canvas, route);
  canvas.stroke();
  const look = { palette, hasText: scale >= MIN_TEXT_SCALE, scale };
  for (const node of scene.nodesIn(view)) drawNode(canvas, node, { ...look, isSelected: node === selected });
}

/** Through all points, upright where it leaves and enters each. */
function trace(canvas: CanvasRenderingContext2D, [start, ...others]: readonly Point[]): void {
  if (start === undefined) return;
  canvas.moveTo(start.x, start.y);
  let from = start;
  for (const to of others) {
    const middle = (from.y + to.y) / 2;
    if (from.x === to.x) canvas.lineTo(to.x, to.y);
    else canvas.bezierCurveTo(from.x, middle, to.x, middle, to.x, to.y);
    from = to;
  }
}

interface Look {
  readonly palette: Palette;
  readonly isSelected: boolean;
  readonly hasText: boolean;
  readonly scale: number;
}

/** Integer nodes have a whole frame, float ones a dashed one: colour is not all that tells them apart. */
function drawNode(
  canvas: CanvasRenderingContext2D,
  { title, detail, kind, count, x, y }: Placed,
  { palette, isSelected, hasText, scale }: Look,
): void {
  const [left, top] = [x - NODE.width / 2, y - NODE.height / 2];
  canvas.fillStyle = palette.page;
  canvas.fillRect(left, top, NODE.width, NODE.height);
  canvas.strokeStyle = kind === 'integer' ? palette.integer : kind === 'float' ? palette.float : palette.text;
  canvas.lineWidth = isSelected ? Math.max(4, 2 / scale) : kind === null ? 1 : 2;
  if (isSelected) canvas.strokeStyle = palette.focus;
  canvas.setLineDash(kind === 'float' ? [6, 4] : []);
  canvas.strokeRect(left, top, NODE.width, NODE.height);
  canvas.lineWidth = 1;
  if (count > 1) canvas.strokeRect(left + 4, top + 4, NODE.width - 8, NODE.height - 8);
  canvas.setLineDash([]);
  if (!hasText) return;
  canvas.textAlign = 'center';
  canvas.textBaseline = 'middle';
  canvas.fillStyle = palette.text;
  canvas.font = `600 12px ${palette.font}`;
  canvas.fillText(shortened(title), x, detail === '' ? y : y - 8, NODE.width - 16);
  canvas.font = `11px ${palette.font}`;
  canvas.fillStyle = palette.quiet;
  if (detail !== '') canvas.fillText(shortened(detail), x, y + 9, NODE.width - 16);
}

const MAX_LETTERS = 26;

/** The end of a long name tells more than its beginning. */
const shortened = (text: string) => (text.length <= MAX_LETTERS ? text : `…${text.slice(1 - MAX_LETTERS)}`);
