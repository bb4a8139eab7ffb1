import { lineOfEscapes, type SqlToken, sqlTokens } from './sql-tokens';

/**
 * Makes of a script in Flink SQL one that reads the same and writes nowhere: each table that it inserts into becomes a black hole, and sources of Kafka commit
 * no offsets. What it cannot be sure of it refuses, so it knows a few forms only. The result is put together from what was understood: nothing else of the script is in it.
 */
export type SqlRehearsal = { readonly ok: true; readonly script: string } | { readonly ok: false; readonly problem: string };

/** `own`: the script that the job runs. `given`: one that somebody has made for a drill, and answers for: with functions, other sources, and graphs of other operators. */
export type ScriptOf = 'own' | 'given';

/** Flink writes nothing while it reads from these; a source of change data, for one, may take a replication slot over. */
const SOURCES = new Set(['kafka', 'upsert-kafka', 'datagen', 'filesystem']);
const COMMITS = ["'properties.commit.offsets.on.checkpoint'", "'properties.enable.auto.commit'"] as const;

const KNOWN =
  /^(SET|RESET|INSERT INTO|EXECUTE INSERT INTO|EXECUTE STATEMENT SET BEGIN INSERT INTO|BEGIN STATEMENT SET$|END$|CREATE (TEMPORARY )?(TABLE|VIEW))\b/;
const FUNCTIONS = /^(CREATE (TEMPORARY (SYSTEM )?)?FUNCTION|(LOAD|UNLOAD|USE) MODULES?)\b/;

/** A word, a literal or a mark, and whether it followed the one before without anything between. */
interface Word {
  readonly kind: SqlToken['kind'];
  readonly text: string;
  readonly line: number;
  readonly adjoins: boolean;
}
type Statement = readonly Word[];

class Refused extends Error {}
const refuse = (line: number | undefined, why: string): never => {
  throw new Refused(line === undefined ? why : `line ${line}: ${why}`);
};

export const rehearsalOf = (script: string, of: ScriptOf): SqlRehearsal => {
  try {
    return { ok: true, script: textOf(rehearsed(statementsOf(script), of)) };
  } catch (error) {
    if (error instanceof Refused) return { ok: false, problem: error.message };
    throw error;
  }
};

const rehearsed = (statements: readonly Statement[], of: ScriptOf): readonly Statement[] => {
  for (const words of statements) requireKnown(words, of);
  const tables = statements.map(tableOf);
  const sinks = sinksOf(statements, tables);
  if (of === 'own' && sinks.length > 1)
    refuse(undefined, 'with several INSERTs operators get other ids when sinks become black holes, and do not find their state');
  for (const words of statements) requireUnread(words, new Set(sinks));
  return statements.map((words, index) => {
    const table = tables[index];
    if (!table) return words;
    return sinks.includes(table.name) ? blackHole(words, table, of) : source(words, table, of);
  });
};

const is = (word: Word | undefined, ...texts: readonly string[]): boolean => texts.includes(word?.text.toUpperCase() ?? '');
const opening = (words: Statement): string =>
  words
    .slice(0, 8)
    .map(({ text }) => text.toUpperCase())
    .join(' ');

const requireKnown = (words: Statement, of: ScriptOf): void => {
  const begins = opening(words);
  if (KNOWN.test(begins) || (of === 'given' && FUNCTIONS.test(begins))) return;
  refuse(words[0]?.line, `it is not known whether ${begins.split(' ').slice(0, 3).join(' ')} writes somewhere`);
};

interface Table {
  readonly name: string;
  readonly line: number;
  /** Index of the first word behind `TABLE [IF NOT EXISTS]`. */
  readonly at: number;
  /** Index of the words behind `WITH (`, and of the closing bracket. Absent: it has no options. */
  readonly from?: number;
  readonly until?: number;
}

const tableOf = (words: Statement): Table | undefined => {
  const keyword = is(words[1], 'TEMPORARY') ? 2 : 1;
  if (!is(words[0], 'CREATE') || !is(words[keyword], 'TABLE')) return undefined;
  const at = keyword + (is(words[keyword + 1], 'IF') ? 4 : 1);
  const { line = 0 } = words[at] ?? {};
  const name = nameAt(words, at);
  let depth = 0;
  for (let index = at + 1; index < words.length; index++) {
    const word = words[index];
    if (word?.text === '(') depth += 1;
    if (word?.text === ')') depth -= 1;
    if (depth !== 0) continue;
    if (is(word, 'LIKE')) refuse(line, `what ${name} takes from another table (LIKE) is not looked into`);
    if (is(word, 'AS')) refuse(line, `${name} is made and filled by one statement (CREATE TABLE … AS)`);
    if (!is(word, 'WITH') || words[index + 1]?.text !== '(') continue;
    const until = words.findIndex(({ text }, later) => later > index && text === ')');
    if (until !== words.length - 1) refuse(line, `something follows the options of ${name}`);
    return { name, line, at, from: index + 2, until };
  }
  return { name, line, at };
};

/** A name of one part: one in another database or catalog may be the same table in other words. */
const nameAt = (words: Statement, at: number): string => {
  const word = words[at];
  if (!word || word.kind === 'string' || words[at + 1]?.text === '.')
    return refuse(word?.line, `${word?.text ?? 'a table'} is named with its database or catalog`);
  return word.kind === 'name' ? word.text.slice(1, -1).replaceAll('``', '`') : word.text;
};

