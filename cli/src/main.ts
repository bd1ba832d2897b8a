import { REPORT_FORMATS } from '@quantsmith/api';
import { EMULATED_CPUS } from '@quantsmith/engine';
import { Argument, Command, Option } from 'commander';
import { CACHE_ACTIONS, cacheCommand } from './commands/cache.js';
import { CHECK_FORMATS, checkCommand, FAIL_ON } from './commands/check.js';
import { COMPARE_FORMATS, compareCommand } from './commands/compare.js';
import { addCompletion } from './commands/completion.js';
import { debugCommand } from './commands/debug.js';
import { doctorCommand } from './commands/doctor.js';
import { explainCommand } from './commands/explain.js';
import { initCommand } from './commands/init.js';
import { inspectCommand } from './commands/inspect.js';
import { overflowCommand } from './commands/overflow.js';
import { reportCommand } from './commands/report.js';
import { runEach } from './commands/runEach.js';
import { mergeCommand, shardCommand } from './commands/shard.js';
import { type SchemaName, schemaCommand, SCHEMAS } from './commands/schema.js';
import { sensitivityCommand } from './commands/sensitivity.js';
import { SWEEP_FORMATS, sweepCommand } from './commands/sweep.js';
import { exit, EXIT, exitCodeOf, problemOf } from './output/exitCodes.js';
import { type MessageOptions, openMessages } from './output/messages.js';
import { failed, problemsIn, type Session } from './output/session.js';
import { parseSetting } from './settings.js';
import { parseDrop, parseLatency, parseSeconds, parseSize, parseThreads } from './units.js';
import { TOOL_VERSION } from './version.js';
import { workerCommand } from './commands/worker.js';

const program = new Command('quantsmith')
  .description(
    'Post-training quantization of ONNX models: check configs, quantize, restore accuracy, report.',
  )
  .version(TOOL_VERSION)
  .showHelpAfterError('(quantsmith --help shows the commands)')
  .addHelpText(
    'after',
    `
First steps:
  quantsmith init model.onnx          write a config that fits the model
  quantsmith run model.quant.yaml     quantize it
  quantsmith doctor                   what is installed, and what will be fast here

Exit codes: 0 done · 1 check found something · 2 usage error · 3 invalid config · 4 model or data cannot be used
            5 a target or limit was not met (the best model is written), or --strict and the report has an error · 6 internal error · 130 cancelled`,
  )
  .exitOverride((error) => {
    process.exit(error.exitCode === 0 ? EXIT.ok : EXIT.usage);
  });

interface CommonOptions extends MessageOptions {
  readonly json?: boolean;
  readonly format?: string;
}

/** A command with the options that all have, and examples in its help. */
function command(name: string, description: string, examples: readonly string[]): Command {
  const lines = examples.map((example) => `  quantsmith ${example}`);
  return program
    .command(name)
    .description(description)
    .showHelpAfterError(`(quantsmith ${name} --help shows its arguments and options)`)
    .option('-q, --quiet', 'print only results and errors')
    .option('-v, --verbose', 'also print how long each stage took')
    .option('--log-file <file>', 'append all messages to this file, with timestamps')
    .addHelpText('after', `\nExamples:\n${lines.join('\n')}`);
}

/** Runs a command: what it throws becomes a message, JSON where that was asked for, and the exit code. */
function acting<A extends unknown[]>(
  action: (session: Session, ...args: A) => number | Promise<number>,
): (...args: A) => Promise<void> {
  return async (...args) => {
    // Commander hands over the arguments, then the options, then the command.
    const options = args.at(-2) as CommonOptions;
    const json = options.json === true || options.format === 'json';
    try {
      const session = { messages: openMessages(options), json };
      exit(await action(session, ...args));
    } catch (error) {
      const problem = problemOf(error);
      exit(failed({ messages: openMessages({}), json }, problemsIn(problem), exitCodeOf(problem)));
    }
  };
}

const modules = () =>
  new Option('--allow-modules', 'allow the JavaScript modules named by the config (loader, metric) to run');

