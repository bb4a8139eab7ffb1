/** What JSON leaves as it is, and a terminal obeys or a person does not see: control characters beyond 0x1f, line separators, marks that turn the direction of text. */
const HIDDEN_CHARACTERS = /[\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/g;

/** The same JSON, with all of that escaped. Texts of callers reach whoever reads a log or an answer in a terminal. */
export const printableJson = (value: unknown): string =>
  JSON.stringify(value).replace(HIDDEN_CHARACTERS, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);
