import { readFileSync } from 'node:fs';
import { rehearsalOf } from '../../../lambdas/domain/sql-rehearsal';

const SOURCE = "CREATE TABLE orders (id BIGINT, price INT, cost AS (price * 2)) WITH ('connector' = 'kafka', 'topic' = 'in');";
const SINK = "CREATE TABLE numbered (id BIGINT) WITH ('connector' = 'kafka', 'topic' = 'out', 'sink.transactional-id-prefix' = 'x');";
const COMMITS_NOTHING = "'properties.commit.offsets.on.checkpoint' = 'false'";
const HOLE = "CREATE TABLE numbered (id BIGINT) WITH ('connector' = 'blackhole');";

const madeOf = (script: string): string => {
  const made = rehearsalOf(script);
  if (!made.ok) throw new Error(made.problem);
  return made.script;
};
const problemOf = (script: string): string => {
  const made = rehearsalOf(script);
  return made.ok ? `none: ${made.script}` : made.problem;
};

describe('the rehearsal of a script', () => {
  it('writes to a black hole and commits no offsets, and is the same otherwise', () => {
    const script = `SET 'table.local-time-zone' = 'UTC';\n${SOURCE}\n${SINK}\nINSERT INTO numbered SELECT id FROM orders;\n`;
    expect(madeOf(script)).toBe(
      `SET 'table.local-time-zone' = 'UTC';\n${SOURCE.replace("'in')", `'in', ${COMMITS_NOTHING})`)}\n${HOLE}\nINSERT INTO numbered SELECT id FROM orders;\n`,
    );
  });

  it('is that of the example job, whose comments and quotes stay', () => {
    const script = readFileSync('examples/flight-delays/job.sql', 'utf8');
    const made = madeOf(script);
    const changed = script.split('\n').filter((line) => !made.split('\n').includes(line));
    expect(changed.join('\n')).toContain('sink.transactional-id-prefix');
    expect(made).toContain("WITH ('connector' = 'blackhole')");
    expect(made.match(/commit\.offsets/g)).toHaveLength((script.match(/'scan\.startup\.mode'/g) ?? []).length);
    expect(made).not.toContain('exactly-once');
  });

  it.each([
    [
      'names in quotes',
      "CREATE TABLE `a``b` (x INT) WITH ('connector' = 'kafka'); INSERT INTO `a``b` SELECT 1",
      "WITH ('connector' = 'blackhole')",
    ],
    [
      'a bracket and a semicolon in a string',
      "CREATE TABLE t (x STRING) WITH ('connector' = 'filesystem', 'path' = 'a);b'); INSERT INTO t SELECT ')'",
      "WITH ('connector' = 'blackhole')",
    ],
    [
      'a statement set',
      `${SOURCE}${SINK} EXECUTE STATEMENT SET BEGIN INSERT INTO numbered SELECT id FROM orders; INSERT INTO numbered SELECT 1; END;`,
      HOLE,
    ],
    [
      'a temporary table',
      "CREATE TEMPORARY TABLE IF NOT EXISTS t (x INT) WITH ('connector' = 'jdbc'); INSERT INTO t VALUES (1)",
      "WITH ('connector' = 'blackhole')",
    ],
    [
      'a source that commits',
      `CREATE TABLE s (x INT) WITH ('connector' = 'kafka', 'properties.commit.offsets.on.checkpoint' = 'true');${SINK} INSERT INTO numbered SELECT x FROM s`,
      COMMITS_NOTHING,
    ],
    [
      'a source that is no Kafka',
      `CREATE TABLE s (x INT) WITH ('connector' = 'datagen');${SINK} INSERT INTO numbered SELECT x FROM s`,
      "WITH ('connector' = 'datagen')",
    ],
    [
      'another table, made like one',
      `${SOURCE}${SINK} CREATE TABLE s WITH ('connector' = 'datagen') LIKE orders; INSERT INTO numbered SELECT id FROM s`,
      HOLE,
    ],
    [
      'a hint at a source',
      `${SOURCE}${SINK} INSERT INTO numbered SELECT id FROM orders /*+ OPTIONS('scan.startup.mode' = 'latest-offset') */`,
      "/*+ OPTIONS('scan.startup.mode' = 'latest-offset') */",
    ],
  ])('knows %s', (_, script, expected) => {
    expect(madeOf(script)).toContain(expected);
    expect(madeOf(script)).not.toMatch(/filesystem|jdbc|transactional/);
  });

  it.each([
    ['a table of a catalog', "CREATE CATALOG c WITH ('type' = 'hive');", 'line 1: it is not known whether CREATE CATALOG C'],
    ['another catalog', `${SINK}\nUSE CATALOG c;`, 'line 2: it is not known whether USE CATALOG C'],
    [
      'a table that is not made here',
      `${SOURCE} INSERT INTO other SELECT id FROM orders`,
      'writes to other, and does not say once what that is',
    ],
    ['a table that is made twice', `${SINK}${SINK} INSERT INTO numbered SELECT 1`, 'does not say once'],
    ['a table made like another', `${SINK} CREATE TABLE t LIKE numbered; INSERT INTO t SELECT 1`, 'writes to t, and does not say once'],
    [
      'options of its own over those of another',
      `${SINK} CREATE TABLE t WITH ('topic' = 'b') LIKE numbered; INSERT INTO t SELECT 1`,
      'writes to t, and',
    ],
    ['a name in another database', `${SINK} INSERT INTO db.numbered SELECT 1`, 'writes to db.numbered, and'],
    [
      'a table that is read as well',
      `${SINK}\nINSERT INTO numbered SELECT id FROM numbered`,
      'line 2: numbered is read as well as written',
    ],
    [
      'a view over what is written',
      `${SINK} CREATE VIEW v AS SELECT * FROM numbered; INSERT INTO numbered SELECT 1`,
      'numbered is read as well',
    ],
    ['a table made as a query', "CREATE TABLE t WITH ('connector' = 'kafka') AS SELECT 1", 't is made and filled by one statement'],
    ['the same without options', 'CREATE TABLE t AS SELECT 1', 't is made and filled by one statement'],
    ['a hint that says where to write', `${SINK} INSERT INTO numbered /*+ OPTIONS('topic' = 'b') */ SELECT 1`, 'a hint behind numbered'],
    ['an update', `${SINK} UPDATE numbered SET id = 1`, 'it is not known whether UPDATE NUMBERED SET'],
    ['a procedure', 'CALL sys.compact()', 'it is not known whether CALL SYS .'],
    ['a plan', "EXECUTE PLAN '/a.json'", 'it is not known whether EXECUTE PLAN'],
    ['a jar', "ADD JAR '/a.jar'", 'it is not known whether ADD JAR'],
  ])('refuses %s', (_, script, expected) => {
    expect(problemOf(script)).toContain(expected);
  });
});
