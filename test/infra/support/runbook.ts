import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** The entries of docs/runbook.md, each with its heading, by the anchors that GitHub makes of these. */
export const runbookSections = (): ReadonlyMap<string, string> =>
  new Map(
    readFileSync(join(__dirname, '../../../docs/runbook.md'), 'utf8')
      .split(/^## /m)
      .slice(1)
      .map((section) => {
        const heading = section.slice(0, section.indexOf('\n')).toLowerCase();
        return [heading.replaceAll(/[^\w\- ]/g, '').replaceAll(' ', '-'), section];
      }),
  );
