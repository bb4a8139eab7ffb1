import { type OperationKind, workflowKind } from '../../lambdas/contracts/operation';
import type { Emulator } from '../contract/support/emulator';
import { runEmulated, startWithAnswers } from './support/emulated';
import { type Case, explore, shortened } from './support/explore';

/** Each definition is run in this process until every way out of every state was taken, and then case by case in the emulator's Step Functions. */
jest.setTimeout(150_000);

const KINDS = workflowKind.options;
/** Failures that an operation survives: it says so in its note. */
const SURVIVED: Readonly<Partial<Record<OperationKind, readonly string[]>>> = {
  'launch-cluster': ['Prepare next role'],
  'terminate-cluster': ['Stop jobs', 'Look whether the jobs have ended', 'Remove alarms'],
  'stop-job': ['Remove alarms', 'Look for idle hosts', 'Give back idle hosts'],
  'submit-job': ['Record ended jobs', 'Set alarms'],
  'upgrade-job': ['Record ended jobs', 'Discard previous program', 'Set alarms', 'Look for idle hosts', 'Give back idle hosts'],
  'set-scaling': ['Set alarms'],
  'fail-over-cluster': [
    'Secure state',
    'Ask the lost hosts',
    'Begin snapshots of volumes',
    'Look for first checkpoints',
    'Delete former hosts',
    'Look whether the hosts are gone',
    'Delete former access',
    'Prepare next role',
  ],
  'scale-job': [
    'Record ended jobs',
    'Record how the job is',
    'Look for occupied slots',
    'Choose hosts to empty',
    'Take a last checkpoint',
    'Empty hosts',
    'Look at the emptied hosts',
    'Take hosts back',
    'Look for idle hosts',
    'Give back idle hosts',
  ],
  'replace-host': [
    'Take a checkpoint of the jobs',
    'Ask for a replacement',
    'Take a checkpoint',
    'Take a last checkpoint',
    'Look for idle hosts',
    'Give back idle hosts',
  ],
  'rescale-job': [
    'Record ended jobs',
    'Look for occupied slots',
    'Choose hosts to empty',
    'Take a checkpoint',
    'Empty hosts',
    'Look at the emptied hosts',
    'Take hosts back',
    'Look for idle hosts',
    'Give back idle hosts',
  ],
};
/** What has to be taken away or put back when one of these states fails for good. */
const CLEANING: Readonly<
  Partial<Record<OperationKind, readonly { readonly failed: readonly string[]; readonly by: readonly string[] }[]>>
> = {
  'launch-cluster': [
    {
      failed: ['Prepare access', 'Write configuration', 'Create fleet', 'Look for slots', 'Look at the hosts'],
      by: ['Delete fleet', 'Look whether the hosts are gone', 'Delete access'],
    },
  ],
  'prepare-reserve': [
    {
      failed: ['Prepare access', 'Write configuration', 'Create fleet', 'Look for slots', 'Look at the hosts', 'Warm up', 'Keep reserve'],
      by: ['Give up reserve', 'Delete fleet', 'Look whether the hosts are gone', 'Delete access'],
    },
  ],
  'drill-on-copy': [
    {
      failed: [
        ...['Prepare access', 'Write configuration', 'Create fleet', 'Look for slots', 'Look at the hosts'],
        ...['Copy jobs', 'Start jobs', 'Look at the jobs', 'Look for first checkpoints'],
      ],
      by: ['Delete fleet', 'Look whether the hosts are gone', 'Delete access'],
    },
  ],
  'submit-job': [
    { failed: ['Ensure capacity', 'Look for slots', 'Look at the hosts'], by: ['Look for idle hosts', 'Give back idle hosts'] },
    { failed: ['Upload program', 'Start job', 'Look at the job'], by: ['Withdraw job', 'Look for idle hosts', 'Give back idle hosts'] },
  ],
  'stop-job': [
    {
      failed: ['Stop with savepoint', 'Look at the savepoint', 'Cancel job', 'Look whether the job has ended'],
      by: ['Look at the job once more'],
    },
  ],
  'upgrade-job': [
    {
      failed: ['Ensure capacity', 'Look for slots', 'Look at the hosts', 'Upload program'],
      by: ['Look for idle hosts', 'Give back idle hosts'],
    },
    {
      failed: [
        'Stop previous version',
        'Look at the savepoint',
        'Look whether the previous version has ended',
        'Start new version',
        'Look at the job',
      ],
      by: ['Withdraw new version', 'Go back to the previous version', 'Look at the previous version'],
    },
  ],
  'scale-job': [
    { failed: ['Ensure capacity', 'Look for slots', 'Look at the hosts'], by: ['Look for idle hosts', 'Give back idle hosts'] },
    {
      failed: ['Change parallelism', 'Look at the job', 'Look for a checkpoint'],
      by: ['Restore parallelism', 'Look at the former parallelism', 'Look for idle hosts', 'Give back idle hosts'],
    },
    { failed: ['Empty hosts', 'Look at the emptied hosts'], by: ['Take hosts back', 'Look for idle hosts'] },
  ],
  'replace-host': [{ failed: ['Look for room', 'Empty host', 'Look at the emptied host'], by: ['Take host back'] }],
  'rescale-job': [
    { failed: ['Ensure capacity', 'Look for slots', 'Look at the hosts'], by: ['Look for idle hosts', 'Give back idle hosts'] },
    { failed: ['Change parallelism', 'Look at the job'], by: ['Restore parallelism', 'Look at the former parallelism'] },
    { failed: ['Empty hosts', 'Look at the emptied hosts'], by: ['Take hosts back'] },
  ],
  'fail-over-cluster': [
    {
      failed: ['Begin failover', 'Take over the jobs', 'Prepare access', 'Write configuration', 'Create fleet'],
      by: ['Give back', 'Delete former hosts', 'Look whether the hosts are gone', 'Delete former access'],
    },
  ],
};

