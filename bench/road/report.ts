import { writeFileSync } from 'node:fs';
import type { Aim } from '../statistics';
import type { FunctionFigures } from './functions';
import type { OperationFigures } from './operations';
import type { StagePrice } from './stage-price';
import type { StartFigures } from './start';
import type { SubmissionFigures } from './submissions';

export interface Results {
  readonly machine: { readonly cores: number; readonly model: string };
  readonly start: StartFigures | undefined;
  readonly synthSeconds: number;
  readonly submissions: readonly SubmissionFigures[];
  readonly operations: readonly OperationFigures[];
  readonly handlers: readonly { readonly route: string; readonly p50Ms: number; readonly p95Ms: number }[];
  readonly functions: readonly FunctionFigures[];
  readonly stage: StagePrice;
  readonly aims: readonly Aim[];
}

const table = (head: readonly string[], rows: readonly (readonly (string | number)[])[]): string =>
  [head, head.map(() => '---'), ...rows].map((row) => `| ${row.join(' | ')} |`).join('\n');

/** Writes docs/benchmarks.md. */
export const report = (path: string, results: Results, runs: number): void => {
  const { start, submissions, operations, handlers, functions, stage, aims } = results;
  const sections = [
    '# Benchmarks',
    'Written by `npm run bench -- road --write`. All of it ran on the local twin: real Flink and Kafka, the bundled functions under the same Node as on Lambda, an AWS emulator in ' +
      `between. ${results.machine.cores} cores (${results.machine.model.trim()}), medians of ${runs} runs, caches warm. Prices are list prices of us-east-1 without free tiers, sources in \`bench/road/prices.ts\`.`,
    '## Aims',
    table(
      ['aim', 'wanted', 'measured', 'met', 'note'],
      aims.map((aim) => [aim.name, aim.aim, aim.measured, aim.met ? 'yes' : '**no**', aim.note ?? '']),
    ),
    ...(start
      ? [
          '## From `npm start` to the first result row',
          `${start.secondsToFirstRow} s from the call to the first committed row; ${start.seconds} s until all ${start.rowsCompared} rows were compared and nothing ran any more. \`cdk synth\` alone takes ${results.synthSeconds} s; its result is kept while nothing changes.`,
          table(['phase', 'seconds'], Object.entries(start.phases)),
        ]
      : []),
    '## A submission, through the API and by hand',
    'The same program in turns on one cluster: through the API until the operation has succeeded, and through Flink’s REST API (upload, run) until all tasks run. The difference is what the control plane adds.',
    table(
      ['program', 'API s', 'by hand s', 'overhead s', 'API runs', 'runs by hand'],
      submissions.map((one) => [
        one.program,
        one.apiSeconds,
        one.byHandSeconds,
        one.overheadSeconds,
        one.api.join(', '),
        one.byHand.join(', '),
      ]),
    ),
    '## What an operation uses and costs',
    'From the history of its Step Functions execution. Waiting takes states too, so a launch that waits longer costs a little more.',
    table(
      ['operation', 'seconds', 'transitions', 'invocations', 'function ms', '$'],
      operations.map((one) => [one.kind, one.seconds, one.transitions, one.invocations, one.functionMs, one.dollars.toFixed(5)]),
    ),
    '## What an empty stage costs',
    table(['part', '$ a month'], [...Object.entries(stage.parts), ['**all**', stage.dollarsPerMonth]]),
    '## Warm calls',
    'Round trip through the emulated API Gateway, one call at a time: the handler, its table, and the emulator.',
    table(
      ['route', 'p50 ms', 'p95 ms'],
      handlers.map((one) => [`\`${one.route}\``, one.p50Ms, one.p95Ms]),
    ),
    '## Functions',
    table(
      ['function', 'bundle KB', 'cold init ms'],
      functions.map((one) => [one.name, one.bundleKB, one.coldInitMs]),
    ),
  ];
  writeFileSync(path, `${sections.join('\n\n')}\n`);
};
