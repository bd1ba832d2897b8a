import type { RunRequest } from '@quantsmith/schemas';
import { exitCodeOf, problemOf } from '../../cli/src/output/exitCodes.js';
import { runPipeline } from '../../engine/src/pipeline.js';
import type { PlaceAnswer, PlaceQuestion } from './places.js';

// Runs as somebody, one run for each question. Root loads all that a run needs, by a run, before it becomes somebody else: the
// programs may lie where that user cannot read. Argument: the user's and group's number; without one as whoever it is started.

async function answer({ request, home }: PlaceQuestion): Promise<PlaceAnswer> {
  process.chdir(home);
  try {
    const { report } = await runPipeline(request, () => undefined);
    return { exit: 0, code: null, message: '', file: report.output.path };
  } catch (error) {
    const problem = problemOf(error);
    const { code, message, file = null } = problem;
    return { exit: exitCodeOf(problem), code, message, file };
  }
}

process.once(
  'message',
  ({ first, questions }: { first: RunRequest; questions: readonly PlaceQuestion[] }) => {
    void (async () => {
      await runPipeline(first, () => undefined);
      const [user] = process.argv.slice(2);
      if (user !== undefined) {
        process.setgroups!([]);
        process.setgid!(Number(user));
        process.setuid!(Number(user));
      }

      const answers: PlaceAnswer[] = [];
      for (const question of questions) answers.push(await answer(question));
      process.send!(answers, () => process.disconnect());
    })();
  },
);
