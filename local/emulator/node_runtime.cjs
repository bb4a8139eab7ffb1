/**
 * The Node.js runtime of a function («Using the Lambda runtime API», «Building Lambda functions with Node.js», AWS Lambda Developer Guide).
 *
 * One process is one execution environment. Invocations come as lines of JSON on the socket at standard input and their results go back there; standard
 * output and error are the function's log. The environment ends when the socket closes, that is when the emulator is gone, however it went.
 */
'use strict';
const fs = require('node:fs');
const net = require('node:net');
const path = require('node:path');
const { pathToFileURL } = require('node:url');

const socket = new net.Socket({ fd: 0, readable: true, writable: true });
socket.on('close', () => process.exit(0));
socket.on('error', () => process.exit(0));
const answer = (message, then) => socket.write(`${JSON.stringify(message)}\n`, then);

/** {errorType, errorMessage, trace} as the real runtime reports what a handler threw. */
function describe(thrown) {
  if (thrown instanceof Error || (thrown && typeof thrown === 'object' && 'message' in thrown)) {
    return { errorType: thrown.name || 'Error', errorMessage: String(thrown.message), trace: String(thrown.stack ?? '').split('\n') };
  }
  return { errorType: typeof thrown, errorMessage: String(thrown), trace: [] };
}

async function load() {
  const spec = process.env._HANDLER;
  const [file, name] = [spec.slice(0, spec.lastIndexOf('.')), spec.slice(spec.lastIndexOf('.') + 1)];
  const base = path.resolve(process.env.LAMBDA_TASK_ROOT, file);
  const found = ['.js', '.mjs', '.cjs'].map((extension) => base + extension).find((candidate) => fs.existsSync(candidate));
  if (!found) throw Object.assign(new Error(`Cannot find module '${file}'`), { name: 'Runtime.ImportModuleError' });
  const loaded = found.endsWith('.mjs') ? await import(pathToFileURL(found).href) : require(found);
  const handler = loaded[name] ?? loaded.default?.[name];
  if (typeof handler !== 'function') {
    throw Object.assign(new Error(`${spec} is undefined or not exported`), { name: 'Runtime.HandlerNotFound' });
  }
  return handler;
}

function context(call) {
  const { AWS_LAMBDA_FUNCTION_NAME, AWS_LAMBDA_FUNCTION_VERSION, AWS_LAMBDA_FUNCTION_MEMORY_SIZE } = process.env;
  return {
    callbackWaitsForEmptyEventLoop: true,
    functionName: AWS_LAMBDA_FUNCTION_NAME,
    functionVersion: AWS_LAMBDA_FUNCTION_VERSION,
    invokedFunctionArn: call.arn,
    memoryLimitInMB: AWS_LAMBDA_FUNCTION_MEMORY_SIZE,
    awsRequestId: call.requestId,
    logGroupName: process.env.AWS_LAMBDA_LOG_GROUP_NAME,
    logStreamName: process.env.AWS_LAMBDA_LOG_STREAM_NAME,
    getRemainingTimeInMillis: () => Math.max(0, call.deadline - Date.now()),
  };
}

function run(handler, call) {
  return new Promise((resolve, reject) => {
    const returned = handler(call.event, context(call), (error, value) => (error ? reject(error) : resolve(value)));
    if (typeof returned?.then === 'function') returned.then(resolve, reject);
    else if (returned !== undefined || handler.length < 3) resolve(returned);
  });
}

async function main() {
  let handler;
  try {
    handler = await load();
  } catch (error) {
    console.error(error);
    answer({ initError: describe(error) }, () => process.exit(1));
    return;
  }
  const fatal = (prefix) => (error) => {
    console.error(error);
    const described = describe(error);
    answer({ error: { ...described, errorType: `Runtime.${prefix}`, errorMessage: `${described.errorType}: ${described.errorMessage}` } }, () => process.exit(129));
  };
  process.on('uncaughtException', fatal('UncaughtException'));
  process.on('unhandledRejection', fatal('UnhandledPromiseRejection'));
  answer({ ready: true });

  let buffer = '';
  socket.setEncoding('utf8');
  socket.on('data', async (chunk) => {
    buffer += chunk;
    const end = buffer.indexOf('\n');
    if (end < 0) return;
    const call = JSON.parse(buffer.slice(0, end));
    buffer = buffer.slice(end + 1);
    if (call.traceId) process.env._X_AMZN_TRACE_ID = call.traceId;
    else delete process.env._X_AMZN_TRACE_ID;
    let message;
    try {
      const result = await run(handler, call);
      message = { result: result === undefined ? null : result };
    } catch (error) {
      message = { error: describe(error) };
      console.error(`${new Date().toISOString()}\t${call.requestId}\tERROR\tInvoke Error\t${JSON.stringify(message.error)}`);
    }
    fs.writeSync(1, `\0end ${call.requestId}\n`);
    answer(message);
  });
}

main();
