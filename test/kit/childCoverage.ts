import { join } from 'node:path';

// A setup file of the tests: while coverage is measured (scripts/coverage.mjs), processes that a test starts write theirs too.
const folder = process.env['QUANTSMITH_COVERAGE'];
if (folder !== undefined) process.env['NODE_V8_COVERAGE'] = join(folder, 'children');
