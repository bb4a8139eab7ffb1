import { resolve } from 'node:path';
import { mavenJar } from '../../../tools/maven-jar';

/** The example jar. @returns its path */
export const counterJar = (): string => mavenJar(resolve(__dirname, '../../../examples/counter-jar'), 'counter');
