declare module 'asl-validator' {
  /** Checks a definition against the Amazon States Language's schemas. */
  export default function validate(definition: unknown): { readonly isValid: boolean; errorsText(separator?: string): string };
}
