import { REASON_LIMIT, rootCause } from '../../../lambdas/gateways/flink/root-cause';

const at = '\tat org.apache.flink.client.ClientUtils.executeProgram(ClientUtils.java:89)\n\t... 4 more\n';
const wrapped = (...causes: string[]) =>
  `org.apache.flink.runtime.rest.handler.RestHandlerException: Could not execute application.\n${at}${causes.map((cause) => `Caused by: ${cause}\n${at}`).join('')}`;

describe('The root cause of a Flink error', () => {
  it.each([
    [
      'is the exception of the program',
      wrapped(
        'org.apache.flink.client.program.ProgramInvocationException: The main method caused an error: no table',
        'java.lang.IllegalStateException: no table',
      ),
      'IllegalStateException: no table',
    ],
    [
      "is the SQL parser's sentence with line and column, without the tokens it expected",
      wrapped(
        'org.apache.flink.table.api.SqlParserException: SQL parse failed. Incorrect syntax near \'FROM\' at line 4, column 29.\nWas expecting one of:\n    "LATERAL" ...\n',
      ),
      "Incorrect syntax near 'FROM' at line 4, column 29.",
    ],
    [
      "is the SQL validator's sentence with line and column although the innermost has none",
      wrapped(
        "org.apache.calcite.runtime.CalciteContextException: From line 3, column 10 to line 3, column 13: Column 'nope' not found",
        "org.apache.calcite.sql.validate.SqlValidatorException: Column 'nope' not found",
      ),
      "From line 3, column 10 to line 3, column 13: Column 'nope' not found",
    ],
    [
      'names the missing class and who wanted it',
      wrapped(
        'org.apache.flink.util.DynamicCodeLoadingException: Cannot find configured state backend factory class: nonsense',
        'java.lang.ClassNotFoundException: nonsense',
      ),
      'Cannot find configured state backend factory class: nonsense (no such class: nonsense)',
    ],
    [
      'names the setting that has a wrong value',
      wrapped(
        "java.lang.IllegalArgumentException: Could not parse value '7 parsecs' for key 'interval'.",
        'java.lang.IllegalArgumentException: no such unit',
      ),
      "Could not parse value '7 parsecs' for key 'interval'. IllegalArgumentException: no such unit",
    ],
    [
      'sees through wrappers that repeat their cause',
      "java.util.concurrent.CompletionException: java.util.concurrent.CompletionException: java.io.FileNotFoundException: no file 's3://a/b'.",
      "FileNotFoundException: no file 's3://a/b'.",
    ],
    ['is the class where there is no message', wrapped('java.lang.StackOverflowError'), 'StackOverflowError'],
    ['is there for an empty trace', '', 'no cause given'],
  ])('%s', (_, trace, reason) => {
    expect(rootCause(trace)).toBe(reason);
  });

  it('is at most 2,000 characters long', () => {
    expect(rootCause(`java.lang.IllegalStateException: ${'x'.repeat(90_000)}`)).toHaveLength(REASON_LIMIT);
  });
});
