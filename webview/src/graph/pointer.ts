/** What a pointer does to the plane, in pixels of the screen. */
export interface Pointer {
  readonly move: (x: number, y: number) => void;
  readonly zoom: (factor: number, x: number, y: number) => void;
  readonly click: (x: number, y: number, isDouble: boolean) => void;
}

/** Drags and the wheel move the plane, the wheel with Ctrl or Cmd (and a pinch, which comes as that) zooms. */
export function followPointer(canvas: HTMLCanvasElement, { move, zoom, click }: Pointer): void {
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
