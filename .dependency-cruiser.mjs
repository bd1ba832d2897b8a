/**
 * Who may import whom, type imports counted. Everything that is not listed is an error, and so is a folder that is not
 * listed. A bare name is a folder of the same part; `node:` is a module of Node; `npm:` a package; `parts` are the parts of
 * the repository whose doors (the `exports` of their package.json) every folder of a part may use.
 */
const ARROWS = {
  schemas: {
    parts: '',
    folders: {
      '.': 'generated node:path',
      generated: 'npm:ajv',
    },
  },
  model: {
    parts: 'schemas',
    folders: {
      arrays: 'files',
      files: 'node:crypto node:fs node:path',
      graph: 'onnx node:crypto npm:@bufbuild/protobuf',
      onnx: 'arrays files node:crypto node:fs node:path npm:@bufbuild/protobuf',
      operators: 'graph onnx',
      refusals: 'onnx operators upgrade',
      scope: 'graph npm:re2js',
      tasks: '',
      upgrade: 'graph onnx npm:@bufbuild/protobuf',
    },
  },
  engine: {
    parts: 'schemas model',
    folders: {
      '.': `
        cache data draft measure output overflow plan processes progress quantize restore run runtime
        saturation statistics validation weights work node:child_process node:crypto node:fs node:path node:url
      `,
      bodies: `
        calibration data overflow plan prepare quantize runtime statistics verify
        npm:@bufbuild/protobuf
      `,
      cache: 'node:crypto node:fs node:path npm:env-paths',
      calibration: 'cache corrections data placement prepare quantize ranges runtime statistics',
      choose: `
        calibration data measure placement plan prepare progress quantize ranges runtime
      `,
      corrections: 'data placement prepare qdq quantize ranges runtime statistics weights',
      data: `
        processes runtime node:child_process node:crypto node:fs node:module node:path node:url node:util
        node:worker_threads npm:@bufbuild/protobuf npm:@huggingface/tokenizers npm:fast-png
        npm:fflate npm:sharp npm:sucrase
      `,
      draft: 'data metrics runtime tasks validation node:path',
      measure: `
        cache data metrics overflow placement processes profile progress quantize ranges runtime saturation
        validation verify node:crypto node:os node:path node:timers
      `,
      metrics: 'data runtime tasks node:path',
      objective: 'choose metrics validation',
      output: 'processes node:fs node:path npm:@bufbuild/protobuf',
      overflow: '',
      placement: 'prepare',
      plan: `
        calibration corrections data placement ranges restore saturation validation
      `,
      prepare: 'runtime npm:@bufbuild/protobuf',
      processes: 'node:crypto node:fs node:os node:path node:url node:worker_threads',
      profile: `
        placement quantize ranges runtime weights node:fs node:path npm:@bufbuild/protobuf npm:fast-png
      `,
      progress: '',
      qdq: 'placement ranges weights npm:@bufbuild/protobuf',
      quantize: 'placement prepare qdq ranges runtime statistics weights',
      ranges: 'placement',
      report: `
        choose corrections measure placement quantize restore runtime saturation validation verify
      `,
      restore: `
        calibration corrections data measure metrics placement progress quantize ranges runtime tasks
        validation weights node:crypto node:fs
      `,
      run: `
        bodies cache calibration choose corrections data measure objective output overflow placement plan prepare processes
        profile progress quantize report restore runtime saturation statistics validation verify work node:crypto
        node:fs node:path
      `,
      runtime: `
        processes node:child_process node:fs node:module node:os node:path node:url node:util
        node:worker_threads npm:@bufbuild/protobuf npm:onnxruntime-node
      `,
      saturation: `
        calibration corrections data metrics output overflow placement prepare profile progress quantize
        ranges runtime validation weights
      `,
      statistics: 'cache placement prepare ranges runtime weights',
      tasks: 'data node:fs node:path',
      validation: 'cache data metrics prepare runtime tasks node:crypto node:path',
      verify: 'data placement quantize runtime npm:@bufbuild/protobuf',
      weights: 'placement ranges node:path',
      work: `
        data metrics processes runtime tasks validation node:crypto node:fs node:os node:path
        npm:@bufbuild/protobuf
      `,
    },
  },
  service: {
    parts: 'schemas model',
    folders: {
      '.': 'context document extends facts features findings knowledge reports rules',
      context: 'document extends facts',
      document: `
        npm:jsonc-parser npm:vscode-languageserver-textdocument npm:vscode-languageserver-types
        npm:yaml
      `,
      extends: 'document node:crypto node:path',
      facts: 'document extends node:path',
      features: `
        context document extends facts findings knowledge reports rules node:path node:url
        npm:jsonc-parser npm:vscode-languageserver-textdocument npm:vscode-languageserver-types
        npm:yaml
      `,
      findings: 'document node:path npm:vscode-languageserver-types',
      knowledge: 'document npm:vscode-languageserver-types',
      reports: '',
      rules: `
        context document extends facts findings knowledge reports node:path
        npm:vscode-languageserver-textdocument npm:vscode-languageserver-types
      `,
    },
  },
  server: {
    parts: 'schemas model engine service',
    folders: {
      '.': 'check client requests runs session sources npm:vscode-languageserver',
      check: 'sources node:fs node:os node:path node:url npm:vscode-languageserver-textdocument',
      client: 'node:stream node:v8 npm:vscode-languageserver',
      requests: `
        check client runs session sources node:path node:timers node:url npm:vscode-languageserver
      `,
      near: 'sources node:fs node:path',
      runs: 'check near node:crypto node:fs node:os node:path',
      session: `
        client sources node:path node:url npm:vscode-languageserver
        npm:vscode-languageserver-textdocument
      `,
      sources: 'node:crypto node:fs node:path node:url node:zlib npm:vscode-languageserver-textdocument',
    },
  },
  cli: {
    // Of scale only the types: its bundle is loaded where somebody asks for it.
    parts: 'schemas model engine service server api report scale',
    folders: {
      '.': 'commands output npm:commander npm:yaml',
      commands: `
        output run node:fs node:path node:stream/consumers node:url npm:@bomb.sh/tab npm:commander
        npm:fastest-levenshtein npm:tinyglobby
      `,
      output: 'node:fs node:path npm:cli-progress npm:picocolors',
      run: 'output node:fs node:net node:path node:url',
    },
  },
  client: {
    parts: 'schemas report',
    folders: {
      '.': 'commands config history modelView report runs server start npm:vscode npm:vscode-languageclient',
      commands: 'config report runs server npm:vscode',
      config: 'npm:vscode',
      history: 'commands config report runs server npm:vscode',
      modelView: 'commands report runs server node:crypto npm:vscode',
      // What is kept for the next window is written at once, without waiting for VS Code.
      report: 'runs node:crypto node:fs node:path npm:vscode',
      runs: 'config server node:crypto node:fs node:path npm:vscode',
      server: 'npm:vscode',
      start: 'commands runs server npm:vscode',
    },
  },
  webview: {
    parts: 'schemas report',
    folders: {
      '.': '',
      graph: '.',
      model: '. graph table',
      table: '.',
    },
  },
  api: {
    parts: 'schemas model engine server report',
    folders: {
      '.': 'node:fs node:path node:url',
    },
  },
  scale: {
    parts: 'schemas',
    folders: {
      '.': 'node:crypto node:os npm:bullmq npm:ioredis',
    },
  },
  report: {
    parts: 'schemas',
    folders: {
      '.': 'generated node:crypto npm:sarif',
      generated: '',
    },
  },
};

