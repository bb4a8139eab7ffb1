import { RemovalPolicy } from 'aws-cdk-lib';
import type { StageConfig } from '../config/schema';

/** What `cdk destroy` does with things that hold data. */
export const removalPolicyOf = (config: Pick<StageConfig, 'removal'>): RemovalPolicy =>
  config.removal === 'retain' ? RemovalPolicy.RETAIN : RemovalPolicy.DESTROY;
