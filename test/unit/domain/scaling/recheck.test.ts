import { decideScaling } from '../../../../lambdas/domain/scaling/decide-scaling';
import type { ScalingDecision } from '../../../../lambdas/domain/scaling/decision';
import { recheck } from '../../../../lambdas/domain/scaling/recheck';
import { AT_ONCE, later, NOW, observed, settings, vertex } from './examples';

interface Seen {
  readonly busy?: number;
  readonly parallelism?: number;
  readonly job?: object;
  readonly seconds?: number;
}
/** What follows from a job of one vertex as it is seen some seconds after the decision. */
const decision = ({ busy = 1, parallelism = 4, job = {}, seconds = 0 }: Seen = {}): ScalingDecision => {
  const waiting = busy === 1 ? { pendingRecords: 100_000, pendingRecordsGrowth: 200 } : { pendingRecords: 0, pendingRecordsGrowth: 0 };
  const at = later(seconds);
  return decideScaling(
    observed([vertex('v', { busy, parallelism, ...waiting })], { job: { observedAt: at, ...job }, fleet: { slotsFree: 100 } }),
    settings(AT_ONCE),
    at,
  );
};

const out = decision();
const inwards = decision({ busy: 0.1 });
test('the examples say what they are meant to', () => {
  expect([out.action, inwards.action, decision({ busy: 0.7 }).action]).toMatchObject([
    { kind: 'rescale', direction: 'out' },
    { kind: 'rescale', direction: 'in' },
    { kind: expect.stringMatching(/none|hold/) },
  ]);
  expect(NOW).toBe(out.inputs.now);
});

test.each<[string, ScalingDecision, ScalingDecision | undefined, boolean, RegExp]>([
  ['goes when nothing newer was observed', out, out, true, /^No newer observation/],
  ['goes when the newest observation says the same', out, decision({ seconds: 30 }), true, /says the same/],
  ['goes inwards when that is still so', inwards, decision({ busy: 0.1, seconds: 30 }), true, /says the same/],
  ['ends when the newest says the opposite', out, decision({ busy: 0.1, seconds: 30 }), false, /says the opposite/],
  ['ends when a job that was to shrink needs more', inwards, decision({ seconds: 30 }), false, /says the opposite/],
  ['ends when the newest does not ask for it', out, decision({ busy: 0.7, seconds: 30 }), false, /does not ask for it any more/],
  [
    'ends when somebody rescaled the job',
    out,
    decision({ parallelism: 8, seconds: 30 }),
    false,
    /parallelism of 8 by now, 4 was decided on/,
  ],
  ['ends when the job is not observed any more', out, undefined, false, /not observed/],
  ['ends when there was nothing to do', decision({ busy: 0.7 }), out, false, /Nothing was to be changed/],
  [
    'goes when the newest says nothing because the job restarts',
    out,
    decision({ seconds: 30, job: { incomplete: true, state: 'RESTARTING' } }),
    true,
    /Decided by the observation before/,
  ],
])('a decision %s', (_, decided, newest, go, reason) => {
  expect(recheck(decided, newest)).toEqual({ go, reason: expect.stringMatching(reason) });
});