/** Files that other parts may import: the doors. */
const DOORS = {
  report: 'report/(src|page)/index[.]ts',
  schemas: 'schemas/src/(index|escape|rounded)[.]ts',
  model: 'model/src/[^/]+/index[.]ts',
  server: 'server/src/(index|connection)[.]ts',
};

/** The names of an entry of the table. */
const list = (names) => names.split(/\s+/).filter((name) => name !== '');

/**
 * Folders that are allowed to reach each other in a circle, a part's root files counted as a folder: the tool compares a
 * folder with those beside it only, not with the one that it lies in.
 */
function circles(folders) {
  const reach = (from, seen = new Set()) => {
    for (const next of list(folders[from]).filter((name) => Object.hasOwn(folders, name)))
      if (!seen.has(next)) reach(next, seen.add(next));
    return seen;
  };

  return Object.keys(folders).filter((folder) => reach(folder).has(folder));
}

for (const [part, { folders }] of Object.entries(ARROWS)) {
  const found = circles(folders);
  if (found.length > 0) throw new Error(`The arrows of ${part} make a circle: ${found.join(', ')}`);
}

const door = (part) => DOORS[part] ?? `${part}/src/index[.]ts`;
const files = (part, folder) => (folder === '.' ? `${part}/src/[^/]+$` : `${part}/src/${folder}/`);

/** A regular expression for everything that one entry of the table stands for. */
function target(part, name) {
  if (name.startsWith('node:')) return `^${name.slice(5)}(/promises)?$`;
  if (name.startsWith('npm:')) return `node_modules/(@types/)?${name.slice(4)}/`;
  return `^${files(part, name)}`;
}

const rules = Object.entries(ARROWS).flatMap(([part, { parts, folders }]) => [
  ...Object.entries(folders).map(([folder, allowed]) => ({
    name: `arrows-of-${part}/${folder}`,
    severity: 'error',
    from: { path: `^${files(part, folder)}` },
    to: {
      pathNot: [
        `^${files(part, folder)}`,
        ...list(allowed).map((name) => target(part, name)),
        ...list(parts).map((other) => `^${door(other)}$`),
        // The schemas themselves, and the version of the program.
        part === 'schemas' ? '^schemas/[^/]+[.]schema[.]json$' : '^package[.]json$',
      ],
    },
  })),
  {
    name: `folder-of-${part}-not-listed`,
    severity: 'error',
    from: {
      path: `^${part}/src/`,
      pathNot: Object.keys(folders).map((folder) => `^${files(part, folder)}`),
    },
    to: {},
  },
]);

export default {
  forbidden: [
    {
      name: 'no-circular-files',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
    {
      name: 'no-circular-folders',
      severity: 'error',
      scope: 'folder',
      from: { path: '/src/' },
      to: { circular: true },
    },
    { name: 'not-found', severity: 'error', from: {}, to: { couldNotResolve: true } },
    ...rules,
  ],
  options: {
    tsPreCompilationDeps: true,
    doNotFollow: { path: 'node_modules' },
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['types', 'import', 'node', 'default'],
    },
  },
};
