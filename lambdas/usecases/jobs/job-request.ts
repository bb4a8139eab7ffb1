import { createHash } from 'node:crypto';
import type { Cluster } from '../../contracts/cluster';
import { type FieldProblem, InvalidRequest } from '../../contracts/errors';
import type { JobSpec, StoredJobSpec } from '../../contracts/job';
import type { JobScaling } from '../../contracts/scaling';
import type { Stage } from '../../contracts/stage';
import { mostSlots } from '../../domain/capacity';
import { refusedSettings } from '../../domain/flink-settings-policy';
import { jarPlaceProblem, savepointPlaceProblem } from '../../domain/program-place';
import { tooLarge } from '../../domain/spec-limit';
import { scriptProblem, sqlSettings } from '../../domain/sql-script';
import { scriptKey } from '../../domain/state-paths';
import type { ArtifactsPort } from '../../gateways/aws/artifacts.port';
import type { AcceptDeps } from '../operations/accept';

export type JobRequestDeps = AcceptDeps & { readonly artifacts: ArtifactsPort };
type ScriptDeps = { readonly artifacts: Pick<ArtifactsPort, 'putText'>; readonly stage: Pick<Stage, 'stateBucket'> };

/** A parallelism that the largest fleet has slots for. */
export const parallelismProblems = (parallelism: number, { size }: Cluster): readonly FieldProblem[] =>
  parallelism <= mostSlots(size)
    ? []
    : [
        {
          path: 'parallelism',
          message: `${parallelism} slots asked, the largest fleet of ${size.taskManagers.max} TaskManagers has ${mostSlots(size)}`,
        },
      ];

/** A budget is held to the prices of the stage: without them it would be promised and not kept. @param within where the settings stand in the request */
export const budgetProblems = (
  scaling: JobScaling | undefined,
  { size }: Cluster,
  { prices = {}, volumePrices }: Pick<Stage, 'prices' | 'volumePrices'>,
  within = 'scaling.',
): readonly FieldProblem[] => {
  if (scaling?.budgetDollarsPerHour === undefined) return [];
  const unpriced = [...new Set([size.instanceType, size.jobManager.instanceType])].filter((type) => prices[type] === undefined);
  const missing = [
    ...(unpriced.length > 0 ? [`(prices) has no price of ${unpriced.join(' and ')}`] : []),
    ...(volumePrices === undefined ? ['(volumePrices) has none of their volumes'] : []),
  ];
  if (missing.length === 0) return [];
  const message = `a budget cannot be kept: the stage's configuration ${missing.join(', and ')}`;
  return [{ path: `${within}budgetDollarsPerHour`, message }];
};

/** A cluster with Spot hosts takes jobs that allow them: tasks of every job may be on any host. */
const spotProblems = async (
  { artifacts, stage }: JobRequestDeps,
  { name, spec }: Cluster,
  { allowSpot, jar, sql, kept, flinkConfiguration }: AskedOfJob,
): Promise<readonly FieldProblem[]> => {
  const { spotPercent } = spec.purchase;
  if (spotPercent === 0 || allowSpot === true) return [];
  const script = sql?.script ?? (jar === undefined && kept?.kind === 'sql' ? await artifacts.getText(kept.uri) : undefined);
  const settings = [sqlSettings(script ?? ''), flinkConfiguration, spec.flinkConfiguration, stage.flinkConfiguration];
  if (allowSpot === undefined && isBatch(settings)) return [];
  const message = `cluster ${name} buys ${spotPercent} % of its TaskManager hosts as Spot, which EC2 takes back at two minutes' notice: a job that is no batch job (execution.runtime-mode) runs there only where this is true`;
  return [{ path: 'allowSpot', message }];
};

/** By the settings, of which the first that name a mode count. What a program sets for itself is not seen. */
const isBatch = (settings: readonly Readonly<Record<string, string>>[]): boolean =>
  settings.flatMap((one) => one['execution.runtime-mode'] ?? [])[0]?.toUpperCase() === 'BATCH';

