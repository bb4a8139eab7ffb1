import { lineOfEscapes, sqlTokens } from './sql-tokens';

/**
 * What a Flink SQL script does, as far as the control plane must know it before Flink plans it: which statements start a job, and which
 * settings it makes. Only quotes, comments and semicolons are understood here; everything else is for Flink's parser to judge.
 */
export interface SqlStatement {
  /** Line of its first word, from 1. */
  readonly line: number;
  /** Without comments; blanks and line breaks as one blank each. */
  readonly text: string;
}

const JOB = /^(INSERT|EXECUTE|BEGIN STATEMENT SET|SELECT|WITH|VALUES|UPDATE|DELETE|TABLE)\b/i;
const TABLE_AS_QUERY = /^(CREATE|REPLACE|CREATE OR REPLACE) (TEMPORARY )?TABLE\b.*\bAS (SELECT|WITH|VALUES|TABLE)\b/i;
const SET = /^SET\s+'((?:[^']|'')+)'\s*=\s*'((?:[^']|'')*)'$/i;

/** Statements of a script. A statement set is one statement. */
export function sqlStatements(script: string): readonly SqlStatement[] {
  const statements: SqlStatement[] = [];
  let open: { line: number; parts: string[] } | undefined;
  for (const piece of pieces(script)) {
    const text = piece.text.replace(/\s+/g, ' ').trim();
    if (open) {
      open.parts.push(text);
      if (!/^END$/i.test(text)) continue;
      statements.push({ line: open.line, text: open.parts.join('; ') });
      open = undefined;
    } else if (/^(EXECUTE STATEMENT SET BEGIN|BEGIN STATEMENT SET)\b/i.test(text)) open = { line: piece.line, parts: [text] };
    else if (text !== '') statements.push({ line: piece.line, text });
  }
  if (open) statements.push({ line: open.line, text: open.parts.join('; ') });
  return statements;
}

/** Those that start a Flink job. A job under a fixed id can be started once, so a script has room for one. */
export function jobStatements(script: string): readonly SqlStatement[] {
  return sqlStatements(script).filter(({ text }) => JOB.test(text) || TABLE_AS_QUERY.test(text));
}

/**
 * Why a script cannot be run, as far as that can be told without Flink. Two jobs are told before, because Flink would start the first
 * and refuse the second in words that mean a repeated start as well.
 */
export function scriptProblem(script: string): string | undefined {
  const escapes = lineOfEscapes(sqlTokens(script));
  if (escapes !== undefined) return `line ${escapes}: literals such as E'\\'' are not known here`;
  const odd = sqlStatements(script).find(({ text }) => /^SET\b/i.test(text) && !SET.test(text));
  if (odd) return `line ${odd.line}: a setting is made by SET 'key' = 'value', with plain literals`;
  const [first, second] = jobStatements(script);
  if (!first) return 'the script starts no job: it has no INSERT INTO';
  if (second)
    return `the script starts more than one job (line ${first.line} and line ${second.line}): put its INSERTs into one EXECUTE STATEMENT SET BEGIN … END`;
  if (/^(SELECT|WITH|VALUES|TABLE)\b/i.test(first.text))
    return `line ${first.line}: a query without INSERT INTO has nowhere to write its result`;
  return undefined;
}

/** `SET 'key' = 'value'` of a script: Flink lets them win over the settings that are given with the job. */
export function sqlSettings(script: string): Readonly<Record<string, string>> {
  const settings: Record<string, string> = {};
  for (const { text } of sqlStatements(script)) {
    const [, key, value] = SET.exec(text) ?? [];
    if (key !== undefined && value !== undefined) settings[key.replaceAll("''", "'")] = value.replaceAll("''", "'");
  }
  return settings;
}

/** Splits at semicolons outside of quotes and comments; comments become a blank. */
function* pieces(script: string): Generator<SqlStatement> {
  let text = '';
  let firstLine = 1;
  let last = 1;
  for (const { kind, text: part, line } of sqlTokens(script)) {
    if (part === ';') {
      yield { line: firstLine, text };
      text = '';
    } else {
      const blank = kind === 'blank' || kind === 'comment' || kind === 'hint';
      if (!blank && text.trim() === '') firstLine = line;
      text += blank ? ' ' : part;
    }
    last = line;
  }
  yield { line: text.trim() === '' ? last : firstLine, text };
}
