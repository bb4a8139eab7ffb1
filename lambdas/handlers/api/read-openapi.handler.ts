import middy from '@middy/core';
import { openApiDocument } from '../../contracts/openapi';
import { api, ok } from '../../middleware/api';

let document: ReturnType<typeof openApiDocument> | undefined;

/** Made when it is first asked for: most starts of this function are for one reader. */
export const handler = middy(async () => {
  document ??= openApiDocument();
  return ok(document);
}).use(api({ action: 'read-openapi' }));
