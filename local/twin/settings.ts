import { join, resolve } from 'node:path';

/** Where one twin runs: addresses, folders, stage. */
export interface TwinSettings {
  /** Top folder of this clone. */
  readonly root: string;
  readonly stateDir: string;
  readonly cacheDir: string;
  readonly logDir: string;
  readonly stage: string;
  readonly region: string;
  readonly account: string;
  /** Port of the emulator on 127.0.0.1. */
  readonly port: number;
  readonly kafkaPort: number;
  /** Port of the broker's own KRaft controller. */
  readonly kafkaControllerPort: number;
}

const port = (name: string, standard: number): number => {
  const text = process.env[name];
  if (text === undefined) return standard;
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1024 || value > 65_535)
    throw new Error(`${name} must be a port from 1024 to 65535, not ${JSON.stringify(text)}`);
  return value;
};

/**
 * Settings from the environment: SLUICE_TWIN_PORT (4566), SLUICE_KAFKA_PORT (9092), SLUICE_KAFKA_CONTROLLER_PORT (9093),
 * SLUICE_TWIN_STATE (folder of state and logs, `local/.state`).
 * @throws when a port is not one.
 */
export const readSettings = (root = resolve(__dirname, '../..')): TwinSettings => {
  const stateDir = resolve(process.env.SLUICE_TWIN_STATE ?? join(root, 'local/.state'));
  return {
    root,
    stateDir,
    cacheDir: join(root, 'local/.cache'),
    logDir: join(stateDir, 'log'),
    stage: 'local',
    region: 'us-east-1',
    account: '000000000000',
    port: port('SLUICE_TWIN_PORT', 4566),
    kafkaPort: port('SLUICE_KAFKA_PORT', 9092),
    kafkaControllerPort: port('SLUICE_KAFKA_CONTROLLER_PORT', 9093),
  };
};

/** Address of the emulator. By number: S3 clients would otherwise put the bucket in front of the host name. */
export const awsEndpoint = (settings: TwinSettings): string => `http://127.0.0.1:${settings.port}`;

/** Environment that points any AWS client (SDK, CLI, CDK) at the emulator, and at nothing else. */
export const awsEnvironment = (settings: TwinSettings): Record<string, string> => ({
  AWS_ENDPOINT_URL: awsEndpoint(settings),
  AWS_ENDPOINT_URL_S3: awsEndpoint(settings),
  AWS_ACCESS_KEY_ID: 'test',
  AWS_SECRET_ACCESS_KEY: 'test',
  AWS_REGION: settings.region,
  AWS_DEFAULT_REGION: settings.region,
  AWS_CONFIG_FILE: '/dev/null',
  AWS_SHARED_CREDENTIALS_FILE: '/dev/null',
  CDK_DEFAULT_ACCOUNT: settings.account,
  CDK_DEFAULT_REGION: settings.region,
});
