import { type HandlerName, ROUTES } from '../../lambdas/contracts/routes';

/**
 * What a function may do, in words; `lib/constructs/grants.ts` turns each into IAM statements.
 * `state:scripts` reads the state bucket and adds SQL scripts of jobs to it; `state:retain` reads it and deletes state of jobs. `fleet:facts` reads instance types; `fleet:observe` reads groups, instances and what belongs to them; `fleet:access` makes and deletes security
 * groups, roles, profiles and network interfaces; `fleet:roles` makes and deletes roles and profiles; `fleet:groups` makes, sizes and deletes launch templates and Auto Scaling groups; `fleet:replace` ends hosts of
 * groups; `fleet:addresses` gives hosts' interfaces more addresses; `fleet:types` has JobManagers' groups launch another of the types that they were made with;
 * `fleet:again` has TaskManagers' groups launch at once what they lack. `alarms:write`
 * finds, makes and deletes alarms of the stage's jobs; `metrics:read` reads CloudWatch metrics; `fleet:mark` puts marks on hosts and takes them off.
 */
export type Grant =
  | 'table:read'
  | 'table:write'
  | 'artifacts:read'
  | 'state:read'
  | 'state:write'
  | 'state:scripts'
  | 'state:retain'
  | 'fleet:facts'
  | 'fleet:observe'
  | 'fleet:access'
  | 'fleet:roles'
  | 'fleet:groups'
  | 'fleet:replace'
  | 'fleet:addresses'
  | 'fleet:types'
  | 'fleet:again'
  | 'alarms:write'
  | 'metrics:read'
  | 'fleet:mark'
  | 'volumes:snapshot'
  | 'workflows:start';

export interface FunctionDefinition {
  /** Entry file, from the root of the project. */
  readonly entry: string;
  /** Who calls it: `api` a route, `workflow` a state machine, `events` EventBridge (asynchronous, with a dead-letter queue). */
  readonly kind: 'api' | 'workflow' | 'events';
  /**
   * `vpc`: calls Flink, so it runs in the private subnets, where DynamoDB and S3 are all it reaches of AWS (gateway endpoints are free, interface
   * endpoints cost $7 a month and zone). `none`: calls any AWS API.
   */
  readonly network: 'vpc' | 'none';
  readonly timeoutSeconds: number;
  /** MiB. Lambda gives CPU in proportion; 512 MiB keeps a cold start of a 700 KB bundle short. */
  readonly memoryMiB: number;
  readonly grants: readonly Grant[];
  /** @default - as the stage says. Off where a trace of every pass would cost more than the pass ($5 a million) and say nothing. */
  readonly traced?: false;
}

type Part = Omit<FunctionDefinition, 'entry' | 'kind'>;

/** Asks AWS; a task that AWS throttles is retried by its state machine, so it need not wait long itself. */
const awsSide = (grants: readonly Grant[], timeoutSeconds = 30): Part => ({
  network: 'none',
  timeoutSeconds,
  memoryMiB: 512,
  grants: ['table:write', ...grants],
});

/** Asks Flink, whose REST client gives up before the function does. */
const flinkSide = (grants: readonly Grant[] = [], timeoutSeconds = 30): Part => ({
  network: 'vpc',
  timeoutSeconds,
  memoryMiB: 512,
  grants: ['table:write', ...grants],
});