type AskedOfJob = Pick<JobSpec, 'jar' | 'sql' | 'flinkConfiguration' | 'allowSpot'> & {
  readonly parallelism: number;
  /** The program of a job that may get another. */
  readonly kept?: StoredJobSpec['program'];
  readonly restore?: JobSpec['restore'];
  readonly scaling?: JobScaling | undefined;
};

/** Everything about a job's request that can be known before Flink sees it. @throws InvalidRequest with every problem */
export const checkJobRequest = async (deps: JobRequestDeps, cluster: Cluster, request: AskedOfJob): Promise<void> => {
  const { artifacts, stage } = deps;
  const savepoint = request.restore?.savepoint;
  const problems: FieldProblem[] = [
    ...parallelismProblems(request.parallelism, cluster),
    ...budgetProblems(request.scaling, cluster, stage),
    ...(await spotProblems(deps, cluster, request)),
    ...refusedSettings(request.flinkConfiguration, 'job'),
    ...tooLarge({ flinkConfiguration: request.flinkConfiguration, 'jar.arguments': request.jar?.arguments }),
    ...(request.sql ? scriptProblems(request.sql.script) : []),
    ...(request.jar ? await misplaced(artifacts, 'jar.uri', request.jar.uri, jarPlaceProblem(request.jar.uri, cluster.name, stage)) : []),
    // Every complete savepoint and checkpoint has this file, written last.
    ...(savepoint === undefined
      ? []
      : await misplaced(
          artifacts,
          'restore.savepoint',
          `${savepoint.replace(/\/$/, '')}/_metadata`,
          savepointPlaceProblem(savepoint, cluster.name, stage),
        )),
  ];
  if (problems.length > 0) throw new InvalidRequest(problems);
};

/** Settings that a script makes by SET would win over those given with the job, so the same ones are refused. */
export const scriptProblems = (script: string, path = 'sql.script'): readonly FieldProblem[] =>
  [
    scriptProblem(script) ?? [],
    refusedSettings(sqlSettings(script), 'job').map(({ path, message }) => `SET ${path.replace('flinkConfiguration.', '')} ${message}`),
  ]
    .flat()
    .map((message) => ({ path, message }));

/** What may not be read for the caller is not looked for either. */
const misplaced = async (
  artifacts: ArtifactsPort,
  path: string,
  uri: string,
  place: string | undefined,
): Promise<readonly FieldProblem[]> => {
  const message =
    place ?? ((await artifacts.size(uri)) === undefined ? `${uri} does not exist, or the control plane may not read it` : undefined);
  return message === undefined ? [] : [{ path, message }];
};

/** A program as it is stored. A script goes to S3 under its hash, before anything refers to it. */
export const storeProgram = async (
  { artifacts, stage }: ScriptDeps,
  cluster: string,
  job: string,
  { jar, sql }: Pick<JobSpec, 'jar' | 'sql'>,
): Promise<StoredJobSpec['program'] | undefined> => {
  if (jar) {
    const entryClass = jar.entryClass === undefined ? {} : { entryClass: jar.entryClass };
    return { kind: 'jar', uri: jar.uri, sha256: jar.sha256, ...entryClass, arguments: jar.arguments };
  }
  return sql && { kind: 'sql', ...(await storeScript({ artifacts, stage }, cluster, job, sql.script)) };
};

/** Under its hash: the same script is stored once. */
export const storeScript = async (
  { artifacts, stage }: ScriptDeps,
  cluster: string,
  job: string,
  script: string,
): Promise<{ readonly uri: string; readonly sha256: string }> => {
  const sha256 = createHash('sha256').update(script).digest('hex');
  return { sha256, uri: await artifacts.putText(stage.stateBucket, scriptKey(cluster, job, sha256), script) };
};
