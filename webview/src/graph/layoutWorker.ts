import type { Graph } from './graph.js';
import { layoutOf } from './layout.js';

// A worker of the page: takes a graph, gives its layout.
self.addEventListener('message', ({ data }: MessageEvent<Graph>) => self.postMessage(layoutOf(data)));
