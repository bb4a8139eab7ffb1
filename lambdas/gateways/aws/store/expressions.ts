/** What DynamoDB wants beside an expression's text. */
export interface ExpressionParts {
  readonly ExpressionAttributeNames?: Record<string, string>;
  readonly ExpressionAttributeValues?: Record<string, unknown>;
}

/** Collects the names and values of one request's expressions, so that their text can be written with placeholders in place. */
export class Placeholders {
  private readonly names = new Map<string, string>();
  private readonly values: unknown[] = [];

  /** Placeholder of an attribute; each argument is one step of a path, taken as it is (a phase's name may hold dots). */
  name(...path: readonly string[]): string {
    return path
      .map((step) => {
        const placeholder = this.names.get(step) ?? `#n${this.names.size}`;
        this.names.set(step, placeholder);
        return placeholder;
      })
      .join('.');
  }

  value(value: unknown): string {
    this.values.push(value);
    return `:v${this.values.length - 1}`;
  }

  /** `a = x`, or that there is no `a` where `expected` is undefined. */
  is(expected: unknown, ...path: readonly string[]): string {
    return expected === undefined ? `attribute_not_exists(${this.name(...path)})` : `${this.name(...path)} = ${this.value(expected)}`;
  }

  /** `SET … REMOVE …` for a change; a key with the value undefined is removed. */
  update(change: object): string {
    const entries = Object.entries(change);
    const sets = entries.filter(([, value]) => value !== undefined).map(([key, value]) => `${this.name(key)} = ${this.value(value)}`);
    const removes = entries.filter(([, value]) => value === undefined).map(([key]) => this.name(key));
    return [sets.length > 0 ? `SET ${sets.join(', ')}` : '', removes.length > 0 ? `REMOVE ${removes.join(', ')}` : '']
      .filter(Boolean)
      .join(' ');
  }

  parts(): ExpressionParts {
    return {
      ...(this.names.size > 0
        ? { ExpressionAttributeNames: Object.fromEntries([...this.names].map(([name, placeholder]) => [placeholder, name])) }
        : {}),
      ...(this.values.length > 0
        ? { ExpressionAttributeValues: Object.fromEntries(this.values.map((value, index) => [`:v${index}`, value])) }
        : {}),
    };
  }
}
