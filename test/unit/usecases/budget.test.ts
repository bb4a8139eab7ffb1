import type { Stage } from '../../../lambdas/contracts/stage';
import { budgetProblems } from '../../../lambdas/usecases/jobs/job-request';
import { GP3_PRICES } from '../../../lib/config/sizes';
import { aCluster } from '../../contract/support/samples';

const { size, ...rest } = aCluster();
const cluster = { ...rest, size: { ...size, instanceType: 'c5.xlarge', jobManager: { instanceType: 'c5.large', memoryMiB: 1_024 } } };
const PRICES = { 'c5.large': 0.085, 'c5.xlarge': 0.17 };
const SCALING = { enabled: true, priority: 0 };
const problems = (budgetDollarsPerHour: number | undefined, prices?: Record<string, number>, volumePrices?: Stage['volumePrices']) =>
  budgetProblems({ ...SCALING, ...(budgetDollarsPerHour === undefined ? {} : { budgetDollarsPerHour }) }, cluster, {
    ...(prices ? { prices } : {}),
    ...(volumePrices ? { volumePrices } : {}),
  });

test('a budget needs the prices of the hosts, of the JobManager and of their volumes, and says which are missing', () => {
  const missing = [undefined, {}, { 'c5.large': 0.085 }, { 'c5.xlarge': 0.17 }].map((prices) => problems(5, prices)[0]?.message ?? '');
  expect(missing.map((message) => message.match(/c5\.\w+/g))).toEqual([
    ['c5.xlarge', 'c5.large'],
    ['c5.xlarge', 'c5.large'],
    ['c5.xlarge'],
    ['c5.large'],
  ]);
  expect(problems(5, PRICES, GP3_PRICES)).toEqual([]);
  expect(problems(5, PRICES)).toEqual([
    {
      path: 'scaling.budgetDollarsPerHour',
      message: "a budget cannot be kept: the stage's configuration (volumePrices) has none of their volumes",
    },
  ]);
});

test('without a budget no price is needed', () => {
  expect([problems(undefined), budgetProblems(undefined, cluster, {})]).toEqual([[], []]);
  expect(problems(0)).toHaveLength(1);
});
