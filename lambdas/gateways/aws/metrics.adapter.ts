import { METRIC_NAMESPACE, METRIC_UNITS, type MetricName } from '../../contracts/metrics';
import type { MetricsPort } from './metrics.port';

/**
 * Figures as lines of CloudWatch's embedded metric format on the function's log: CloudWatch Logs makes metrics of them, so that a function
 * without a way to CloudWatch can publish too
 * (https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html).
 * @param write one line; console.log would put a time and a request id in front, and such a line is no metric
 */
export const createMetrics = ({
  stage,
  write,
}: {
  readonly stage: string;
  /** @default stdout */
  readonly write?: (line: string) => void;
}): MetricsPort => ({
  publish(lines, everySeconds) {
    for (const { dimensions, at, values } of lines) {
      const names = Object.keys(values) as MetricName[];
      if (names.length === 0) continue;
      const all = { Stage: stage, ...dimensions };
      const resolution = everySeconds < 60 ? { StorageResolution: 1 } : {};
      const line = JSON.stringify({
        _aws: {
          Timestamp: Date.parse(at),
          CloudWatchMetrics: [
            {
              Namespace: METRIC_NAMESPACE,
              Dimensions: [Object.keys(all)],
              Metrics: names.map((Name) => ({ Name, Unit: METRIC_UNITS[Name], ...resolution })),
            },
          ],
        },
        ...all,
        ...values,
      });
      if (write) write(line);
      else process.stdout.write(`${line}\n`);
    }
  },
});
