import type { ClusterResources } from '../../contracts/cluster';
import { AwsUnavailable } from '../../contracts/errors';
import { everyOne, unlessUnavailable } from './aws-errors';
import { deleteGroupsNamed, describeGroups } from './ec2/auto-scaling-groups';
import type { FleetDependencies, Owner } from './ec2/context';
import { hostsGone } from './ec2/hosts-gone';
import { deleteLaunchTemplates } from './ec2/launch-templates';
import { fleetNames, recordedGroups } from './ec2/names';
import { deleteNetworkInterfaces } from './ec2/network-interface';
import { deleteNodeRole, denyNodeRole } from './ec2/node-role';
import { deletePlacementGroup } from './ec2/placement-group';
import { closeSecurityGroup, deleteSecurityGroup } from './ec2/security-group';
import type { FleetPort } from './fleet.port';

/** The part of the fleet that cuts hosts off and takes away what was made. */
export const createFleetEnd = (
  dependencies: FleetDependencies,
): Pick<FleetPort, 'fence' | 'deleteGroups' | 'groupsGone' | 'deleteAccess'> => {
  const { stage } = dependencies;
  const groupNames = ({ cluster, epoch }: Owner, recorded?: ClusterResources): string[] => {
    const names = fleetNames(stage.name, cluster, epoch);
    const derived = [names.jobManagerGroup, names.standbyGroup, ...names.taskManagerGroups(stage.zones.map(({ name }) => name))];
    return [...new Set([...derived, ...(recorded ? recordedGroups(recorded) : [])])];
  };
  return {
    async fence(owner, resources) {
      // Each part reaches what another may not, so none waits for one that is slow or fails.
      const denied = unlessUnavailable(denyNodeRole(dependencies, owner, resources.roleName));
      await everyOne([
        denied,
        closeSecurityGroup(dependencies, owner, resources.securityGroupId),
        deleteGroupsNamed(dependencies, groupNames(owner, resources)),
      ]);
      const roleKept = await denied;
      return roleKept === undefined ? {} : { roleKept };
    },

    deleteGroups: (owner, resources) => deleteGroupsNamed(dependencies, groupNames(owner, resources)),

    async groupsGone(owner) {
      const names = groupNames(owner);
      return (await describeGroups(dependencies, names)).length > 0 ? { gone: false } : hostsGone(dependencies, owner, names);
    },

    async deleteAccess(owner, resources) {
      // What can go goes now, also when something before it is still in use; the group goes after the interface that is in it.
      const steps = [
        () => deleteLaunchTemplates(dependencies, owner, resources.launchTemplateIds),
        () => deletePlacementGroup(dependencies, owner),
        () => deleteNodeRole(dependencies, owner, resources.roleName),
        () => deleteNetworkInterfaces(dependencies, owner, [resources.networkInterfaceId, resources.standby?.networkInterfaceId]),
        () => deleteSecurityGroup(dependencies, owner, resources.securityGroupId),
      ];
      let inUse: AwsUnavailable | undefined;
      for (const step of steps) {
        try {
          await step();
        } catch (error) {
          if (!(error instanceof AwsUnavailable)) throw error;
          inUse ??= error;
        }
      }
      if (inUse) throw inUse;
    },
  };
};
