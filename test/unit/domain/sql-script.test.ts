import fc from 'fast-check';
import { jobStatements, scriptProblem, sqlSettings, sqlStatements } from '../../../lambdas/domain/sql-script';

const TABLES = "CREATE TABLE a (n BIGINT) WITH ('connector'='datagen');\nCREATE TABLE b (n BIGINT) WITH ('connector'='blackhole');\n";

describe('A SQL script', () => {
  it.each([
    ['one INSERT', `${TABLES}INSERT INTO b SELECT n FROM a;`, [3]],
    ['no semicolon at the end', `${TABLES}\n\nINSERT INTO b SELECT n FROM a`, [5]],
    ['INSERT in lower case after a comment', `-- INSERT INTO b;\n${TABLES}/* INSERT; */ insert into b select n from a;`, [4]],
    ['INSERT inside a string', "CREATE TABLE a (n BIGINT) WITH ('note'='; INSERT INTO b');", []],
    ['a semicolon in a quoted name', 'CREATE TABLE `a;INSERT INTO b` (n BIGINT);', []],
    [
      'a statement set is one job',
      `${TABLES}EXECUTE STATEMENT SET BEGIN\nINSERT INTO b SELECT 1;\nINSERT INTO b SELECT 2;\nEND;\nINSERT INTO b SELECT 3`,
      [3, 7],
    ],
    ['the older form of a statement set', 'BEGIN STATEMENT SET; INSERT INTO b SELECT 1; INSERT INTO b SELECT 2; END;', [1]],
    ['CREATE TABLE AS', 'CREATE TABLE c WITH (\n) AS SELECT n FROM a; CREATE VIEW v AS SELECT 1;', [1]],
    ['minus and division are not comments', 'INSERT INTO b SELECT 4 - 3 / 1 FROM a; INSERT INTO b SELECT n-1 FROM a', [1, 1]],
  ])('tells the lines of the jobs it starts: %s', (_, script, lines) => {
    expect(jobStatements(script).map(({ line }) => line)).toEqual(lines);
  });

  it.each([
    [`${TABLES}`, /starts no job/],
    [`${TABLES}INSERT INTO b SELECT 1;\nINSERT INTO b SELECT 2;`, /line 3 and line 4.*STATEMENT SET/],
    [`${TABLES}SELECT n FROM a;`, /line 3: a query without INSERT INTO/],
  ])('that cannot be one job is refused with the line', (script, reason) => {
    expect(scriptProblem(script)).toMatch(reason);
  });

  it('tells the settings it makes, because Flink lets them win over those of the job', () => {
    const script = "SET 'execution.savepoint.path' = 's3://x/y';\n-- SET 'no' = '1';\nset 'a.b'='it''s';";
    expect(sqlSettings(script)).toEqual({ 'execution.savepoint.path': 's3://x/y', 'a.b': "it's" });
  });

  it('of any text is read to its end', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom("'", '"', '`', ';', '-', '/', '*', '\n', ' ', 'INSERT', 'END', 'x') }), (script) => {
        for (const { line } of sqlStatements(script)) expect(line).toBeLessThanOrEqual(script.split('\n').length);
      }),
    );
  });
});

test('a comment of two slashes, or one that ends at a carriage return, hides no setting', () => {
  for (const script of ["SET // keep\n'execution.checkpointing.dir' = 's3://x';", "-- keep\rSET 'execution.checkpointing.dir' = 's3://x';"])
    expect(sqlSettings(script)).toEqual({ 'execution.checkpointing.dir': 's3://x' });
  expect(jobStatements("INSERT INTO a SELECT 1 // it's one\n; INSERT INTO b SELECT 1 // it's two\n")).toHaveLength(2);
});

test.each([
  ["SET E'a\\'' = 'b'; INSERT INTO t SELECT 1", "literals such as E'\\'' are not known here"],
  ["SET U&'a' = 'b'; INSERT INTO t SELECT 1", "a setting is made by SET 'key' = 'value'"],
  ["SET a = 'b'; INSERT INTO t SELECT 1", "a setting is made by SET 'key' = 'value'"],
])('a setting that cannot be read is refused: %s', (script, expected) => {
  expect(scriptProblem(script)).toContain(expected);
});
