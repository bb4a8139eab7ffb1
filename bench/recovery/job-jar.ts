import { join } from 'node:path';
import { mavenJar } from '../../tools/maven-jar';

/** The job that keeps count. @returns its path */
export const recoveryJar = (): string => mavenJar(join(__dirname, 'job'), 'recovery');
