/**
 * Makes of a script in Flink SQL one that reads the same and writes nowhere: each table that it inserts into becomes a black hole, and sources of Kafka commit
 * no offsets. What it cannot be sure of it refuses, so it knows a few statements only. The order of tables and operators stays, and with it what state belongs to.
 */
export type SqlRehearsal = { readonly ok: true; readonly script: string } | { readonly ok: false; readonly problem: string };

interface Token {
  readonly text: string;
  /** From the start of the script. */
  readonly at: number;
  readonly line: number;
}

const TOKEN =
  /--[^\n]*|\/\*(?!\+)[\s\S]*?(?:\*\/|$)|\/\*\+[\s\S]*?(?:\*\/|$)|'(?:[^']|'')*'?|"(?:[^"]|"")*"?|`(?:[^`]|``)*`?|[;(),=.]|\s+|[^\s;'"`\-/(),=.]+|[-/]/g;
const isHint = (text: string | undefined): boolean => text?.startsWith('/*+') === true;
const isBlank = (text: string): boolean => /^\s/.test(text) || text.startsWith('--') || (text.startsWith('/*') && !isHint(text));

/** Statements with nothing but effects inside the session, and those that start the job. */
const KNOWN =
  /^(SET|RESET|INSERT INTO|EXECUTE INSERT INTO|(EXECUTE|BEGIN) STATEMENT SET( BEGIN)?( INSERT INTO)?|END|CREATE (OR REPLACE )?(TEMPORARY (SYSTEM )?)?(TABLE|VIEW|FUNCTION)|(LOAD|UNLOAD|USE) MODULES?)\b/;
const READS = new Set(['FROM', 'JOIN', 'TABLE', ',']);
const BLACK_HOLE = "'connector' = 'blackhole'";
const COMMITS = "'properties.commit.offsets.on.checkpoint'";

interface Table {
  readonly name: string;
  readonly line: number;
  /** By the statement that makes it. */
  readonly isFilled: boolean;
  /** What stands between the brackets of WITH; undefined where it has none of its own. */
  readonly options?: { readonly from: number; readonly until: number; readonly tokens: readonly Token[] } | undefined;
}

export const rehearsalOf = (script: string): SqlRehearsal => {
  const refuse = (problem: string): SqlRehearsal => ({ ok: false, problem });
  const statements = statementsOf(script);
  const unknown = statements.find((tokens) => !KNOWN.test(wordsOf(tokens)));
  if (unknown)
    return refuse(
      `line ${unknown[0]?.line}: it is not known whether ${wordsOf(unknown).split(' ').slice(0, 3).join(' ')} writes somewhere`,
    );
  const tables = statements.flatMap((tokens) => tableOf(tokens) ?? []);
  const written = statements.flatMap(writtenBy);
  const sinks = new Map<string, Table>();
  for (const { name, line, isHinted } of written) {
    if (isHinted) return refuse(`line ${line}: a hint behind ${name} changes where that is written`);
    const [table, second] = tables.filter((one) => one.name === name);
    if (!table?.options || second)
      return refuse(`line ${line}: the script writes to ${name}, and does not say once what that is (CREATE TABLE … WITH)`);
    sinks.set(name, table);
  }
  const read = statements.flatMap((tokens) => readOf(tokens, sinks))[0];
  if (read) return refuse(`line ${read.line}: ${read.name} is read as well as written`);
  const filled = tables.find(({ isFilled }) => isFilled);
  if (filled) return refuse(`line ${filled.line}: ${filled.name} is made and filled by one statement (CREATE TABLE … AS)`);
  const edits = tables.flatMap((table) => (table.options ? editsOf(table, sinks.has(table.name)) : []));
  return { ok: true, script: edits.toSorted((a, b) => b.from - a.from).reduce(replace, script) };
};

interface Edit {
  readonly from: number;
  readonly until: number;
  readonly text: string;
}
const replace = (script: string, { from, until, text }: Edit): string => script.slice(0, from) + text + script.slice(until);

