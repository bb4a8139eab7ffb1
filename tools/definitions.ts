import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from './bundle';

export interface Definition {
  /** Kind of operation: name of the folder. */
  readonly kind: string;
  readonly file: string;
  readonly text: string;
}

/** All state machines of the project, as written. */
export const readDefinitions = (folder = join(ROOT, 'state-machines')): Definition[] =>
  (existsSync(folder) ? readdirSync(folder) : [])
    .map((kind) => ({ kind, file: join(folder, kind, 'definition.asl.json') }))
    .filter(({ file }) => existsSync(file))
    .map(({ kind, file }) => ({ kind, file, text: readFileSync(file, 'utf8') }));

/** The definition as Step Functions gets it, with an ARN of no account for each `${Function}`. */
export const withDummyArns = (text: string): string =>
  text.replaceAll(/\$\{([A-Za-z]+)\}/g, (_, name: string) => `arn:aws:lambda:us-east-1:123456789012:function:${name}`);
