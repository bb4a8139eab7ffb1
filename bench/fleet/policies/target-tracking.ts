import { hostsFor } from '../flink-model';
import type { PolicyMaker } from '../policy';

const TARGET = 0.6;
/** Alarms that a target tracking policy makes: three minutes above the target, and fifteen below nine tenths of it. */
const [HIGH_MINUTES, LOW_MINUTES, LOW] = [3, 15, 0.9 * TARGET];
/** Default instance warm-up: hosts that came less than this ago do not count yet, and nothing is scaled in. */
const WARM_UP_MINUTES = 5;

/**
 * EC2 Auto Scaling's target tracking on mean processor use, from its user guide and the alarms that it makes: hosts in proportion to use over target, rounded up, so that
 * scaling in is the more careful direction. Flink takes all slots that there are (reactive mode).
 */
export const targetTracking: PolicyMaker = ({ job, most }) => {
  const perHost = job.hostCores * job.slotsPerCore;
  const mostHosts = hostsFor(job, most);
  let [high, low, warmFrom] = [0, 0, 0];
  return {
    decide: ({ minute, cpu, changing, hosts }) => {
      high = cpu > TARGET ? high + 1 : 0;
      low = cpu < LOW ? low + 1 : 0;
      if (changing) return null;
      const wanted = Math.min(mostHosts, Math.max(1, Math.ceil((hosts * cpu) / TARGET - 1e-9)));
      const out = high >= HIGH_MINUTES && wanted > hosts;
      const in_ = low >= LOW_MINUTES && wanted < hosts && minute >= warmFrom;
      if (!out && !in_) return null;
      [high, low, warmFrom] = [0, 0, minute + WARM_UP_MINUTES];
      return { to: { source: wanted * perHost, work: wanted * perHost }, hosts: wanted, reason: `CPU at ${Math.round(cpu * 100)} %` };
    },
  };
};
