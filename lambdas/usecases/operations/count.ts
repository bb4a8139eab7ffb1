import type { STAGE_METRICS } from '../../contracts/metrics';
import type { Clock } from '../../domain/clock';
import type { MetricsPort } from '../../gateways/aws/metrics.port';

export interface CountDeps {
  readonly metrics: MetricsPort;
  readonly clock: Clock;
}

/** These figures are kept by the minute. Seconds. */
const EVERY_SECONDS = 60;

/** Something has happened that an alarm on the control plane rings on. */
export const count = ({ metrics, clock }: CountDeps, what: keyof typeof STAGE_METRICS): void =>
  metrics.publish([{ dimensions: {}, at: clock().toISOString(), values: { [what]: 1 } }], EVERY_SECONDS);
