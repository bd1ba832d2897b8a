import { Command, InvalidArgumentError, Option } from 'commander';
import { TOOL_VERSION } from './version.js';
import { checkCommand } from './commands/check.js';
import { COMPARE_FORMATS, compareCommand } from './commands/compare.js';
import { initCommand } from './commands/init.js';
import { inspectCommand } from './commands/inspect.js';
import { overflowCommand } from './commands/overflow.js';
import { REPORT_FORMATS, reportCommand } from './commands/report.js';
import { runCommand } from './commands/run.js';
import { sensitivityCommand } from './commands/sensitivity.js';
import { exit, EXIT } from './exit.js';
import { EMULATED_CPUS } from '@quantsmith/engine';

const program = new Command('quantsmith')
  .description(
    'Post-training quantization of ONNX models: check configs, quantize, restore accuracy, report.',
  )
  .version(TOOL_VERSION)
  .showHelpAfterError('(quantsmith --help shows the commands)')
  .addHelpText(
    'after',
    `
Exit codes: 0 done · 1 check found errors · 2 wrong usage · 3 the config is not valid · 4 model or data cannot be used
            5 the accuracy target was not met (the best model is written) · 6 internal error · 130 cancelled`,
  )
  .exitOverride((error) => {
    process.exit(error.exitCode === 0 ? EXIT.ok : EXIT.usage);
  });

program
  .command('run')
  .description('quantize the model that a config names, restore accuracy, write model and report')
  .argument('<config>')
  .option('--output <file>', 'where the quantized model goes (default: what the config says)')
  .option('--json', 'print the report as JSON, and nothing else, on standard output')
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
  .option('--resume', 'resume an interrupted run')
  .option('--force', 'replace an output that quantsmith did not write')
  .option('--no-cache', 'collect calibration statistics anew, and keep none')
  .option('--allow-modules', 'allow the JavaScript modules that the config names (loader, metric) to run')
  .action(async (config: string, options) => exit(await runCommand(config, options)));

program
  .command('check')
  .description('check configs without running them')
  .argument('<config...>')
  .addOption(
    new Option('--format <format>', 'how findings are printed')
      .choices(['text', 'json', 'sarif'])
      .default('text'),
  )
  .action(async (configs: string[], options) => exit(await checkCommand(configs, options.format)));

program
  .command('report')
  .description('show the report of a run in another format')
  .argument('<report>', 'the <model>.report.json that a run wrote, or that model')
  .addOption(
    new Option('--format <format>', 'default: what the name of --output says, else table').choices(
      REPORT_FORMATS,
    ),
  )
  .option('--output <file>', 'write it to a file instead of standard output')
  .action(async (report: string, options) => exit(await reportCommand(report, options)));

program
  .command('compare')
  .description('show two reports, or two models, side by side')
  .argument('<a>', 'a report, or a model')
  .argument('<b>', 'another one')
  .addOption(new Option('--format <format>').choices(COMPARE_FORMATS).default('table'))
  .option('--output <file>', 'write it to a file instead of standard output')
  .action(async (a: string, b: string, options) => exit(await compareCommand(a, b, options)));

program
  .command('sensitivity')
  .description(
    'measure what quantizing each layer alone does to outputs and accuracy, without writing a model',
  )
  .argument('<config>')
  .option('--json', 'as JSON')
  .option('--no-cache', 'collect calibration statistics anew, and keep none')
  .option('--allow-modules', 'allow the JavaScript modules that the config names (loader, metric) to run')
  .action(async (config: string, options) => exit(await sensitivityCommand(config, options)));

program
  .command('overflow')
  .description('show where 16-bit sums saturate on CPUs without VNNI, and what each overflow_fix gives')
  .argument('<model or config>', 'a quantized model (.onnx), or a config')
  .option('--json', 'as JSON')
  .option('--no-cache', 'collect calibration statistics anew, and keep none')
  .option('--allow-modules', 'allow the JavaScript modules that the config names (loader, metric) to run')
  .action(async (path: string, options) => exit(await overflowCommand(path, options)));

program
  .command('inspect')
  .description('show the structure of an ONNX model')
  .argument('<model>')
  .option('--json', 'as JSON')
  .action(async (model: string, options) => exit(await inspectCommand(model, options)));

program
  .command('init')
  .description('write a commented config that fits a model')
  .argument('<model>')
  .option('--output <file>', 'the config to write (default: <model>.quant.yaml beside the model)')
  .option('--force', 'overwrite it')
  .action(async (model: string, options) => exit(await initCommand(model, options)));

program
  .command('lsp')
  .description('run the language server')
  .addOption(new Option('--stdio', 'talk over standard input and output').default(true))
  .action(async () => {
    const { startServer } = await import('@quantsmith/server/connection');
    startServer();
  });

program.parseAsync().catch((error: unknown) => {
  if (error instanceof InvalidArgumentError) process.exit(EXIT.usage);
  console.error(error instanceof Error ? error.message : String(error));
  process.exit(EXIT.internal);
});
