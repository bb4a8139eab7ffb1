import { readFileSync } from 'node:fs';
import { rehearsalOf, type ScriptOf } from '../../../lambdas/domain/sql-rehearsal';

const SOURCE = "CREATE TABLE orders (id BIGINT, price INT, cost AS (price * 2)) WITH ('connector' = 'kafka', 'topic' = 'in');";
const SINK = "CREATE TABLE numbered (id BIGINT) WITH ('connector' = 'kafka', 'topic' = 'out', 'sink.transactional-id-prefix' = 'x');";
const HOLE = "CREATE TABLE numbered (id BIGINT) WITH ( 'connector' = 'blackhole');";
const COMMITS_NOTHING = "'properties.commit.offsets.on.checkpoint' = 'false', 'properties.enable.auto.commit' = 'false'";

const madeOf = (script: string, of: ScriptOf = 'own'): string => {
  const made = rehearsalOf(script, of);
  if (!made.ok) throw new Error(made.problem);
  return made.script;
};
const problemOf = (script: string, of: ScriptOf = 'own'): string => {
  const made = rehearsalOf(script, of);
  return made.ok ? `none: ${made.script}` : made.problem;
};

describe('the rehearsal of a script', () => {
  it('writes to a black hole and commits no offsets, and is the same otherwise', () => {
    const script = `-- settings\nSET 'table.local-time-zone' = 'UTC';\n${SOURCE}\n${SINK}\nINSERT INTO numbered SELECT id /* the key */ FROM orders;\n`;
    const source = SOURCE.replace("('conn", "( 'conn").replace("'in')", `'in', ${COMMITS_NOTHING})`);
    expect(madeOf(script)).toBe(`SET 'table.local-time-zone' = 'UTC';\n${source}\n${HOLE}\nINSERT INTO numbered SELECT id FROM orders;\n`);
  });

  it('is that of the example job', () => {
    const made = madeOf(readFileSync('examples/flight-delays/job.sql', 'utf8'));
    expect(made).toContain("WITH ( 'connector' = 'blackhole' )");
    expect(made.match(/commit\.offsets/g)).toHaveLength(1);
    expect(made).not.toMatch(/exactly-once|transactional|--/);
  });

  const ONE = `${SOURCE}${SINK} INSERT INTO numbered SELECT id FROM orders`;
  it.each([
    [
      'names in quotes',
      "CREATE TABLE `a``b` (x INT) WITH ('connector' = 'jdbc'); INSERT INTO `a``b` SELECT 1",
      "WITH ( 'connector' = 'blackhole')",
    ],
    [
      'a bracket and a semicolon in a string',
      "CREATE TABLE t (x STRING) WITH ('connector' = 'jdbc', 'path' = 'a);b'); INSERT INTO t SELECT ')''--'",
      "INSERT INTO t SELECT ')''--';",
    ],
    ['decimals, and marks that stand together', `${SINK} INSERT INTO numbered SELECT -1.5*(2)-3/4`, 'SELECT -1.5*(2)-3/4;'],
    ['a statement set of one', `${SOURCE}${SINK} EXECUTE STATEMENT SET BEGIN INSERT INTO numbered SELECT id FROM orders; END;`, HOLE],
    [
      'a temporary table',
      "CREATE TEMPORARY TABLE t (x INT) WITH ('connector' = 'jdbc'); INSERT INTO t VALUES (1)",
      "CREATE TEMPORARY TABLE t (x INT) WITH ( 'connector' = 'blackhole')",
    ],
    [
      'a sink that may be there already, which would be written then',
      `${SINK.replace('TABLE', 'TABLE IF NOT EXISTS')} INSERT INTO numbered SELECT 1`,
      HOLE,
    ],
    [
      'a source that commits',
      `CREATE TABLE s (x INT) WITH ('connector' = 'kafka', 'properties.commit.offsets.on.checkpoint' = 'true');${SINK} INSERT INTO numbered SELECT x FROM s`,
      COMMITS_NOTHING,
    ],
    [
      'a source that commits by itself',
      `CREATE TABLE s (x INT) WITH ('topic' = 'connector', 'connector' = 'upsert-kafka', 'properties.enable.auto.commit' = 'true');${SINK} INSERT INTO numbered SELECT x FROM s`,
      "'properties.enable.auto.commit' = 'false'",
    ],
    [
      'a source that is no Kafka',
      `CREATE TABLE s (x INT) WITH ('connector' = 'datagen');${SINK} INSERT INTO numbered SELECT x FROM s`,
      "WITH ('connector' = 'datagen')",
    ],
    ['a hint for the planner', ONE.replace('SELECT', 'SELECT /*+ BROADCAST(orders) */'), 'SELECT /*+ BROADCAST(orders) */ id'],
    ['a column that is called like a sink', `${SOURCE}${SINK} INSERT INTO numbered SELECT id, numbered FROM orders`, HOLE],
    [
      'virtual metadata of a sink',
      `${SINK.replace('id BIGINT', "id BIGINT, at TIMESTAMP METADATA FROM 'timestamp' VIRTUAL")} INSERT INTO numbered SELECT 1`,
      'blackhole',
    ],
    [
      'a comment that hides a line',
      `${SOURCE}${SINK} INSERT // first\nINTO numbered SELECT id FROM orders -- it's new\r;`,
      'INSERT INTO numbered SELECT id FROM orders;',
    ],
  ])('knows %s', (_, script, expected) => {
    expect(madeOf(script)).toContain(expected);
    expect(madeOf(script)).not.toMatch(/jdbc|transactional|EXISTS|'true'/);
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
    [
      'a table made like another',
      `${SINK} CREATE TABLE t LIKE numbered; INSERT INTO t SELECT 1`,
      'what t takes from another table (LIKE) is not looked into',
    ],
    [
      'options of its own over those of another',
      `${SINK} CREATE TABLE t WITH ('topic' = 'b') LIKE numbered; INSERT INTO t SELECT 1`,
      'something follows the options of t',
    ],
    ['a sink in a database', `${SINK} INSERT INTO db.numbered SELECT 1`, 'db is named with its database or catalog'],
    [
      'a table that is made in one',
      `${SINK} CREATE TEMPORARY TABLE default_database.numbered (id INT) WITH ('connector' = 'kafka'); INSERT INTO numbered SELECT 1`,
      'default_database is named with its database',
    ],
    [
      'a table that is read as well',
      `${SINK}\nINSERT INTO numbered SELECT id FROM numbered`,
      'line 2: numbered is read as well as written',
    ],
    [
      'a view over what is written',
      `${SINK} CREATE VIEW v AS SELECT * FROM \`numbered\`; INSERT INTO numbered SELECT 1`,
      'is read as well',
    ],
    ['a table made as a query', "CREATE TABLE t WITH ('connector' = 'kafka') // note\nAS SELECT 1", 'something follows the options of t'],
    ['the same without options', 'CREATE TABLE t AS SELECT 1', 't is made and filled by one statement'],
    ['a hint that says where to write', `${SINK} INSERT INTO numbered /*+ OPTIONS(a) */ SELECT 1`, 'a hint behind numbered'],
    ['a hint that says how to read', ONE.replace('FROM orders', "FROM orders /*+ OPTIONS('a' = 'b') */"), 'a hint with options'],
    ['options in pieces', SOURCE.replace("'kafka'", "'ka'\n'fka'"), 'the options of orders are not pairs'],
    ['an option twice', SOURCE.replace("'topic' = 'in'", "'topic' = 'in', 'topic' = 'b'"), 'each once'],
    ['options in other letters', SOURCE.replace("'topic'", "U&'topic'"), 'are not pairs'],
    [
      'literals whose quotes have rules of their own',
      `${SOURCE} SELECT E'\\''; DROP TABLE t; --'`,
      "literals such as E'\\'' are not known here",
    ],
    ['double quotes', `${SINK} INSERT INTO numbered SELECT "a'b"`, 'is in double quotes'],
    ['a quote that is not closed', `${SINK} INSERT INTO numbered SELECT 'a`, 'a quote is not closed'],
    [
      'metadata that a sink writes',
      `${SINK.replace('id BIGINT', "at TIMESTAMP METADATA FROM 'timestamp'")} INSERT INTO numbered SELECT 1`,
      'metadata of its connector',
    ],
    [
      'another kind of INSERT',
      `${SINK} BEGIN STATEMENT SET; INSERT OVERWRITE numbered SELECT 1; END`,
      'it is not known whether INSERT OVERWRITE NUMBERED',
    ],
    ['an update', `${SINK} UPDATE numbered SET id = 1`, 'it is not known whether UPDATE NUMBERED SET'],
    ['a procedure', 'CALL sys.compact()', 'it is not known whether CALL SYS .'],
    ['a plan', "EXECUTE PLAN '/a.json'", 'it is not known whether EXECUTE PLAN'],
    ['a jar', "ADD JAR '/a.jar'", 'it is not known whether ADD JAR'],
  ])('refuses %s, whoever has made the script', (_, script, expected) => {
    expect(problemOf(script)).toContain(expected);
    expect(problemOf(script, 'given')).toContain(expected);
  });

  const TWO = `${SOURCE}${SINK} CREATE TABLE b (x INT) WITH ('connector' = 'jdbc'); BEGIN STATEMENT SET; INSERT INTO numbered SELECT id FROM orders; INSERT INTO b SELECT 1; END`;
  it.each([
    ['several sinks, whose operators would be other ones', TWO, 'with several INSERTs operators get other ids'],
    [
      'a sink with a parallelism of its own',
      `${SINK.replace("'out'", "'out', 'sink.parallelism' = '4'")} INSERT INTO numbered SELECT 1`,
      'has a parallelism of its own',
    ],
    [
      'a source that may change something',
      `CREATE TABLE s (x INT) WITH ('connector' = 'postgres-cdc');${SINK} INSERT INTO numbered SELECT x FROM s`,
      '(connector postgres-cdc)',
    ],
    ['functions, which may do anything', `CREATE FUNCTION f AS 'a.B';${ONE}`, 'it is not known whether CREATE FUNCTION F'],
  ])('takes %s only from somebody who has made the script for a drill', (_, script, expected) => {
    expect(problemOf(script)).toContain(expected);
    expect(madeOf(script, 'given')).toContain(HOLE);
    expect(madeOf(script, 'given')).not.toMatch(/jdbc|transactional/);
  });
});
