import { printableJson } from './printable-json';

/** One line of JSON on stdout, which is the function's log. Fields that are undefined are left out. Never whole events: they may carry secrets of jobs. */
export const log = (level: 'INFO' | 'WARN' | 'ERROR', fields: Readonly<Record<string, unknown>>): void => {
  console.log(printableJson({ level, at: new Date().toISOString(), ...fields }));
};
