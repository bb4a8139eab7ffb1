/**
 * What has failed keeps nothing else waiting. It is thrown at the end, so that Lambda sees it and tries again; the second time it is a dead letter, on
 * which an alarm rings (`lib/config/alarms.ts`).
 * @throws the one failure, or an AggregateError that names all
 */
export const throwFailures = (failures: readonly unknown[]): void => {
  if (failures.length > 0) throw failures.length === 1 ? failures[0] : new AggregateError(failures, failures.map(String).join('; '));
};
