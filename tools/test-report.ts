/** What Jest writes with `--json`, as far as it is counted. */
export interface JestReport {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly numRuntimeErrorTestSuites: number;
  readonly testResults: readonly {
    readonly assertionResults: readonly {
      readonly fullName: string;
      readonly status: string;
      /** How often the test was tried; more than once in suites with real processes only (test/contract/support/once-more.ts). */
      readonly invocations?: number;
    }[];
  }[];
}

export interface SuiteCount {
  readonly passed: number;
  readonly failed: number;
  /** Names of tests that failed first: a race looks like this, and a machine that was busy too. */
  readonly atSecondTry: readonly string[];
}

/** @param endedWell whether Jest itself did; a suite that did not has failed in one way at least */
export const countOf = (report: JestReport, endedWell: boolean): SuiteCount => {
  const failed = report.numFailedTests + report.numRuntimeErrorTestSuites;
  const passed = report.testResults.flatMap(({ assertionResults }) => assertionResults).filter(({ status }) => status === 'passed');
  return {
    passed: report.numPassedTests,
    failed: failed === 0 && !endedWell ? 1 : failed,
    atSecondTry: passed.filter(({ invocations = 1 }) => invocations > 1).map(({ fullName }) => fullName),
  };
};

/** The last lines of a run. */
export const summaryOf = (suites: readonly SuiteCount[]): readonly string[] => {
  const sum = (of: (suite: SuiteCount) => number): number => suites.reduce((total, suite) => total + of(suite), 0);
  const names = suites.flatMap(({ atSecondTry }) => atSecondTry);
  return [
    ...(names.length === 0 ? [] : [`${names.length} only at the second try: ${names.join('; ')}`]),
    `${sum(({ passed }) => passed)} passed, ${sum(({ failed }) => failed)} failed`,
  ];
};
