/**
 * Predicts how long a run takes with so many workers. A run is a row of waves: within one, units are offered as the driver makes
 * them; the next begins `gap` seconds after the last unit of the one before. Workers take units in the order of their offers; a
 * worker loads a model that is not among the last two that it had. All times are in seconds.
 *
 * `run`: {head, waves: [{gap, units: [{model, offered, samples, perSample, load}]}], tail}; `offered`: after the wave's begin.
 * `perJob`: what the queue takes for each unit; `cores`: workers beyond them share these.
 */
export function simulate(run, { workers, perJob, cores = Infinity }) {
  const slower = Math.max(1, workers / cores);
  const free = Array.from({ length: workers }, () => ({ at: 0, models: [] }));
  let now = run.head;
  for (const wave of run.waves) {
    const begin = now + wave.gap;
    let end = begin;
    for (const unit of wave.units) {
      // The worker that is free first; of several that are, one that has the model.
      const ready = begin + unit.offered;
      const worker = free.reduce((best, other) => (better(other, best, ready, unit) ? other : best));
      const loads = worker.models.includes(unit.model) ? 0 : unit.load;
      worker.models = [unit.model, ...worker.models.filter((model) => model !== unit.model)].slice(0, 2);
      worker.at = Math.max(worker.at, ready) + perJob + slower * (loads + unit.samples * unit.perSample);
      end = Math.max(end, worker.at);
    }

    now = end;
  }

  return now + run.tail;
}

function better(a, b, ready, { model }) {
  const [whenA, whenB] = [Math.max(a.at, ready), Math.max(b.at, ready)];
  return whenA < whenB || (whenA === whenB && a.models.includes(model) && !b.models.includes(model));
}

/** The waves of a run from what was seen of its units: {model, samples, offered, done, seconds}, in seconds since the run began. */
export function runOf(trace, total) {
  const units = [...trace].sort((a, b) => a.offered - b.offered);
  const waves = [];
  let end = 0;
  for (const unit of units) {
    const last = waves.at(-1);
    // Nothing was on its way: this unit had waited for what came before.
    if (last === undefined || unit.offered >= end)
      waves.push({ begin: unit.offered, before: end, units: [unit] });
    else last.units.push(unit);
    end = Math.max(end, unit.done);
  }

  const costs = costsOf(units);
  const [first] = waves;
  const timed = waves.map(({ begin, before, units: members }, index) => ({
    gap: index === 0 ? 0 : begin - before,
    units: members.map(({ model, samples, offered }) => ({
      ...{ model, samples, offered: offered - begin },
      ...costs,
    })),
  }));

  return { head: first?.begin ?? total, waves: timed, tail: Math.max(0, total - end) };
}

/** Seconds for a sample and for loading a model: the least squares of what units took. */
export function costsOf(units) {
  const seen = new Set();
  let [f, ss, sf, st, ft] = [0, 0, 0, 0, 0];
  for (const { model, samples, seconds } of [...units].sort((a, b) => a.done - b.done)) {
    const loads = seen.has(model) ? 0 : 1;
    seen.add(model);
    f += loads;
    ss += samples * samples;
    sf += samples * loads;
    st += samples * seconds;
    ft += loads * seconds;
  }

  const determinant = ss * f - sf * sf;
  const perSample = determinant === 0 ? st / ss : (f * st - sf * ft) / determinant;
  return { perSample, load: determinant === 0 ? 0 : Math.max(0, (ss * ft - sf * st) / determinant) };
}
