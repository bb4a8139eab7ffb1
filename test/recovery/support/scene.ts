import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { recoveryJar } from '../../../bench/recovery/job-jar';
import { BUCKET, Scene } from '../../../bench/recovery/scene';
import { type Storage, startStorage } from '../../../local/flink/storage';
import { install, paths } from '../../../local/install/install';

/** As on the twin: a process that waits for a core is not dead. It is also how long a leader may stand still. */
const SHARED_MACHINE = { 'heartbeat.timeout': '10 s' };

export interface StartedScene {
  readonly scene: Scene;
  readonly storage: Storage;
  stop(): Promise<void>;
}

/** Real processes with the rendered configuration under the node's supervisor, state in the emulator's S3. `standby`: two JobManagers, of which one leads. */
export const startScene = async (variant: 'sluice' | 'standby'): Promise<StartedScene> => {
  await install();
  const directory = mkdtempSync(join(tmpdir(), `sluice-${variant}-`));
  const storage = await startStorage(BUCKET);
  const scene = new Scene(
    { fault: 'jobmanager', variant, stateMB: 1, localRecovery: true },
    { directory, image: paths().flink(), jar: recoveryJar(), storage, settings: SHARED_MACHINE },
  );
  const stop = async (): Promise<void> => {
    await scene.stop();
    await storage.stop();
    rmSync(directory, { recursive: true, force: true });
  };
  try {
    await scene.start();
  } catch (error) {
    await stop();
    throw error;
  }
  return { scene, storage, stop };
};
