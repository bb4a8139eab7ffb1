/** The arrows of docs/architecture.md as rules: handlers → use cases → domain; only gateways talk to AWS or to Flink. */
const SDK = '^(node_modules/)?(@aws-sdk|@smithy|aws-cdk-lib|aws-sdk)';
const NODE = { dependencyTypes: ['core'] };

/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    { name: 'no-circles', severity: 'error', from: {}, to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } } },
    { name: 'nothing-unresolved', severity: 'error', from: {}, to: { couldNotResolve: true } },
    {
      name: 'domain-knows-contracts-only',
      comment: 'The domain is pure: what it decides follows from its arguments. Ports speak its words, so it may name their types (interfaces only, nothing runs).',
      severity: 'error',
      from: { path: '^lambdas/domain' },
      to: { path: '^(lambdas|lib|local|bin|tools|bench)/', pathNot: ['^lambdas/(domain|contracts)/', '\\.port\\.ts$'] },
    },
    {
      name: 'domain-uses-no-package',
      comment: 'zod is the one exception: contracts are made of it.',
      severity: 'error',
      from: { path: '^lambdas/domain' },
      to: { dependencyTypes: ['npm', 'npm-dev', 'npm-no-pkg'], pathNot: '^node_modules/zod/' },
    },
    { name: 'domain-does-no-io', severity: 'error', from: { path: '^lambdas/domain' }, to: { ...NODE, pathNot: '^(node:)?crypto$' } },
    { name: 'contracts-stand-alone', severity: 'error', from: { path: '^lambdas/contracts' }, to: { pathNot: ['^lambdas/contracts/', '^node_modules/zod/'] } },
    {
      name: 'use-cases-see-ports',
      comment: 'A use case is given its gateways; it knows their interface (*.port.ts) and no implementation. It may write a line of the log.',
      severity: 'error',
      from: { path: '^lambdas/usecases' },
      to: { path: '^lambdas/', pathNot: ['^lambdas/(usecases|domain|contracts)/', '\\.port\\.ts$', '^lambdas/middleware/log\\.ts$'] },
    },
    {
      name: 'only-gateways-use-the-sdk',
      severity: 'error',
      from: { path: '^lambdas/', pathNot: '^lambdas/gateways/' },
      to: { path: SDK },
    },
    {
      name: 'gateways-decide-nothing',
      comment: 'A gateway speaks the words of the domain (types, names, paths), but calls no use case and no handler.',
      severity: 'error',
      from: { path: '^lambdas/gateways' },
      to: { path: '^lambdas/(usecases|handlers|middleware)/' },
    },
    { name: 'handlers-are-leaves', severity: 'error', from: {}, to: { path: '\\.handler\\.ts$' } },
    {
      name: 'handlers-go-through-use-cases',
      comment: 'A handler parses, calls one use case, and maps the result; how gateways are made is for the middleware to know.',
      severity: 'error',
      from: { path: '\\.handler\\.ts$' },
      to: { path: ['\\.adapter\\.ts$', SDK] },
    },
    {
      name: 'functions-do-not-know-how-they-are-deployed',
      severity: 'error',
      from: { path: '^lambdas/' },
      to: { path: '^(lib|bin|tools|bench|local|test|examples)/' },
    },
    {
      name: 'stacks-know-contracts-only',
      severity: 'error',
      from: { path: '^(lib|bin)/' },
      to: { path: '^lambdas/', pathNot: '^lambdas/contracts/' },
    },
    {
      name: 'product-does-not-know-the-twin',
      severity: 'error',
      from: { path: '^(lib|bin|lambdas)/' },
      to: { path: '^(local|test|bench|examples)/' },
    },
    { name: 'no-test-in-product', severity: 'error', from: { pathNot: '^test/' }, to: { path: '^test/' } },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '(^|/)(cdk\\.out|dist|\\.cache|\\.state)/' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'require', 'node', 'default', 'types'], mainFields: ['module', 'main', 'types'] },
  },
};
