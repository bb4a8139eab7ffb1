import { join } from 'node:path';
import { uploadJar } from '../../local/client/upload-jar';
import type { TwinFile } from '../../local/twin/twin-file';
import { ROOT } from '../../tools/bundle';
import { mavenJar } from '../../tools/maven-jar';

export type Jar = Awaited<ReturnType<typeof uploadJar>>;

/** The example jar, in the artifact bucket. */
export const uploadedJar = (twin: TwinFile): Promise<Jar> => uploadJar(twin, mavenJar(join(ROOT, 'examples/counter-jar'), 'counter'));

/** A job that counts ten generated numbers a second for ever. */
export const ARGUMENTS = ['--rate', '10'];
