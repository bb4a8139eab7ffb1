/** When something comes again, UTC: as EventBridge writes it. */
export type Schedule =
  | { readonly kind: 'rate'; readonly minutes: number }
  | {
      readonly kind: 'cron';
      readonly minutes: ReadonlySet<number>;
      readonly hours: ReadonlySet<number>;
      /** undefined: whatever the day of the week says. */
      readonly daysOfMonth: ReadonlySet<number> | undefined;
      readonly months: ReadonlySet<number>;
      /** 0 is Sunday. */
      readonly daysOfWeek: ReadonlySet<number> | undefined;
      readonly years: ReadonlySet<number>;
    };

export type ScheduleRead = { readonly ok: true; readonly schedule: Schedule } | { readonly ok: false; readonly problem: string };

const UNIT_MINUTES: Readonly<Record<string, number>> = { minute: 1, hour: 60, day: 1_440 };
const MONTHS = ['JAN', 'FEB', 'MAR', 'APR', 'MAY', 'JUN', 'JUL', 'AUG', 'SEP', 'OCT', 'NOV', 'DEC'];
const DAYS = ['SUN', 'MON', 'TUE', 'WED', 'THU', 'FRI', 'SAT'];

class NoSchedule extends Error {}

/**
 * Reads `rate(7 days)` or `cron(0 3 ? * MON *)`: minutes, hours, day of month, month, day of week (1 or SUN to 7 or SAT), year, of which one of the two
 * days is `?` (https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-scheduled-rule-pattern.html). Its L, W and # are not known here.
 */
export const readSchedule = (text: string): ScheduleRead => {
  try {
    const rate = /^rate\(\s*(\d{1,5}) (minute|hour|day)s?\s*\)$/.exec(text);
    if (rate?.[1] && rate[2]) return { ok: true, schedule: { kind: 'rate', minutes: Number(rate[1]) * (UNIT_MINUTES[rate[2]] ?? 0) } };
    const fields = /^cron\(\s*(.*?)\s*\)$/.exec(text)?.[1]?.split(/\s+/);
    if (!fields) throw new NoSchedule('must look like rate(7 days) or cron(0 3 ? * MON *)');
    const [minutes, hours, dayOfMonth, months, dayOfWeek, years] = fields;
    if (!minutes || !hours || !dayOfMonth || !months || !dayOfWeek || !years || fields.length !== 6)
      throw new NoSchedule(`has ${fields.length} fields, six are needed: minutes, hours, day of month, month, day of week, year`);
    if ((dayOfMonth === '?') === (dayOfWeek === '?'))
      throw new NoSchedule('needs ? as its day of month or as its day of week, and not as both');
    const daysOfWeek = dayOfWeek === '?' ? undefined : new Set([...setOf(dayOfWeek, 1, 7, DAYS)].map((day) => day - 1));
    return {
      ok: true,
      schedule: {
        kind: 'cron',
        minutes: setOf(minutes, 0, 59),
        hours: setOf(hours, 0, 23),
        daysOfMonth: dayOfMonth === '?' ? undefined : setOf(dayOfMonth, 1, 31),
        months: setOf(months, 1, 12, MONTHS),
        daysOfWeek,
        years: setOf(years, 1970, 2199),
      },
    };
  } catch (error) {
    if (!(error instanceof NoSchedule)) throw error;
    return { ok: false, problem: error.message };
  }
};

/** The values that a field such as `*`, `5`, `1,15`, `MON-FRI` or `0/20` names. */
const setOf = (field: string, least: number, most: number, names: readonly string[] = []): ReadonlySet<number> => {
  const numberIn = (text: string): number => {
    const named = names.indexOf(text.toUpperCase());
    const value = named >= 0 ? named + least : /^\d{1,4}$/.test(text) ? Number(text) : Number.NaN;
    if (!(value >= least && value <= most)) throw new NoSchedule(`has ${text || 'nothing'} where ${least} to ${most} can be`);
    return value;
  };
  const values = new Set<number>();
  for (const part of field.split(',')) {
    const [range = '', step, more] = part.split('/');
    const [first = '', last, further] = range.split('-');
    if (more !== undefined || further !== undefined) throw new NoSchedule(`has ${part}, which cannot be read`);
    const from = range === '*' ? least : numberIn(first);
    const to = range === '*' || (last === undefined && step !== undefined) ? most : numberIn(last ?? first);
    const every = step === undefined ? 1 : Number(step);
    if (!(Number.isInteger(every) && every >= 1)) throw new NoSchedule(`has a step of ${step}`);
    for (let value = from; value <= to; value += every) values.add(value);
  }
  return values;
};

const MINUTE_MS = 60_000;

/**
 * The last instant at which a schedule was due, if that is less than so many minutes ago.
 * @param since from which a rate counts. ISO 8601. @param now ISO 8601
 */
export const lastDue = (schedule: Schedule, since: string, now: string, withinMinutes: number): string | undefined => {
  const minute = Math.floor(Date.parse(now) / MINUTE_MS) * MINUTE_MS;
  if (schedule.kind === 'rate') {
    const period = schedule.minutes * MINUTE_MS;
    const due = Date.parse(since) + Math.floor((Date.parse(now) - Date.parse(since)) / period) * period;
    return due > Date.parse(since) && Date.parse(now) - due < withinMinutes * MINUTE_MS ? new Date(due).toISOString() : undefined;
  }
  for (let back = 0; back < withinMinutes; back++) {
    const time = new Date(minute - back * MINUTE_MS);
    if (time.getTime() > Date.parse(since) && matches(schedule, time)) return time.toISOString();
  }
  return undefined;
};

const matches = (schedule: Extract<Schedule, { kind: 'cron' }>, time: Date): boolean =>
  schedule.minutes.has(time.getUTCMinutes()) &&
  schedule.hours.has(time.getUTCHours()) &&
  schedule.months.has(time.getUTCMonth() + 1) &&
  schedule.years.has(time.getUTCFullYear()) &&
  (schedule.daysOfMonth?.has(time.getUTCDate()) ?? true) &&
  (schedule.daysOfWeek?.has(time.getUTCDay()) ?? true);
