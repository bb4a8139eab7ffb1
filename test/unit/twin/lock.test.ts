import { acquireLock, TwinIsRunning, whoHolds } from '../../../local/twin/lock';
import { readSettings } from '../../../local/twin/settings';

const address = `\0sluice-twin-test-${process.pid}`.padEnd(108, '\0');
const settings = { ...readSettings(), root: '/here', stateDir: '/here/state' };

test('a second twin on the machine is refused with a sentence that says who runs and how to stop it', async () => {
  const lock = await acquireLock(settings, 'npm start', address);
  try {
    const second = acquireLock({ ...settings, root: '/elsewhere' }, 'npm start', address);
    await expect(second).rejects.toThrow(TwinIsRunning);
    await expect(second).rejects.toThrow(new RegExp(`process ${process.pid} \\(npm start\\) since .* in /here.*npm run twin -- down`));
  } finally {
    await lock.release();
  }
  expect(await whoHolds(address)).toBeUndefined();
});

test('who holds the lock says when its twin is ready', async () => {
  const lock = await acquireLock(settings, 'npm start', address);
  try {
    expect(await whoHolds(address)).toMatchObject({ pid: process.pid, stateDir: '/here/state', ready: false });
    lock.markReady();
    expect(await whoHolds(address)).toMatchObject({ ready: true });
  } finally {
    await lock.release();
  }
});
