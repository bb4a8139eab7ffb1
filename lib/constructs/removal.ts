import { RemovalPolicy } from 'aws-cdk-lib';
import type { StageConfig } from '../config/schema';

/**
 * What `cdk destroy` does with things that hold data. What a first deployment that fails has just made goes with its rollback in any case: it is
 * empty, and its name would be in the next one's way
 * (https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-attribute-deletionpolicy.html).
 */
export const removalPolicyOf = (config: Pick<StageConfig, 'removal'>): RemovalPolicy =>
  config.removal === 'retain' ? RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE : RemovalPolicy.DESTROY;
