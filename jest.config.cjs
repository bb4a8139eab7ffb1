/** One project a kind of test; `npm test` runs them in this order (docs/architecture.md#tests). */
const base = {
  testEnvironment: 'node',
  // middy and a few of its kind ship ES modules only: swc turns those into CommonJS too.
  transform: { '^.+\\.(t|j|mj)s$': ['@swc/jest', { jsc: { target: 'es2023', parser: { syntax: 'typescript' } }, module: { type: 'commonjs' } }] },
  transformIgnorePatterns: ['/node_modules/(?!(@middy|@platformatic)/)'],
  modulePathIgnorePatterns: ['<rootDir>/cdk.out', '<rootDir>/dist', '<rootDir>/local/.state', '<rootDir>/local/.cache'],
};
const project = (displayName, extra = {}) => ({ ...base, displayName, rootDir: __dirname, testMatch: [`<rootDir>/test/${displayName}/**/*.test.ts`], ...extra });
const onceMore = { setupFilesAfterEnv: ['<rootDir>/test/contract/support/once-more.ts'] };
// One local twin for all tests of a suite.
const twin = { ...onceMore, globalSetup: '<rootDir>/test/e2e/support/global-setup.ts', globalTeardown: '<rootDir>/test/e2e/support/global-teardown.ts' };
module.exports = {
  projects: ['unit', 'infra', 'contract', 'state-machines', 'e2e', 'crashes', 'recovery', 'scenarios'].map((name) =>
    project(name, { contract: onceMore, e2e: twin, crashes: onceMore, recovery: onceMore, scenarios: twin }[name]),
  ),
};