const explored = new Map<OperationKind, { readonly cases: readonly Case[]; readonly missed: readonly string[] }>();
beforeAll(async () => {
  for (const kind of KINDS) explored.set(kind, await explore(kind));
});
const casesOf = (kind: OperationKind): readonly Case[] => explored.get(kind)?.cases ?? [];
/** Errors with a way of their own. */
const MEANT = new Set(['Superseded', 'InsufficientCapacity']);
/** States of a case that failed for good with an error of no special meaning. */
const failedIn = ({ plan, execution }: Case): readonly string[] =>
  Object.entries(plan).flatMap(([name, outcome]) =>
    'fails' in outcome && !MEANT.has(outcome.fails) && execution.path.includes(name) ? [name] : [],
  );

describe.each(KINDS)('%s', (kind) => {
  test('every Catch and every branch of every Choice can be taken', () => {
    expect(explored.get(kind)?.missed).toEqual([]);
  });

  test('every way ends with the operation ended: as failed when a task failed that it does not survive', () => {
    for (const one of casesOf(kind)) {
      const ends = one.execution.path.filter((name) => name.startsWith('End operation'));
      const fatal = failedIn(one).some((name) => !name.startsWith('End operation') && !(SURVIVED[kind] ?? []).includes(name));
      expect({ plan: one.plan, ends: ends.length }).toEqual({ plan: one.plan, ends: 1 });
      if (fatal) expect({ plan: one.plan, ends }).toEqual({ plan: one.plan, ends: ['End operation as failed'] });
    }
  });

  test('what was made is taken away, and what was changed is put back, whichever state fails', () => {
    for (const { failed, by } of CLEANING[kind] ?? [])
      for (const name of failed) {
        const alone = casesOf(kind).find((one) => failedIn(one).includes(name) && failedIn(one).length === 1);
        expect({ name, path: alone?.execution.path }).toEqual({ name, path: expect.arrayContaining([...by]) });
      }
  });
});

describe('in the emulator', () => {
  let emulator: Emulator;
  beforeAll(async () => {
    emulator = await startWithAnswers(new Map(KINDS.map((kind) => [kind, { definition: shortened(kind), cases: casesOf(kind) }])));
  });
  afterAll(() => emulator.stop());

  test.each(KINDS)('%s goes the same way through every state, to the same end', async (kind) => {
    const cases = casesOf(kind);
    const emulated = await runEmulated(kind, shortened(kind), cases);
    expect(emulated.map(({ status, path }) => ({ status, path }))).toEqual(
      cases.map(({ execution: { status, path } }) => ({ status, path })),
    );
  });
});
