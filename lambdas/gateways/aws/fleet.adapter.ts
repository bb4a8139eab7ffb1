import { CreateTagsCommand, DeleteTagsCommand, DescribeAvailabilityZonesCommand } from '@aws-sdk/client-ec2';
import type { ClusterResources, StandbyJobManager } from '../../contracts/cluster';
import { mostHostsInChange } from '../../domain/capacity';
import { unless } from './aws-errors';
import { ensureGroup, isMixed, launchAgain, replaceEnded, setOrExtend, terminateInGroup } from './ec2/auto-scaling-groups';
import type { FleetDependencies } from './ec2/context';
import { giveAddresses } from './ec2/host-addresses';
import { launchAs } from './ec2/job-manager-types';
import { baseTemplate, ensureLaunchTemplate, ensureTypeVersions, templateData } from './ec2/launch-templates';
import { fleetNames } from './ec2/names';
import { ensureNetworkInterface, ensureStandbyInterface } from './ec2/network-interface';
import { ensureNodeRole, refreshNodeRole } from './ec2/node-role';
import { instancesOf, observeFleet } from './ec2/observe-fleet';
import { markTag, ownerOfInstance } from './ec2/observed-hosts';
import { ensurePlacementGroup } from './ec2/placement-group';
import { admitMetricQueries, ensureSecurityGroup } from './ec2/security-group';
import { typeTraits } from './ec2/type-traits';
import { observeZones } from './ec2/zones';
import type { FleetPort, FleetSpec } from './fleet.port';
import { createFleetEnd } from './fleet-end.adapter';

const GONE = ['InvalidInstanceID.NotFound', 'InvalidInstanceId.NotFound', 'InvalidID'] as const;

/** The wish is taken back for a moment where another type is to be launched (`launchAs`). */
const JOB_MANAGER_HOSTS = { wanted: 1, min: 0, max: 1 } as const;

/** A host as the first JobManager's, with an interface and in a group of its own. */
const standbyParts = ({ group, zone, networkInterfaceId }: StandbyJobManager) =>
  ({ role: 'jobmanager', name: group, zone, networkInterfaceId, hosts: JOB_MANAGER_HOSTS }) as const;

/**
 * Machines by EC2 Auto Scaling. Whatever is made has a name or tag that derives from stage, cluster and epoch, and is looked for before or when it is made:
 * each method can be repeated after a crash between any two of its calls.
 */
