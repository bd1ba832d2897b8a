import { expect, it } from 'vitest';
import { reportHtml, reportMarkdown, reportText } from '../src/index.js';
import { sampleReport } from '../../test/kit/sampleReport.js';

const report = sampleReport();
const undefinedDrop = {
  ...report,
  metric: {
    ...report.metric!,
    baseline: 0,
    drop_type: 'relative' as const,
    drop: null,
    ci95: null,
    satisfied: false,
  },
};

it.each(Object.entries({ reportText, reportMarkdown, reportHtml }))(
  '%s says that a drop is undefined',
  (_, view) => {
    // Its script is no text.
    const text = view(undefinedDrop).replace(/<script[\s\S]*/, '');
    expect(text).toContain('a drop relative to it is undefined');
    expect(text).toContain('target missed');
    expect(text).not.toMatch(/NaN|Infinity|null/);
  },
);
