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

/** Samples of a unit, as engine/src/work/unit.ts has them, and of the first step of a state's measurement. */
const [UNIT, FIRST_STEP] = [64, 48];
const PROMISING = 1 / 3;
/** Up to so many groups are ranked one by one. */
const ALONE = 32;

/**
 * The run of a model that was not measured: `groups` of operators that may go back to float, `samples` to validate on, and in the search
 * `missed` states that the first samples decide and `met` ones that are measured on all. `pack`: seconds in which the driver makes a
 * state's model; `head`, `tail`: what it does before and after.
 */
export function plannedRun({ groups, samples, perSample, load, pack, missed, met, head, tail }) {
  let states = 0;
  const units = (model, count, offered = 0) =>
    Array.from({ length: Math.ceil(count / UNIT) }, (_, i) => ({
      ...{ model, offered, perSample, load },
      samples: Math.min(UNIT, count - UNIT * i),
    }));
  const wave = (members) => ({ gap: pack, units: members });
  const ranked = (count) =>
    wave(Array.from({ length: count }, (_, i) => units(`${states++}`, UNIT, pack * i)).flat());
  const ranking =
    groups <= ALONE
      ? [ranked(groups)]
      : [ranked(Math.ceil(Math.sqrt(groups))), ranked(Math.ceil(groups * PROMISING))];

  const search = [];
  for (let i = 0; i < missed + met; i++) {
    const model = `${states++}`;
    search.push(wave(units(model, FIRST_STEP)));
    let seen = FIRST_STEP;
    while (i >= missed && seen < samples) {
      const step = Math.min(2 * seen, samples - seen);
      search.push({ ...wave(units(model, step)), gap: 0 });
      seen += step;
    }
  }

  return {
    head,
    tail,
    waves: [wave([...units('float', samples), ...units('int8', samples)]), ...ranking, ...search],
  };
}
