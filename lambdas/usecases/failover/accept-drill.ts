import type { DrillBody } from '../../contracts/api';
import { type FieldProblem, InvalidRequest } from '../../contracts/errors';
import type { Job } from '../../contracts/job';
import type { FailoverTrigger, Operation } from '../../contracts/operation';
import { copyNameOf } from '../../domain/drill-copy';
import { tooLarge } from '../../domain/spec-limit';
import { rehearsalOf } from '../../domain/sql-rehearsal';
import type { ArtifactsPort } from '../../gateways/aws/artifacts.port';
import { scriptProblems, storeScript } from '../jobs/job-request';
import type { AcceptDeps, ChangeRequest } from '../operations/accept';
import { acceptCopyDrill, type Rehearsals } from './accept-copy-drill';
import { acceptFailover } from './accept-failover';

export type DrillDeps = AcceptDeps & { readonly artifacts: Pick<ArtifactsPort, 'putText'> };
type Jobs = NonNullable<DrillBody['jobs']>;

/** Rehearses the loss of a cluster's zone: on the running cluster, unless a copy is wished. @throws as `acceptFailover` and `acceptCopyDrill` do */
export const acceptDrill = (
  deps: DrillDeps,
  change: ChangeRequest,
  cluster: string,
  { on, zone, mode = 'planned', jobs = {} }: DrillBody,
  trigger: FailoverTrigger,
): Promise<Operation> =>
  on === 'copy'
    ? acceptCopyDrill(deps, change, cluster, { zone, trigger, rehearsals: (running) => rehearsalsOf(deps, cluster, jobs, running) })
    : acceptFailover(deps, change, cluster, { zone, mode, trigger, drill: true });

const rehearsalsOf = async (deps: DrillDeps, cluster: string, jobs: Jobs, running: ReadonlyMap<string, Job>): Promise<Rehearsals> => {
  const problems = [
    ...Object.entries(jobs).flatMap(([name, one]) => rehearsalProblems(name, one, running.get(name))),
    ...tooLarge({ jobs: Object.fromEntries(Object.entries(jobs).map(([name, { arguments: given }]) => [name, given])) }),
  ];
  if (problems.length > 0) throw new InvalidRequest(problems);
  const kept = Object.entries(jobs).map(async ([name, one]) => [name, await keep(deps, cluster, name, one)] as const);
  return Object.fromEntries(await Promise.all(kept));
};

const rehearsalProblems = (name: string, { script }: Jobs[string], job: Job | undefined): readonly FieldProblem[] => {
  const path = `jobs.${name}`;
  if (!job) return [{ path, message: `no job ${name} runs` }];
  const isSql = job.spec.program.kind === 'sql';
  if (script === undefined) return isSql ? [{ path: `${path}.arguments`, message: `${name} is a SQL job: it has a script` }] : [];
  if (!isSql) return [{ path: `${path}.script`, message: `${name} is a program in a jar: it has arguments` }];
  const made = rehearsalOf(script, 'given');
  return made.ok ? scriptProblems(script, `${path}.script`) : [{ path: `${path}.script`, message: made.problem }];
};

/** A script lies below the copy's prefix, with which it goes. */
const keep = async (deps: DrillDeps, cluster: string, job: string, wished: Jobs[string]): Promise<Rehearsals[string]> => {
  if (wished.script === undefined) return { arguments: wished.arguments ?? [] };
  const made = rehearsalOf(wished.script, 'given');
  if (!made.ok) throw new Error(`the script for ${job} was not looked at`);
  return { script: await storeScript(deps, copyNameOf(cluster), job, made.script) };
};
