/** What a chart takes from the page's style, and must bring along to a picture. */
const PROPERTIES = [
  'fill',
  'stroke',
  'stroke-width',
  'stroke-dasharray',
  'font-family',
  'font-size',
  'font-weight',
  'text-anchor',
  'overflow',
  'display',
  'vector-effect',
];

/** A chart as it is drawn now, at twice its size, as a PNG in base64. */
export async function pngOf(chart: SVGSVGElement): Promise<string> {
  const { width: inner, height } = chart.getBoundingClientRect();
  const { marginLeft, marginRight } = getComputedStyle(chart);
  const [left, right] = [Number.parseFloat(marginLeft), Number.parseFloat(marginRight)];
  const width = left + inner + right;
  const canvas = document.createElement('canvas');
  canvas.width = 2 * width;
  canvas.height = 2 * height;
  const context = canvas.getContext('2d');
  if (context === null) return '';
  context.fillStyle = getComputedStyle(document.body).backgroundColor;
  context.fillRect(0, 0, canvas.width, canvas.height);
  const image = new Image();
  image.src = `data:image/svg+xml,${encodeURIComponent(standalone(chart, `${-left} 0 ${width} ${height}`, inner))}`;
  await image.decode();
  context.drawImage(image, 0, 0, canvas.width, canvas.height);

  return canvas.toDataURL('image/png').replace(/^[^,]*,/, '');
}

/** The chart with its style inside; its places in percent are of `inner` pixels. */
function standalone(chart: SVGSVGElement, viewBox: string, inner: number): string {
  const copy = chart.cloneNode(true) as SVGSVGElement;
  const parts = [chart, ...chart.querySelectorAll('*')];
  const copies = [copy, ...copy.querySelectorAll<SVGElement>('*')];
  for (const [index, part] of parts.entries()) {
    const style = getComputedStyle(part);
    for (const name of PROPERTIES) copies[index]?.setAttribute(name, style.getPropertyValue(name));
  }

  // A picture of its own with the chart's margins, around the chart as wide as it was.
  const picture = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
  const [, , width = '', height = ''] = viewBox.split(' ');
  picture.setAttribute('viewBox', viewBox);
  picture.setAttribute('width', width);
  picture.setAttribute('height', height);
  copy.setAttribute('width', String(inner));
  picture.append(copy);
  return new XMLSerializer().serializeToString(picture);
}