const WORKFLOW_FUNCTIONS = {
  'begin-operation': awsSide([]),
  'end-operation': awsSide([]),
  'prepare-access': awsSide(['fleet:access', 'fleet:observe']),
  'prepare-next-role': awsSide(['fleet:roles']),
  'write-configuration': awsSide(['state:write']),
  'create-fleet': awsSide(['fleet:groups', 'fleet:observe']),
  'observe-fleet': awsSide(['fleet:observe', 'fleet:types', 'fleet:again']),
  'delete-fleet': awsSide(['fleet:groups', 'fleet:observe']),
  'fleet-gone': awsSide(['fleet:observe']),
  'delete-access': awsSide(['fleet:access', 'fleet:groups', 'fleet:observe', 'state:write']),
  'ensure-capacity': awsSide(['fleet:groups', 'fleet:observe']),
  // Twenty-five alarms at most, three a second.
  'ensure-alarms': awsSide(['alarms:write']),
  'delete-alarms': awsSide(['alarms:write']),
  'observe-cluster': flinkSide(),
  // Streams up to 500 MB from S3 into the JobManager: at 50 MB/s ten seconds, with room for a slow zone.
  'upload-artifact': { ...flinkSide(['artifacts:read', 'state:read'], 300), memoryMiB: 1_024 },
  // Flink answers a run request after the program's main() has built the graph, which takes a while for large SQL scripts. Where another JobManager leads than
  // the one that has the jar, it is uploaded again before.
  'start-job': { ...flinkSide(['artifacts:read', 'state:read'], 300), memoryMiB: 1_024 },
  'observe-job': flinkSide(),
  'trigger-savepoint': flinkSide(),
  'observe-savepoint': flinkSide(['state:read']),
  'stop-job': flinkSide(),
  'stop-jobs': flinkSide([], 60),
  'jobs-stopped': flinkSide(['state:read'], 60),
  'cancel-job': flinkSide(),
  'rescale-job': flinkSide(),
  'recheck-scaling': awsSide(['metrics:read', 'state:read']),
  'scale-job': flinkSide(['state:read']),
  'confirm-rescale': flinkSide(),
  'withdraw-job': flinkSide(),
  // May have to upload the former program again before it starts it.
  'revert-job': { ...flinkSide(['artifacts:read', 'state:read'], 300), memoryMiB: 1_024 },
  'list-busy-hosts': flinkSide(),
  'choose-hosts': awsSide(['fleet:observe']),
  'checkpoint-jobs': flinkSide(),
  'drain-hosts': awsSide(['fleet:mark', 'fleet:observe']),
  'observe-drain': flinkSide(),
  'mark-host': awsSide(['fleet:mark', 'fleet:observe']),
  'replace-jobmanager': awsSide(['fleet:observe', 'fleet:replace']),
  'find-room': flinkSide(),
  'list-observed-clusters': { ...awsSide([]), grants: ['table:read'], traced: false },
  'observe-flink': { ...flinkSide(), traced: false },
  'record-jobs': flinkSide(),
  'take-over': awsSide([]),
  'secure-state': flinkSide(),
  'fence-former': awsSide(['fleet:access', 'fleet:groups', 'fleet:observe', 'state:write']),
  // Nobody waits for it longer than hosts boot; one that is killed is said, and the move goes on.
  'snapshot-volumes': awsSide(['volumes:snapshot'], 10),
  'next-zone': awsSide([]),
  // Answered when the warm-up's graph is built, by a JobManager that has never built one.
  'warm-up': flinkSide([], 90),
  'settle-reserve': awsSide([]),
  'give-back': awsSide(['workflows:start']),
  // As `upload-artifact` and `start-job`, job after job within a budget.
  'start-jobs': { ...flinkSide(['artifacts:read', 'state:read'], 300), memoryMiB: 1_024 },
  'jobs-restored': flinkSide(),
  // Asks Flink which state is the newest, and has S3 copy it within a budget.
  'copy-jobs': flinkSide(['state:write'], 300),
  'hand-over': awsSide([]),
  'first-checkpoints': flinkSide(['state:read']),
} as const satisfies Record<string, Part>;

/** What each route may do beyond reading the table. API Gateway gives up after 30 s; the caller should hear of a problem before. */
const API_GRANTS: Readonly<Record<HandlerName, readonly Grant[]>> = {
  'create-cluster': ['table:write', 'fleet:facts', 'workflows:start'],
  'list-clusters': ['table:read'],
  'describe-cluster': ['table:read'],
  'terminate-cluster': ['table:write', 'workflows:start'],
  'change-cluster': ['table:write', 'fleet:facts'],
  'fail-over-cluster': ['table:write', 'workflows:start'],
  'drill-cluster': ['table:write', 'state:scripts', 'workflows:start'],
  'read-configuration': ['table:read', 'state:read'],
  'submit-job': ['table:write', 'artifacts:read', 'state:scripts', 'workflows:start'],
  'list-jobs': ['table:read'],
  'describe-job': ['table:write'],
  'stop-job': ['table:write', 'workflows:start'],
  'cancel-job': ['table:write', 'workflows:start'],
  'take-savepoint': ['table:write', 'workflows:start'],
  'list-snapshots': ['table:read', 'state:read'],
  'delete-snapshot': ['table:write', 'state:retain'],
  'upgrade-job': ['table:write', 'artifacts:read', 'state:scripts', 'workflows:start'],
  'rescale-job': ['table:write', 'workflows:start'],
  'set-scaling': ['table:write', 'workflows:start'],
  'list-operations': ['table:read'],
  'describe-operation': ['table:read'],
  'read-openapi': [],
};

