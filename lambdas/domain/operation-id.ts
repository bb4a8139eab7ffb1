import { createHash } from 'node:crypto';

/** Lower-case base 32 (RFC 4648): every character is allowed in an execution name, a URL and a tag. */
const ALPHABET = 'abcdefghijklmnopqrstuvwxyz234567';
const CHARACTERS = 26;
/** 26 characters of 5 bits are 130 bits: 17 bytes. */
export const OPERATION_ID_BYTES = 17;

/** @param bytes at least 17, random or from a hash. */
export const operationIdOf = (bytes: Uint8Array): string => {
  if (bytes.length < OPERATION_ID_BYTES) throw new RangeError(`${OPERATION_ID_BYTES} bytes are needed, ${bytes.length} given`);
  let bits = bytes.subarray(0, OPERATION_ID_BYTES).reduce((all, byte) => (all << 8n) | BigInt(byte), 0n);
  let id = '';
  for (let index = 0; index < CHARACTERS; index++, bits >>= 5n) id += ALPHABET[Number(bits & 31n)];
  return `op-${id}`;
};

/**
 * Whose a key is: of a session, the role's. SDKs name a session anew in each process that assumes the role (`aws-sdk-js-<instant>`), and it is
 * a later process that repeats what an earlier one has not heard of.
 */
const keyHolder = (caller: string): string => caller.replace(/^(arn:[^:]+:sts::\d+:assumed-role\/[^/]+)\/.*$/, '$1');

/** The same caller, route and key give the same operation, so that a repeated request finds the first. @param request.caller ARN */
export const operationIdOfKey = (request: {
  readonly caller: string;
  readonly method: string;
  readonly path: string;
  readonly key: string;
}): string =>
  operationIdOf(
    createHash('sha256')
      .update(JSON.stringify([keyHolder(request.caller), request.method, request.path, request.key]))
      .digest(),
  );

/** Fingerprint of a parsed request: the same wish gives the same, however its fields are ordered. SHA-256 in hexadecimal. */
export const requestHashOf = (request: unknown): string => createHash('sha256').update(canonical(request)).digest('hex');

const canonical = (value: unknown): string => {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null';
  const fields = Object.entries(value)
    .filter(([, field]) => field !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${fields.map(([key, field]) => `${JSON.stringify(key)}:${canonical(field)}`).join(',')}}`;
};