const redis = () =>
  new Option(
    '--redis [url]',
    'let workers measure; redis:// or rediss:// (TLS), default: QUANTSMITH_REDIS, which keeps a password out of lists of processes',
  );
const store = (what = 'the folder that all processes share') => new Option('--store <folder>', what);

const noCache = () => new Option('--no-cache', 'recompute calibration statistics; do not cache them');
const json = (what = 'print JSON, problems included') => new Option('--json', what);
const output = (what = 'write it to a file instead of standard output') =>
  new Option('--output <file>', what);

command('run', 'quantize the model that a config names, restore accuracy, write model and report', [
  'run model.quant.yaml',
  'run a.quant.yaml b.quant.yaml',
  'run model.quant.yaml --output build/model.int8.onnx --format markdown >> "$GITHUB_STEP_SUMMARY"',
  'run model.quant.yaml --json | jq .metric',
])
  .argument('<config...>', 'configs, run one after another')
  .addOption(output('path of the quantized model (default: from the config)'))
  .addOption(json('print only the report, as JSON, on standard output; problems are JSON too'))
  .addOption(
    new Option('--format <format>', 'print the report in this format instead of a summary')
      .choices(REPORT_FORMATS)
      .conflicts('json'),
  )
  .addOption(
    new Option(
      '--verify-isa <cpu>',
      'also run the written model on this CPU, emulated by QEMU, and compare',
    ).choices(Object.keys(EMULATED_CPUS)),
  )
  .option(
    '--locked',
    'write what was chosen by measurement into the config, so that later runs give the same model',
  )
  .option('--strict', 'exit with 5 if the report has an error, such as a damaged output')
  .addOption(
    new Option(
      '--set <setting=value>',
      'override a setting, named by its path or a unique end of it; may be repeated',
    )
      .argParser(parseSetting)
      .conflicts('locked'),
  )
  .option('--resume', 'resume an interrupted run')
  .option('--force', 'replace an output that quantsmith did not write')
  .addOption(noCache())
  .addOption(modules())
  .addOption(redis())
  .addOption(store('the folder that the run and its workers share'))
  .action(acting((session, configs: string[], options) => runEach(configs, options, session)));

command('sweep', 'run every combination of settings in the matrix of a config, and compare them', [
  'sweep model.quant.yaml',
  'sweep a.quant.yaml b.quant.yaml --set overflow_fix=enable',
  'sweep model.quant.yaml --output sweep.html',
  'sweep model.quant.yaml --time-limit 600',
  'sweep model.quant.yaml --use "preset=mixed"',
])
  .argument('<config...>', 'configs with a `matrix`; one without is a single run')
  .addOption(
    new Option(
      '--set <setting=value>',
      'set a setting for all runs, by its path or a unique end of it; may be repeated',
    ).argParser(parseSetting),
  )
  .addOption(
    new Option('--format <format>', 'default: by the extension of --output, else table').choices(
      SWEEP_FORMATS,
    ),
  )
  .addOption(json())
  .addOption(output())
  .option(
    '--time-limit <seconds>',
    'if it is too short for all combinations, those that do best on few samples are run',
    parseSeconds,
  )
  .addOption(
    new Option(
      '--use <name>',
      'run nothing: write the settings of the combination of this name into the config',
    ).conflicts(['set', 'output', 'json', 'format']),
  )
  .option('--fresh', 'also repeat runs that an earlier sweep has finished')
  .option('--strict', 'exit with 5 if a report has an error, such as a damaged output')
  .option('--force', 'replace outputs that quantsmith did not write')
  .addOption(noCache())
  .addOption(modules())
  .addOption(redis())
  .addOption(store('the folder that the sweep and its workers share'))
  .action(acting((session, configs: string[], options) => sweepCommand(configs, options, session)));

