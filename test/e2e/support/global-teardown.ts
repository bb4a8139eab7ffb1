import { once } from 'node:events';
import { twinProcess } from './global-setup';

export default async (): Promise<void> => {
  const { child } = twinProcess;
  if (!child || child.exitCode !== null) return;
  child.kill('SIGTERM');
  await once(child, 'exit');
};
