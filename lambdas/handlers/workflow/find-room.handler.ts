import middy from '@middy/core';
import { clock, flink, store } from '../../composition/environment';
import { type FindRoomInput, findRoomInput } from '../../contracts/workflow';
import { type Task, workflow } from '../../middleware/workflow';
import { findRoom } from '../../usecases/clusters/find-room';

const deps = { clock, flink: flink(), store: store() };

export const handler = middy(({ operation, input }: Task<FindRoomInput>) => findRoom(deps, operation, input)).use(
  workflow(findRoomInput, deps),
);