const EVENT_FUNCTIONS = {
  // Moves clusters away from a zone that AWS shifts traffic from, or where the last host is gone and none can be launched.
  'handle-zone-event': {
    network: 'none',
    timeoutSeconds: 60,
    memoryMiB: 512,
    grants: ['table:write', 'fleet:observe', 'fleet:types', 'workflows:start'],
  },
  // Told by a pass of observation, or by an alarm: decides, and starts what was decided.
  'consider-scaling': {
    network: 'none',
    timeoutSeconds: 60,
    memoryMiB: 512,
    grants: ['table:write', 'state:write', 'fleet:observe', 'metrics:read', 'workflows:start'],
  },
  // Told by a pass of observation that a cluster is without JobManager or TaskManagers: looks at its hosts, and has them replaced, or moves it where that is the zone's fault.
  'consider-failover': {
    network: 'none',
    timeoutSeconds: 60,
    memoryMiB: 512,
    grants: ['table:write', 'fleet:observe', 'fleet:types', 'workflows:start'],
  },
  // Closes operations whose execution ended without saying so.
  'sweep-operations': {
    network: 'none',
    timeoutSeconds: 60,
    memoryMiB: 512,
    grants: ['table:write', 'fleet:observe', 'fleet:types', 'fleet:addresses', 'workflows:start'],
  },
  // EC2 tells of every instance of the account that is launched: those of other owners are left, after one call.
  'give-addresses': { network: 'none', timeoutSeconds: 30, memoryMiB: 512, grants: ['fleet:observe', 'fleet:addresses'] },
  // The same of every instance that ends: its group is told, where that has not found it yet.
  'replace-ended': { network: 'none', timeoutSeconds: 30, memoryMiB: 512, grants: ['fleet:observe', 'fleet:replace'] },
  // Records that an alarm of a job rings, and asks whether to scale.
  'handle-alarm': {
    network: 'none',
    timeoutSeconds: 60,
    memoryMiB: 512,
    grants: ['table:write', 'state:write', 'fleet:observe', 'metrics:read', 'workflows:start'],
  },
  // Makes alarms follow jobs that ended, or came to be, without an operation. After a change of the stage all of them are put anew, three a second.
  'sweep-alarms': { network: 'none', timeoutSeconds: 300, memoryMiB: 512, grants: ['table:write', 'alarms:write'] },
  // Deletes snapshots that are kept no more. Reads the metadata of all, of which some are large.
  'retain-snapshots': {
    network: 'none',
    timeoutSeconds: 900,
    memoryMiB: 1_024,
    grants: ['table:write', 'state:retain', 'volumes:snapshot'],
  },
  // Begins the replacement of hosts that EC2 takes.
  'handle-interruption': {
    network: 'none',
    timeoutSeconds: 30,
    memoryMiB: 512,
    grants: ['table:write', 'fleet:observe', 'workflows:start'],
  },
} as const satisfies Record<string, Part>;

const entries = (kind: FunctionDefinition['kind'], prefix: string, parts: Readonly<Record<string, Part>>): [string, FunctionDefinition][] =>
  Object.entries(parts).map(([name, part]) => [
    `${prefix}${name}`,
    { ...part, kind, entry: `lambdas/handlers/${kind}/${name}.handler.ts` },
  ]);

const apiParts = Object.fromEntries(
  ROUTES.map((route): [string, Part] => [
    route.handler,
    { network: route.network, timeoutSeconds: 25, memoryMiB: 512, grants: API_GRANTS[route.handler] },
  ]),
);

/** Name of the function that answers a route: some routes are called as a workflow's task is (`stop-job`). */
export const apiFunctionName = (handler: string): string => `api-${handler}`;

/** Every function of the control plane by name; its name in AWS is `sluice-<stage>-<name>`. */
export const FUNCTIONS: Readonly<Record<string, FunctionDefinition>> = Object.fromEntries([
  ...entries('workflow', '', WORKFLOW_FUNCTIONS),
  ...entries('api', 'api-', apiParts),
  ...entries('events', '', EVENT_FUNCTIONS),
]);

/** `start-job` → `StartJob`, as definitions name a function's ARN: `${StartJob}`. */
export const placeholderOf = (functionName: string): string =>
  functionName
    .split('-')
    .map((word) => word.charAt(0).toUpperCase() + word.slice(1))
    .join('');
