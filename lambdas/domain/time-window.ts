import type { TimeWindow } from '../contracts/names';

const DAY_MINUTES = 1_440;

const minutes = (time: string): number => Number(time.slice(0, 2)) * 60 + Number(time.slice(3));

/** Whether an instant lies in a window that comes again each day, or on some days; one that reaches over midnight is of the day on which it begins. */
export const isWithin = ({ from, until, days }: TimeWindow, time: Date): boolean => {
  const minute = time.getUTCHours() * 60 + time.getUTCMinutes();
  const since = (minute - minutes(from) + DAY_MINUTES) % DAY_MINUTES;
  const length = (minutes(until) - minutes(from) + DAY_MINUTES) % DAY_MINUTES || DAY_MINUTES;
  const day = new Date(time.getTime() - since * 60_000).getUTCDay();
  return since < length && (days === undefined || days.includes(day));
};
