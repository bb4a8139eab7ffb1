/** What Flink's parser takes for one thing in a script, as far as quotes, comments and hints go. */
export interface SqlToken {
  readonly kind: 'blank' | 'comment' | 'hint' | 'string' | 'name' | 'double' | 'other';
  /** As it stands in the script. */
  readonly text: string;
  /** From 1. */
  readonly line: number;
}

/** A comment on a line ends at either kind of line break. What is not closed goes to the end. */
const TOKEN =
  /(?<blank>\s+)|(?<comment>(?:--|\/\/)[^\n\r]*|\/\*(?!\+)[\s\S]*?(?:\*\/|$))|(?<hint>\/\*\+[\s\S]*?(?:\*\/|$))|(?<string>'(?:[^']|'')*'?)|(?<name>`(?:[^`]|``)*`?)|(?<double>"(?:[^"]|"")*"?)|(?<other>[;(),=.]|[^\s;'"`\-/(),=.]+|[-/])/g;

export function* sqlTokens(script: string): Generator<SqlToken> {
  let line = 1;
  for (const { 0: text, groups = {} } of script.matchAll(TOKEN)) {
    const kind = (Object.keys(groups).find((name) => groups[name] !== undefined) ?? 'other') as SqlToken['kind'];
    yield { kind, text, line };
    line += text.split('\n').length - 1;
  }
}

/** A literal such as `E'\''`, whose quotes have other rules, is not read right here. @returns its line */
export const lineOfEscapes = (tokens: Iterable<SqlToken>): number | undefined => {
  let before: SqlToken | undefined;
  for (const token of tokens) {
    if (token.kind === 'string' && before?.kind === 'other' && /^e$/i.test(before.text)) return token.line;
    before = token;
  }
  return undefined;
};
