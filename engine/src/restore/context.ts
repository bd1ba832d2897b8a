import type { Lanes } from '../runtime/lanes.js';
import type { Clock } from '../progress/clock.js';
import type { Journal } from './journal.js';

export interface RestoreContext {
  readonly lanes: Lanes;
  readonly clock: Clock;
  readonly journal: Journal;
}
