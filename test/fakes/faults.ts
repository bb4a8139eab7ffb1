/** A fault planned for one coming call of a fake. */
interface PlannedFault {
  readonly error: Error;
  /** `before`: the call has no effect. `after`: the effect is there and the answer is lost, as with a timeout. */
  readonly when: 'before' | 'after';
}

type MethodOf<T> = { [K in keyof T]: T[K] extends (...args: never[]) => Promise<unknown> ? K : never }[keyof T] & string;

export interface Faults<T> {
  /** The next call of `method` throws `error`; calls add up, in order. */
  failNext(method: MethodOf<T>, error: Error, when?: 'before' | 'after'): void;
  /** Every call of every method so far, in order. */
  readonly calls: readonly { readonly method: string; readonly args: readonly unknown[] }[];
}

/** Lets a behavioural fake fail on demand and remember its calls. */
export const withFaults = <T extends object>(fake: T): T & Faults<T> => {
  const planned = new Map<string, PlannedFault[]>();
  const calls: { method: string; args: readonly unknown[] }[] = [];
  const failNext = (method: string, error: Error, when: 'before' | 'after' = 'before'): void => {
    planned.set(method, [...(planned.get(method) ?? []), { error, when }]);
  };
  const intercept = (method: string, run: (...args: unknown[]) => unknown) => {
    return async (...args: unknown[]): Promise<unknown> => {
      calls.push({ method, args });
      const fault = planned.get(method)?.shift();
      if (fault?.when === 'before') throw fault.error;
      const answer = await run.apply(fake, args);
      if (fault) throw fault.error;
      return answer;
    };
  };
  return new Proxy(fake, {
    get(target, key) {
      if (key === 'failNext') return failNext;
      if (key === 'calls') return calls;
      const value = Reflect.get(target, key, target) as unknown;
      if (typeof key !== 'string' || typeof value !== 'function') return value;
      // Only a port's methods are asynchronous; a fake's own controls are called straight.
      return value.constructor.name === 'AsyncFunction' ? intercept(key, value as (...args: unknown[]) => unknown) : value.bind(target);
    },
  }) as T & Faults<T>;
};
