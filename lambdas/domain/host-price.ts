import { GP3, type ResolvedSize, ROOT_VOLUME_GB } from '../contracts/cluster';
import type { Stage } from '../contracts/stage';

export type VolumePrices = NonNullable<Stage['volumePrices']>;
type Gp3 = Pick<Extract<ResolvedSize['stateVolume'], { readonly kind: 'gp3' }>, 'sizeGB' | 'throughputMiBps' | 'iops'>;

/** As AWS reckons it. */
const HOURS_A_MONTH = 730;

/** What throughput and IOPS of a volume cost beyond those that each has for nothing. */
export const provisionedDollarsPerMonth = (
  { throughputMiBps = GP3.throughputMiBps.min, iops = GP3.iops.min }: Omit<Gp3, 'sizeGB'>,
  { mibpsMonth, iopsMonth }: VolumePrices,
): number => (throughputMiBps - GP3.throughputMiBps.min) * mibpsMonth + (iops - GP3.iops.min) * iopsMonth;

const perHour = (volume: Gp3, prices: VolumePrices): number =>
  (volume.sizeGB * prices.gbMonth + provisionedDollarsPerMonth(volume, prices)) / HOURS_A_MONTH;

/** Dollars an hour. */
export interface HostPrice {
  /** With its volume; undefined: the stage has no price of its type. */
  readonly all: number | undefined;
  readonly volume: number;
}

/** Of the stage; absent: not known, and volumes are not counted. */
export type HostPriceList = Partial<Pick<Stage, 'prices' | 'volumePrices'>>;

/** What a TaskManager host and a JobManager host cost by the prices of the stage. State lies on the root volume where the type has no local disk. */
export const hostPrices = (
  { instanceType, jobManager, stateVolume }: Pick<ResolvedSize, 'instanceType' | 'jobManager' | 'stateVolume'>,
  { prices = {}, volumePrices }: HostPriceList,
): { readonly taskManager: HostPrice; readonly jobManager: HostPrice } => {
  const priceOf = (type: string, state: Partial<Gp3>): HostPrice => {
    const volume = volumePrices === undefined ? 0 : perHour({ ...state, sizeGB: ROOT_VOLUME_GB + (state.sizeGB ?? 0) }, volumePrices);
    const host = prices[type];
    return { all: host === undefined ? undefined : host + volume, volume };
  };
  return {
    taskManager: priceOf(instanceType, stateVolume.kind === 'gp3' ? stateVolume : {}),
    jobManager: priceOf(jobManager.instanceType, {}),
  };
};
