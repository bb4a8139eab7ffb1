/** Examples in the OpenAPI document, by handler; a test parses each with the schema of its route. */
export const EXAMPLES = {
  'create-cluster': {
    name: 'flights',
    size: 'medium',
    overrides: { taskManagers: { min: 4, max: 16 } },
    flinkConfiguration: { 'execution.checkpointing.interval': '30 s' },
    tags: { 'cost-center': 'operations' },
  },
  'change-cluster': {
    placement: { failover: { zones: ['us-east-1c', 'us-east-1b'], volumeSnapshots: null } },
    drill: { schedule: 'cron(0 3 ? * MON *)' },
    overrides: { taskManagers: { max: 24 } },
  },
  'submit-job': {
    name: 'delays',
    jar: {
      uri: 's3://artifacts/jobs/delays-1.4.0.jar',
      sha256: '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08',
      entryClass: 'com.example.Delays',
      arguments: ['--window', '1 day'],
    },
    parallelism: 16,
    restore: { from: 'latest' },
    scaling: { minParallelism: 4, maxParallelism: 64, serviceLevels: { maxLagSeconds: 30 } },
  },
  'stop-job': { drain: false },
  'upgrade-job': {
    jar: { uri: 's3://artifacts/jobs/delays-1.5.0.jar', sha256: '60303ae22b998861bce3b28f33eec1be758a213c86c93c076dbe9f558c11c752' },
    allowNonRestoredState: false,
  },
  'rescale-job': { parallelism: 32 },
  'set-scaling': {
    priority: 10,
    targetUtilization: 0.6,
    maxParallelism: 128,
    budgetDollarsPerHour: 40,
    serviceLevels: { maxLagSeconds: 20, maxBackpressure: 0.3 },
    floors: [{ from: '07:30', until: '10:00', days: [1, 2, 3, 4, 5], parallelism: 32 }],
  },
  'drill-cluster': { mode: 'lost' },
  'fail-over-cluster': { zone: 'us-east-1b', mode: 'planned', reason: 'Maintenance of us-east-1a' },
  problem: {
    type: 'urn:sluice:problem:conflict',
    title: 'Something is in the way',
    status: 409,
    detail: 'Job delays is being changed by another operation',
    instance: '/clusters/flights/jobs/delays/rescale',
    requestId: 'JKJaXmPLvHcESHA=',
    operation: { operationId: 'op-abcdefghijklmnopqrstuvwxyz', href: '/clusters/flights/operations/op-abcdefghijklmnopqrstuvwxyz' },
  },
} as const;
