import type { PastRescale, ScalingInputs, ScalingState } from '../../contracts/scaling';
import type { Line } from './explain';
import type { Parallelism } from './graph';

/**
 * What a change needs of the fleet, and in which order. `capacity-first`: provide slots, wait for them, then raise the parallelism, and
 * keep them until the job runs and keeps up. `parallelism-first`: lower it, then let hosts without occupied slots go.
 */
export interface ScalingPlan {
  readonly order: 'capacity-first' | 'parallelism-first';
  readonly slotsBefore: number;
  readonly slotsAfter: number;
  /** Slots to add to those that are registered; 0 when the free ones do. */
  readonly slotsToProvide: number;
  /** Free slots that have to be left after it. */
  readonly spareSlots: number;
}

interface Change {
  /** Of every vertex, changed or not. */
  readonly from: Parallelism;
  readonly to: Parallelism;
  readonly plan: ScalingPlan;
}

export type ScalingAction =
  | { readonly kind: 'none' }
  /** Something was wanted, or nothing can be decided; the reason says what holds it. */
  | { readonly kind: 'hold' }
  | (Change & {
      readonly kind: 'rescale';
      /** Of the job's slots: where one vertex gets what another gives up, parallelism changes both ways. */
      readonly direction: 'out' | 'in';
      /** Something that cannot wait asked for it (`evaluate.ts`). */
      readonly urgent?: true | undefined;
      /** To be stored with the rescale, as its `before` and `expected`. */
      readonly before: PastRescale['before'];
      readonly expected: PastRescale['expected'];
    })
  | (Change & { readonly kind: 'roll-back'; readonly undoes: string });

export interface ScalingDecision {
  readonly action: ScalingAction;
  readonly nextState: ScalingState;
  /** One sentence for a person on call. */
  readonly reason: string;
  /** All that it follows from, for `redecide`. */
  readonly inputs: ScalingInputs;
  readonly explanation: readonly Line[];
}

/** What one direction says; `outSince` where more stays needed, `withoutSlots` where none of it can be given. */
export type Outcome = Pick<ScalingDecision, 'action' | 'reason'> & {
  readonly lines: readonly Line[];
  readonly outSince?: string;
  readonly withoutSlots?: true;
};