command('check', 'check configs without running them', [
  'check model.quant.yaml',
  "check . 'models/**/*.quant.yaml' --fail-on warning --format github",
  'check --fix model.quant.yaml',
  'check - --stdin-name model.quant.yaml < model.quant.yaml',
])
  .argument('<config...>', 'files, folders (searched for configs), globs, or - for standard input')
  .addOption(
    new Option('--format <format>', 'how findings are printed').choices(CHECK_FORMATS).default('text'),
  )
  .addOption(
    new Option('--fail-on <severity>', 'the lowest severity that exits with 1')
      .choices(FAIL_ON)
      .default('error'),
  )
  .option('--fix', 'apply auto-fixable fixes to the files; for standard input, print the result')
  .option('--stdin-name <file>', 'the name and place of a config from standard input', 'stdin.quant.yaml')
  .action(acting((session, configs: string[], options) => checkCommand(configs, options, session)));

command('report', 'show the report of a run in another format', [
  'report model.int8.onnx',
  'report model.int8.onnx --output report.html',
])
  .argument('<report>', 'the <model>.report.json that a run wrote, or that model')
  .addOption(
    new Option('--format <format>', 'default: by the extension of --output, else table').choices(
      REPORT_FORMATS,
    ),
  )
  .addOption(output())
  .action(acting((_, report: string, options) => reportCommand(report, options)));

command('compare', 'show reports, or two models, side by side; with limits, a gate for CI', [
  'compare model.onnx model.int8.onnx',
  'compare a.int8.onnx b.int8.onnx c.int8.onnx --output runs.html',
  'compare main.report.json new.report.json --max-drop 0.5% --max-latency 1.1x --max-size 4MB',
])
  .argument('<report...>', 'reports, or the models that they lie beside; two may be models without reports')
  .addOption(
    new Option('--format <format>', 'default: by the extension of --output, else table').choices(
      COMPARE_FORMATS,
    ),
  )
  .addOption(output())
  .option('--max-drop <drop>', 'maximum drop of the metric from the first, e.g. 0.01 or 1%', parseDrop)
  .option(
    '--max-latency <limit>',
    'maximum latency of the others, e.g. 3ms, or 1.1x that of the first',
    parseLatency,
  )
  .option('--max-size <limit>', 'maximum size of the others, e.g. 4MB, or 0.3x that of the first', parseSize)
  .action(acting((session, paths: string[], options) => compareCommand(paths, options, session)));

command(
  'sensitivity',
  'measure what quantizing each layer alone does to outputs and accuracy, without writing a model',
  ['sensitivity model.quant.yaml'],
)
  .argument('<config>')
  .addOption(json())
  .addOption(noCache())
  .addOption(modules())
  .addOption(redis())
  .addOption(store('the folder that the command and its workers share'))
  .action(acting((session, config: string, options) => sensitivityCommand(config, options, session)));

command(
  'debug',
  'compare every layer of the quantized model with the float model, and name the first that loses its signal; writes no model',
  ['debug model.quant.yaml', 'debug model.quant.yaml --save layers/'],
)
  .argument('<config>')
  .addOption(json('print JSON (quantsmith schema debug), problems included'))
  .option('--save <folder>', 'write the tensors of every layer on one sample, and images, into a new folder')
  .addOption(noCache())
  .addOption(modules())
  .action(acting((session, config: string, options) => debugCommand(config, options, session)));

command(
  'overflow',
  'show where 16-bit sums saturate on CPUs without VNNI, and the effect of each overflow_fix',
  ['overflow model.int8.onnx', 'overflow model.quant.yaml --json'],
)
  .argument('<model or config>', 'a quantized model (.onnx), or a config')
  .addOption(json())
  .addOption(noCache())
  .addOption(modules())
  .action(acting((session, path: string, options) => overflowCommand(path, options, session)));

command('worker', 'measure what runs with --redis hand out, until stopped', [
  'worker --redis redis://host:6379 --store /shared/store',
  'QUANTSMITH_REDIS=rediss://user:password@host quantsmith worker --store /shared/store',
])
  .addOption(redis())
  .addOption(store())
  .addOption(new Option('--threads <n>', 'threads of one inference').argParser(parseThreads).default(1))
  .addOption(modules())
  .action(acting((session, options) => workerCommand(options, session)));

