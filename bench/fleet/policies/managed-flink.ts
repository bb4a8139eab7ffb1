import type { PolicyMaker } from '../policy';

/**
 * The rule of Amazon Managed Service for Apache Flink's automatic scaling, from its developer guide: processor use at or above 75 % in each
 * of 15 minutes doubles the parallelism, below 10 % for six hours halves it. Minutes in which the application does not run count as
 * neither; a change begins both counts anew.
 */
export const managedFlink: PolicyMaker = ({ most }) => {
  let [high, low] = [0, 0];
  return {
    decide: ({ cpu, whole, changing, parallelism }) => {
      if (changing || !whole) {
        high = 0;
        low = changing ? 0 : low;
        return null;
      }
      high = cpu >= 0.75 ? high + 1 : 0;
      low = cpu < 0.1 ? low + 1 : 0;
      const now = parallelism.work;
      const to = high >= 15 ? Math.min(most, now * 2) : low >= 360 ? Math.max(1, Math.floor(now / 2)) : now;
      if (to === now) return null;
      [high, low] = [0, 0];
      return { to: { source: to, work: to }, reason: `CPU ${to > now ? 'at or above 75 % for 15 minutes' : 'below 10 % for six hours'}` };
    },
  };
};
