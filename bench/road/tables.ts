import { aimsTable, table } from '../report';
import { rounded } from '../statistics';
import { aimsOf, emptyStage, type Findings, idleCluster, pricedOperations } from './findings';
import type { MonthPrice } from './months';

const LARGEST_SHOWN = 8;

/** All that was measured, for a person. */
export const tablesOf = (findings: Findings): string =>
  [roadTable, submissionTable, latencyTable, operationTable, monthTable, bundleTable, synthTable, (all: Findings) => aimsTable(aimsOf(all))]
    .map((part) => part(findings))
    .join('');

const seconds = (value: number): string => value.toFixed(1);

const roadTable = ({ firstRow }: Findings): string =>
  firstRow
    ? table(
        'From npm start to the first result row',
        ['', 's'],
        [
          ...firstRow.phases.flatMap(({ name, seconds: took, parts }) => [
            [name, seconds(took)],
            ...parts.map((part) => [`    ${part.name}`, seconds(part.seconds)]),
          ]),
          ['Total', seconds(firstRow.seconds)],
        ],
      )
    : '';

const submissionTable = ({ submissions }: Findings): string =>
  submissions
    ? table(
        'Submission to all tasks running',
        ['', 'median s', 'all'],
        [
          ['API', submissions.apiMedianSeconds, submissions.apiSeconds.join(' ')],
          ['Flink by hand', submissions.byHandMedianSeconds, submissions.byHandSeconds.join(' ')],
          ['Overhead', submissions.overheadSeconds, ''],
          ...Object.entries(submissions.phases).map(([name, took]) => [`    ${name}`, took, '']),
        ],
      )
    : '';

const latencyTable = ({ latencies }: Findings): string =>
  latencies
    ? table(
        'Warm calls, ms',
        ['', 'calls', 'p50', 'p95', 'function p50', 'function p95'],
        latencies.map((one) => [one.route, one.calls, one.p50Ms, one.p95Ms, one.functionP50Ms, one.functionP95Ms]),
      )
    : '';

const operationTable = (findings: Findings): string =>
  findings.operations?.length
    ? table(
        'Operations',
        ['', 's', 'transitions', 'invocations', 'function ms', 'write units', 'USD'],
        pricedOperations(findings).map((one) => [
          one.kind,
          one.seconds,
          one.transitions,
          one.invocations,
          one.functionMs,
          one.tableWriteUnits,
          one.dollars.toFixed(5),
        ]),
      )
    : '';

const monthRows = (name: string, month: MonthPrice | undefined): [string, string][] =>
  month
    ? [
        [name, month.dollars.toFixed(2)],
        ...Object.entries(month.parts).map(([part, dollars]): [string, string] => [`    ${part}`, dollars.toFixed(3)]),
      ]
    : [];

const monthTable = (findings: Findings): string => {
  const rows = [...monthRows('Empty stage', emptyStage(findings)), ...monthRows("An idle cluster's control", idleCluster(findings))];
  const unknown = findings.standing?.unknown ?? [];
  if (unknown.length > 0) rows.push([`Not priced: ${unknown.join(', ')}`, '?']);
  return rows.length > 0 ? table('A month', ['', 'USD'], rows) : '';
};

const bundleTable = ({ bundles }: Findings): string =>
  bundles
    ? table(
        `Functions (the ${LARGEST_SHOWN} largest of ${bundles.length})`,
        ['', 'KB', 'init ms', 'with Node ms'],
        [...bundles]
          .sort((a, b) => b.bytes - a.bytes)
          .slice(0, LARGEST_SHOWN)
          .map((one) => [one.functionName, rounded(one.bytes / 1_000), one.initMs, one.processMs]),
      )
    : '';

const synthTable = ({ synth }: Findings): string =>
  synth?.warmSeconds === undefined
    ? ''
    : table(
        'cdk synth',
        ['', 's'],
        [
          ['bundles at hand', synth.warmSeconds],
          ...(synth.bundlingSeconds === undefined ? [] : [['and bundled anew', rounded(synth.warmSeconds + synth.bundlingSeconds, 2)]]),
        ],
      );
