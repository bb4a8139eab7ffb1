import type { ResolvedSize } from '../../contracts/cluster';
import { type JobScaling, type ScalingSettings, scalingSettings } from '../../contracts/scaling';

/** What a job is decided by: what its owner said, defaults for the rest, and the spare slots of its cluster. */
export const settingsOf = (scaling: JobScaling, { spareSlots }: Pick<ResolvedSize, 'spareSlots'>): ScalingSettings =>
  scalingSettings.parse({ ...scaling, spareSlots: scaling.spareSlots ?? spareSlots });
