/** Checks every definition against the Amazon States Language, JSONata included. */
import validate from 'asl-validator';
import { readDefinitions, withDummyArns } from './definitions';

const definitions = readDefinitions();
for (const { file, text } of definitions) {
  const result = validate(JSON.parse(withDummyArns(text)));
  if (result.isValid) continue;
  console.error(`${file}: ${result.errorsText('\n')}`);
  process.exitCode = 1;
}
if (definitions.length === 0) {
  console.error('state-machines/ holds no definition.asl.json.');
  process.exitCode = 1;
}
