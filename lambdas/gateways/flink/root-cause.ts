/** Longest reason that enters a state machine, a log or an answer; Flink's own traces have been seen at 90 KB. */
export const REASON_LIMIT = 2_000;

interface Cause {
  /** Fully qualified class, '' where the line names none. */
  readonly type: string;
  readonly message: string;
}

const NAMED = /^((?:[\w$]+\.)+[\w$]*(?:Exception|Error|Throwable|Interrupt|Failure)[\w$]*)(?::\s*([\s\S]*))?$/;
const SQL_POSITION = /\bline \d+, column \d+/;
/** Their message says nothing without the one around it. */
const NEEDS_CONTEXT =
  /(ClassNotFound|NoClassDefFound|NumberFormat|NullPointer|Connect|UnknownHost|Timeout|NoSuchFile|NoSuchMethod|AccessDenied)\w*$/;
const GENERIC =
  /^(Could not execute application|Failed to execute|Internal server error|The main method caused an error|Could not start the JobMaster|SQL (parse|validation) failed)/;

/**
 * Root cause of a Java stack trace in one line: the innermost cause that says something, with the message around it where it needs
 * one. A SQL error is the parser's or validator's own sentence with line and column, without the list of tokens it would have accepted.
 */
export function rootCause(trace: string): string {
  const causes = parse(trace);
  const located = causes.findLast((cause) => SQL_POSITION.test(cause.message));
  if (located) return cut(oneLine(located.message.replace(/\s*Was expecting (one of)?:[\s\S]*$/, '').replace(/^(SQL \w+ failed\. )+/, '')));
  const index = causes.findLastIndex((cause) => cause.message !== '' && !GENERIC.test(cause.message));
  const root = causes[index];
  if (!root) return cut(simpleName(causes.at(-1)) || oneLine(trace) || 'no cause given');
  const text = describe(root);
  const setting = causes.find((cause) => /^Could not parse value .* for key /.test(cause.message));
  if (setting && setting !== root) return cut(`${oneLine(setting.message)} ${text}`);
  if (!NEEDS_CONTEXT.test(root.type)) return cut(text);
  const around = causes.slice(0, index).findLast((cause) => cause.message !== '' && !GENERIC.test(cause.message) && !isWrapper(cause));
  return cut(around ? `${oneLine(around.message).slice(0, 600)} (${text})` : text);
}

/** Whether a class of this name is anywhere in the chain. */
export function hasCause(trace: string, simpleName: string): boolean {
  return new RegExp(`(^|[.\\s])${simpleName}\\b`).test(trace);
}

function parse(trace: string): Cause[] {
  const causes: string[][] = [];
  for (const line of trace.split('\n')) {
    if (/^\s*(at |\.\.\. \d+ (more|common frames)|<Exception on server side|End of exception on server side)/.test(line)) continue;
    if (/^\s*Suppressed: /.test(line)) continue;
    const next = /^Caused by: (.*)$/.exec(line);
    if (next) causes.push([next[1] ?? '']);
    else if (causes.length > 0 || line.trim() !== '') {
      if (causes.length === 0) causes.push([]);
      causes.at(-1)?.push(line);
    }
  }
  return causes.map((lines) => unwrap(lines.join('\n').trim()));
}

/** A wrapper without a message of its own repeats its cause's `toString()`: `CompletionException: a.b.C: message`. */
function unwrap(text: string): Cause {
  const named = NAMED.exec(text);
  if (!named) return { type: '', message: text };
  const message = (named[2] ?? '').trim();
  return NAMED.test(message) ? unwrap(message) : { type: named[1] ?? '', message: message === 'null' ? '' : message };
}

function isWrapper({ type }: Cause): boolean {
  return /\.(CompletionException|ExecutionException|InvocationTargetException|RestHandlerException)$/.test(type);
}

function describe({ type, message }: Cause): string {
  const simple = simpleName({ type });
  if (/^(ClassNotFoundException|NoClassDefFoundError)$/.test(simple)) return `no such class: ${oneLine(message).replaceAll('/', '.')}`;
  // Flink's own words need no class name in front; a program's exception is known by its name.
  if (simple === '' || /^org\.apache\.(flink|calcite)\./.test(type)) return oneLine(message);
  return `${simple}: ${oneLine(message)}`;
}

function simpleName(cause: { readonly type: string } | undefined): string {
  return cause?.type.split(/[.$]/).at(-1) ?? '';
}

function oneLine(text: string): string {
  return text.replace(/\s+/g, ' ').trim();
}

function cut(text: string): string {
  return text.length <= REASON_LIMIT ? text : `${text.slice(0, REASON_LIMIT - 1)}…`;
}
