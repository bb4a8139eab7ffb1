import { gunzipSync, gzipSync } from 'node:zlib';

/** JSON of figures shrinks to a fifth or less, and DynamoDB charges a write by the KB. */
export const compress = (value: unknown): Buffer => gzipSync(JSON.stringify(value));

/** @throws when it is not what `compress` made */
export const decompress = (stored: unknown): unknown => JSON.parse(gunzipSync(stored as Uint8Array).toString('utf8'));