/** Names of the tables that are written, each made here once. */
const sinksOf = (statements: readonly Statement[], tables: readonly (Table | undefined)[]): readonly string[] =>
  statements.flatMap((words) =>
    words.flatMap((word, index) => {
      if (!is(word, 'INSERT')) return [];
      if (!is(words[index + 1], 'INTO')) return refuse(word.line, 'it is known what INSERT INTO does, and no other INSERT');
      const name = nameAt(words, index + 2);
      const made = tables.filter((table) => table?.name === name);
      if (made.length !== 1 || made[0]?.from === undefined)
        refuse(word.line, `the script writes to ${name}, and does not say once what that is (CREATE TABLE … WITH)`);
      if (words[index + 3]?.kind === 'hint') refuse(word.line, `a hint behind ${name} changes where that is written`);
      return [name];
    }),
  );

const requireUnread = (words: Statement, sinks: ReadonlySet<string>): void => {
  words.forEach((word, index) => {
    if (!is(word, 'FROM', 'JOIN', 'TABLE') || (is(word, 'TABLE') && is(words[0], 'CREATE'))) return;
    const read = words[index + 1];
    if (read && sinks.has(read.text.replaceAll('`', ''))) refuse(read.line, `${read.text} is read as well as written`);
  });
};

const blackHole = (words: Statement, { name, line, at, from = 0, until = 0 }: Table, of: ScriptOf): Statement => {
  const options = optionsOf(words, { name, line, at, from, until });
  if (of === 'own' && options.has("'sink.parallelism'"))
    refuse(
      line,
      `${name} has a parallelism of its own (sink.parallelism): as a black hole it has none, and operators before it do not find their state`,
    );
  words.forEach((word, index) => {
    if (index > at && index < from && is(word, 'METADATA') && !isVirtual(words, index))
      refuse(word.line, `${name} has a column that is metadata of its connector, which a black hole has not`);
  });
  // One that is there already would be used in its place.
  const head = is(words[at - 1], 'EXISTS') ? [...words.slice(0, at - 3), ...words.slice(at, from)] : words.slice(0, from);
  return [...head, ...optionWords([["'connector'", "'blackhole'"]], line), ...words.slice(until)];
};

const isVirtual = (words: Statement, metadata: number): boolean => is(words[metadata + 1], 'VIRTUAL') || is(words[metadata + 3], 'VIRTUAL');

const source = (words: Statement, table: Table, of: ScriptOf): Statement => {
  const { name, line, from, until } = table;
  if (from === undefined || until === undefined) return refuse(line, `${name} has no options (WITH)`);
  const options = optionsOf(words, table);
  const connector = options.get("'connector'")?.slice(1, -1).toLowerCase();
  if (of === 'own' && !SOURCES.has(connector ?? ''))
    refuse(line, `it is not known whether ${name} changes something while it is read (connector ${connector ?? 'not given'})`);
  if (connector !== 'kafka' && connector !== 'upsert-kafka') return words;
  for (const key of COMMITS) options.set(key, "'false'");
  return [...words.slice(0, from), ...optionWords([...options], line), ...words.slice(until)];
};

const optionsOf = (words: Statement, { name, line, from = 0, until = 0 }: Table): Map<string, string> => {
  const options = new Map<string, string>();
  for (let index = from; index < until; index += 4) {
    const [key, equals, value, comma] = words.slice(index, index + 4);
    const isPair =
      key?.kind === 'string' && equals?.text === '=' && value?.kind === 'string' && (index + 3 === until || comma?.text === ',');
    if (!isPair || options.has(key.text))
      return refuse(key?.line ?? line, `the options of ${name} are not pairs of 'key' = 'value', each once`);
    options.set(key.text, value.text);
  }
  return options;
};

const optionWords = (options: readonly (readonly [string, string])[], line: number): Statement =>
  options.flatMap(([key, value], index) =>
    [...(index === 0 ? [] : [',']), key, '=', value].map((text) => ({ kind: 'other' as const, text, line, adjoins: text === ',' })),
  );

/** Without blanks and comments: whether Flink takes the same for a comment makes no difference then. */
const statementsOf = (script: string): readonly Statement[] => {
  const tokens = [...sqlTokens(script)];
  const escapes = lineOfEscapes(tokens);
  if (escapes !== undefined) refuse(escapes, "literals such as E'\\'' are not known here");
  const statements: Word[][] = [[]];
  let adjoins = false;
  for (const { kind, text, line } of tokens) {
    if (kind === 'blank' || kind === 'comment') {
      adjoins = false;
      continue;
    }
    if (kind === 'double') refuse(line, `${text.slice(0, 20)} is in double quotes`);
    if (kind === 'hint' && text.includes("'")) refuse(line, 'a hint with options may say where to read, or to commit');
    if ((kind === 'string' && !/^'(?:[^']|'')*'$/.test(text)) || (kind === 'name' && !/^`(?:[^`]|``)*`$/.test(text)))
      refuse(line, 'a quote is not closed');
    if (text === ';') statements.push([]);
    else statements.at(-1)?.push({ kind, text, line, adjoins });
    adjoins = true;
  }
  return statements.filter((words) => words.length > 0);
};

const textOf = (statements: readonly Statement[]): string =>
  statements
    .map(
      (words) => `${words.map(({ text, adjoins }, index) => (adjoins && index > 0 ? text : `${index > 0 ? ' ' : ''}${text}`)).join('')};\n`,
    )
    .join('');