const editsOf = ({ options }: Table, isSink: boolean): readonly Edit[] => {
  if (!options) return [];
  const { from, until, tokens } = options;
  if (isSink) return [{ from, until, text: BLACK_HOLE }];
  const value = (key: string): Token | undefined => tokens[tokens.findIndex(({ text }) => text === key) + 2];
  const connector = tokens.some(({ text }) => text === "'connector'") ? value("'connector'")?.text : undefined;
  if (connector !== "'kafka'" && connector !== "'upsert-kafka'") return [];
  const commits = tokens.some(({ text }) => text === COMMITS) ? value(COMMITS) : undefined;
  if (commits) return [{ from: commits.at, until: commits.at + commits.text.length, text: "'false'" }];
  return [{ from: until, until, text: `, ${COMMITS} = 'false'` }];
};

/** Tokens of each statement, without blanks and comments. Those within a statement set are statements too. */
const statementsOf = (script: string): readonly (readonly Token[])[] => {
  const statements: Token[][] = [[]];
  let line = 1;
  for (const match of script.matchAll(TOKEN)) {
    const [text] = match;
    if (text === ';') statements.push([]);
    else if (!isBlank(text)) statements.at(-1)?.push({ text, at: match.index, line });
    line += text.split('\n').length - 1;
  }
  return statements.filter((tokens) => tokens.length > 0);
};

const is = (text: string | undefined, ...words: readonly string[]): boolean => words.includes(text?.toUpperCase() ?? '');
const wordsOf = (tokens: readonly Token[]): string =>
  tokens
    .slice(0, 8)
    .map(({ text }) => text.toUpperCase())
    .join(' ');

/** A name of one part or more from this token on. */
const nameFrom = (tokens: readonly Token[], start: number): { readonly name: string; readonly next: number } => {
  const parts = [unquoted(tokens[start]?.text ?? '')];
  let next = start + 1;
  for (; tokens[next]?.text === '.'; next += 2) parts.push(unquoted(tokens[next + 1]?.text ?? ''));
  return { name: parts.join('.'), next };
};
const unquoted = (text: string): string => (text.startsWith('`') ? text.slice(1, -1).replaceAll('``', '`') : text);

const tableOf = (tokens: readonly Token[]): Table | undefined => {
  const at = tokens.slice(0, 5).findIndex(({ text }) => is(text, 'TABLE'));
  if (!is(tokens[0]?.text, 'CREATE') || at === -1) return undefined;
  const start = is(tokens[at + 1]?.text, 'IF') ? at + 4 : at + 1;
  const { name, next } = nameFrom(tokens, start);
  const line = tokens[0]?.line ?? 0;
  const without = { name, line, isFilled: false };
  let depth = 0;
  for (let index = next; index < tokens.length; index++) {
    const token = tokens[index] as Token;
    if (token.text === '(') depth += 1;
    if (token.text === ')') depth -= 1;
    // What it takes of another table is not seen.
    if (depth === 0 && is(token.text, 'LIKE')) return without;
    if (depth === 0 && is(token.text, 'AS')) return { name, line, isFilled: true };
    if (depth === 0 && is(token.text, 'WITH') && tokens[index + 1]?.text === '(') {
      const close = tokens.findIndex(({ text }, later) => later > index && text === ')');
      const [open, end] = [tokens[index + 1], tokens[close]];
      if (is(tokens[close + 1]?.text, 'AS')) return { name, line, isFilled: true };
      if (!open || !end || close !== tokens.length - 1) return without;
      return { ...without, options: { from: open.at + 1, until: end.at, tokens: tokens.slice(index + 2, close) } };
    }
  }
  return without;
};

const writtenBy = (tokens: readonly Token[]): readonly { readonly name: string; readonly line: number; readonly isHinted: boolean }[] =>
  tokens.flatMap(({ text, line }, index) => {
    if (!is(text, 'INSERT') || !is(tokens[index + 1]?.text, 'INTO', 'OVERWRITE')) return [];
    const { name, next } = nameFrom(tokens, index + 2);
    return [{ name, line, isHinted: isHint(tokens[next]?.text) }];
  });

const readOf = (tokens: readonly Token[], sinks: ReadonlyMap<string, Table>): readonly { readonly name: string; readonly line: number }[] =>
  tokens.flatMap((token, index) => {
    const before = tokens[index - 1];
    if (!before || !READS.has(before.text.toUpperCase()) || (is(tokens[0]?.text, 'CREATE') && is(before.text, 'TABLE'))) return [];
    const { name } = nameFrom(tokens, index);
    return sinks.has(name) ? [{ name, line: token.line }] : [];
  });
