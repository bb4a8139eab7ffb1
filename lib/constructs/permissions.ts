import { Stack, Validations } from 'aws-cdk-lib';
import { Effect, ManagedPolicy, PolicyStatement, type Role } from 'aws-cdk-lib/aws-iam';

/** A statement that, where it needs a wildcard, says why. */
export interface Permission {
  readonly actions: readonly string[];
  readonly resources: readonly string[];
  readonly conditions?: Readonly<Record<string, unknown>>;
  /** Why a resource ends in `*`; required then (cdk-nag AwsSolutions-IAM5). */
  readonly because?: string;
}

export const toStatement = (permission: Permission): PolicyStatement =>
  new PolicyStatement({
    effect: Effect.ALLOW,
    actions: [...permission.actions],
    resources: [...permission.resources],
    ...(permission.conditions ? { conditions: permission.conditions } : {}),
  });

/** As cdk-nag writes a resource in a finding: `<AWS::AccountId>` for a reference. */
const asFinding = (value: unknown): string => {
  if (typeof value === 'string') return value.replaceAll('${', '<').replaceAll('}', '>');
  const node = value as {
    'Fn::Join'?: [string, unknown[]];
    Ref?: string;
    'Fn::GetAtt'?: [string, string];
    'Fn::ImportValue'?: unknown;
    'Fn::Sub'?: unknown;
  };
  if (node['Fn::Join']) return node['Fn::Join'][1].map(asFinding).join(node['Fn::Join'][0]);
  if (node['Fn::GetAtt']) return `<${node['Fn::GetAtt'].join('.')}>`;
  if (node.Ref) return `<${node.Ref}>`;
  return asFinding(node['Fn::ImportValue'] ?? node['Fn::Sub'] ?? JSON.stringify(value));
};

/**
 * Grants exactly these permissions, and records the reason of each wildcard where cdk-nag looks for it: a wildcard without a reason fails the synth.
 */
export const permit = (target: Role | ManagedPolicy, permissions: readonly Permission[]): void => {
  const stack = Stack.of(target);
  for (const permission of permissions) {
    const statement = toStatement(permission);
    if (target instanceof ManagedPolicy) target.addStatements(statement);
    else target.addToPolicy(statement);
    if (!permission.because) continue;
    for (const resource of permission.resources) {
      const finding = asFinding(stack.resolve(resource));
      if (finding.includes('*'))
        Validations.of(target).acknowledge({ id: `AwsSolutions-IAM5[Resource::${finding}]`, reason: permission.because });
    }
  }
};
