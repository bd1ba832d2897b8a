import type { Chart } from './document.js';
import { markup, NOTHING, type Markup } from './markup.js';
import { EDGE, HEIGHT, type Plot } from './axes.js';
import { dropPlot } from './dropPlot.js';
import { noisePlot } from './noisePlot.js';
import { scatterPlot } from './scatterPlot.js';

/** A chart as inline SVG; the page's style colours it, its title and summary are its text for screen readers. */
export function chartSvg(chart: Chart, id: string): Markup {
  const plot = plotOf(chart);
  if (plot === null) return NOTHING;
  return markup`<figure class="chart" aria-labelledby="${id}-title">
<svg class="chart" height="${HEIGHT}" role="${plot.role ?? 'img'}" aria-labelledby="${id}-title" aria-describedby="${id}-text">
<title id="${id}-title">${chart.title}</title>
<text class="label" x="${-EDGE.left}" y="14">${plot.yLabel}</text>
<svg class="plot" y="${EDGE.top}" width="100%" height="${HEIGHT - EDGE.top - EDGE.bottom}">
${plot.body}</svg>
</svg>
<figcaption id="${id}-text"><strong>${chart.title}.</strong> ${chart.summary} ${plot.legend}</figcaption>
</figure>
`;
}

function plotOf(chart: Chart): Plot | null {
  switch (chart.type) {
    case 'drop':
      return dropPlot(chart);
    case 'noise':
      return noisePlot(chart);
    case 'scatter':
      return scatterPlot(chart);
  }
}