export const createFleet = (dependencies: FleetDependencies): FleetPort => {
  const { ec2, stage } = dependencies;
  const groupOf = ({ cluster, epoch, zone, zones }: FleetSpec): ClusterResources['taskManagerGroups'][number] => ({
    name: fleetNames(stage.name, cluster, epoch).taskManagerGroup(zones),
    zone,
    ...(zones.length > 1 ? { zones: [...zones] } : {}),
  });
  return {
    makeRole: (spec) => ensureNodeRole(dependencies, spec),

    async prepareAccess(spec, made) {
      const securityGroupId = await ensureSecurityGroup(dependencies, spec);
      const role = (made && (await refreshNodeRole(dependencies, spec, made))) ?? (await ensureNodeRole(dependencies, spec));
      const first = { name: fleetNames(stage.name, spec.cluster, spec.epoch).jobManagerGroup, zone: spec.zone };
      const { networkInterfaceId, address } = await ensureNetworkInterface(dependencies, spec, securityGroupId, first);
      const standby = await ensureStandbyInterface(dependencies, spec, securityGroupId);
      for (const one of [address, ...(standby ? [standby.address] : [])]) await admitMetricQueries(dependencies, securityGroupId, one);
      return { securityGroupId, ...role, networkInterfaceId, jobManagerAddress: address, ...(standby ? { standby } : {}) };
    },

    async createGroups(spec, access, taskManagerHosts) {
      const names = fleetNames(stage.name, spec.cluster, spec.epoch);
      const { taskManagers, taskManagersPerHost } = spec.size;
      const mostHosts = Math.max(taskManagerHosts, Math.ceil(taskManagers.max / taskManagersPerHost));
      const { alternatives = [] } = spec.size;
      const traits = await typeTraits(dependencies, [spec.size.instanceType, spec.size.jobManager.instanceType, ...alternatives]);
      // A single host has no neighbour to be near to, and a cluster placement group lies in one zone.
      const placed = mostHosts > 1 && spec.zones.length === 1 && traits(spec.size.instanceType).clusterPlacement;
      const placementGroup = placed ? await ensurePlacementGroup(dependencies, spec) : undefined;
      const groups = [
        { role: 'jobmanager', name: names.jobManagerGroup, hosts: JOB_MANAGER_HOSTS },
        {
          role: 'taskmanager',
          name: names.taskManagerGroup(spec.zones),
          hosts: { wanted: taskManagerHosts, min: 0, max: mostHostsInChange(mostHosts) },
          placementGroup,
          types: [spec.size.instanceType, ...alternatives.filter((type) => !placed || traits(type).clusterPlacement)],
        },
        ...(access.standby ? [standbyParts(access.standby)] : []),
      ] as const;
      const launchTemplateIds: string[] = [];
      for (const group of groups) {
        const isJobManager = group.role === 'jobmanager';
        const type = isJobManager ? spec.size.jobManager.instanceType : spec.size.instanceType;
        const base = await baseTemplate(dependencies, traits(type).architecture, isMixed(spec, group) ? 'by-id' : 'by-parameter');
        const data = templateData(base, { stage, spec, access, ...group });
        const launchTemplateId = await ensureLaunchTemplate(dependencies, spec, group.name, data);
        launchTemplateIds.push(launchTemplateId);
        await ensureGroup(dependencies, spec, { ...group, launchTemplateId, version: isJobManager ? '$Default' : '$Latest' });
      }
      // Whoever looks whether hosts come does so after this: until then they boot.
      const { instanceType, alternatives: others = [] } = spec.size.jobManager;
      for (const [index, { role }] of groups.entries())
        if (role === 'jobmanager') await ensureTypeVersions(dependencies, launchTemplateIds[index] as string, [instanceType, ...others]);
      return {
        jobManagerGroup: names.jobManagerGroup,
        taskManagerGroups: [groupOf(spec)],
        launchTemplateIds,
      };
    },

    async zoneName(zone) {
      const { AvailabilityZones = [] } = await ec2.send(new DescribeAvailabilityZonesCommand({}));
      return AvailabilityZones.find(({ ZoneId, ZoneName }) => ZoneId === zone || ZoneName === zone)?.ZoneName;
    },

    zones: (withinMs) => observeZones(ec2, withinMs),

    observe: (resources) => observeFleet(dependencies, resources),

    launchAs: (other) => launchAs(dependencies, other),
    launchAgain: (group) => launchAgain(dependencies, group),

    async setHosts(resources, zone, hosts) {
      const group = resources.taskManagerGroups.find((one) => one.zone === zone);
      if (!group) throw new Error(`The cluster has no TaskManager group in ${zone}`);
      await setOrExtend(dependencies, group.name, hosts);
    },

    terminateHosts: (instanceIds) => terminateInGroup(dependencies, instanceIds, 'fewer'),
    replaceHosts: (instanceIds) => terminateInGroup(dependencies, instanceIds, 'as-many'),
    replaceEnded: (instanceIds) => replaceEnded(dependencies, instanceIds),

    async markHosts(instanceIds, mark, by) {
      // One by one: a call for several fails as a whole when one of them has gone.
      for (const id of instanceIds)
        await unless([...GONE], ec2.send(new CreateTagsCommand({ Resources: [id], Tags: [{ Key: markTag(mark), Value: by }] })));
    },

    async unmarkHosts(instanceIds, mark) {
      for (const id of instanceIds)
        await unless([...GONE], ec2.send(new DeleteTagsCommand({ Resources: [id], Tags: [{ Key: markTag(mark) }] })));
    },

    giveAddresses: (instanceIds) => giveAddresses(dependencies, instanceIds),

    async ownerOf(instanceId) {
      const [instance] = await instancesOf(ec2, [instanceId]);
      return instance && ownerOfInstance(instance, stage.name);
    },

    ...createFleetEnd(dependencies),
  };
};