command('shard', 'compute one share of what a run measures into a folder, for clusters without Redis', [
  'shard 1/8 model.quant.yaml --store /shared/store',
])
  .argument('<share>', 'which one of how many, such as 1/8')
  .argument('<config>')
  .addOption(store())
  .option('--wait <seconds>', 'how long to wait for results of other shares', parseSeconds)
  .addOption(noCache())
  .addOption(modules())
  .action(
    acting((session, share: string, config: string, options) =>
      shardCommand(share, config, options, session),
    ),
  );

command('merge', 'make model and report from what the shares of a run have computed', [
  'merge model.quant.yaml --store /shared/store',
])
  .argument('<config>')
  .addOption(store())
  .addOption(output('path of the quantized model (default: from the config)'))
  .addOption(json('print only the report, as JSON, on standard output; problems are JSON too'))
  .option('--force', 'replace an output that quantsmith did not write')
  .addOption(noCache())
  .addOption(modules())
  .action(acting((session, config: string, options) => mergeCommand(config, options, session)));

command('inspect', 'show the structure of an ONNX model', ['inspect model.onnx', 'inspect model.onnx --json'])
  .argument('<model>')
  .addOption(json().conflicts('html'))
  .option('--html <file>', 'write a page with every node instead')
  .action(acting((_, model: string, options) => inspectCommand(model, options)));

command(
  'init',
  'write a commented config that fits a model: its task, the data nearby, the best preprocessing',
  [
    'init model.onnx',
    'init model.onnx --data ../datasets/coco',
    'init model.onnx --loader --metric accuracy.ts',
  ],
)
  .argument('<model>')
  .option('--data <folder>', "look for data here (default: the config's folder)")
  .option('--seconds <n>', 'seconds to spend on trying preprocessings (default: 60; 0: none)', parseSeconds)
  .option('--loader [file]', 'also write a working loader to start from (default: loader.mjs)')
  .option('--metric [file]', 'also write a working metric to start from (default: metric.mjs)')
  .addOption(output('the config to write (default: <model>.quant.yaml beside the model)'))
  .option('--force', 'overwrite existing files')
  .action(acting((session, model: string, options) => initCommand(model, options, session)));

command('explain', 'explain the code of a finding or an error, and what to do', [
  'explain dead-setting',
  'explain                             all codes',
])
  .argument('[code]')
  .addOption(json())
  .action(acting((_, code: string | undefined, options) => explainCommand(code, options)));

command('schema', 'print the JSON Schema of configs, of reports, or of what a command prints as JSON', [
  'schema config --output quant.schema.json',
  'schema sensitivity',
])
  .addArgument(new Argument('[which]').choices(SCHEMAS).default('config'))
  .addOption(output())
  .action(acting((_, which: SchemaName, options) => schemaCommand(which, options)));

command('cache', 'show or clear the cached calibration statistics', ['cache info', 'cache clean'])
  .addArgument(new Argument('[action]').choices(CACHE_ACTIONS).default('info'))
  .addOption(json())
  .action(acting((_, action: (typeof CACHE_ACTIONS)[number], options) => cacheCommand(action, options)));

command('doctor', 'show what is installed, whether the engine starts, and what will be fast', [
  'doctor',
  'doctor --json',
])
  .addOption(json())
  .action(acting((_, options) => doctorCommand(options)));

program
  .command('lsp')
  .description('run the language server')
  .addOption(new Option('--stdio', 'use standard input and output').default(true))
  .action(async () => {
    const { startOnStdio } = await import('@quantsmith/server/connection');
    startOnStdio();
  });

addCompletion(program);

program.parseAsync().catch((error: unknown) => {
  const problem = problemOf(error);
  exit(failed({ messages: openMessages({}), json: false }, problemsIn(problem), exitCodeOf(problem)));
});
