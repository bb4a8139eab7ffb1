import type { MetricLine } from '../../contracts/metrics';

/** Where figures go. */
export interface MetricsPort {
  /** @param everySeconds how often such figures come: under a minute they are kept by the second */
  publish(lines: readonly MetricLine[], everySeconds: number): void;
}
