package sluice.ha;

import org.apache.flink.configuration.CheckpointingOptions;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.runtime.jobmanager.DefaultExecutionPlanStore;
import org.apache.flink.runtime.jobmanager.ExecutionPlanStoreUtil;
import org.apache.flink.runtime.jobmanager.NoOpExecutionPlanStoreWatcher;
import org.apache.flink.runtime.persistence.ResourceVersion;
import org.apache.flink.runtime.persistence.StateHandleStore;
import org.apache.flink.streaming.api.graph.ExecutionPlan;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Stores jobs with the cluster's checkpoint storage in place of one that their program has chosen: that would not look for the fence ({@link FencedStorage}), and
 * complete savepoints of an epoch that has ended. Each new job comes by here before it begins.
 */
final class OwnStorage<R extends ResourceVersion<R>> extends DefaultExecutionPlanStore<R> {
  private static final Logger LOG = LoggerFactory.getLogger(OwnStorage.class);

  private final Configuration cluster;

  OwnStorage(Configuration cluster, StateHandleStore<ExecutionPlan, R> plans, ExecutionPlanStoreUtil names) {
    super(plans, NoOpExecutionPlanStoreWatcher.INSTANCE, names);
    this.cluster = cluster;
  }

  @Override
  public void putExecutionPlan(ExecutionPlan plan) throws Exception {
    Configuration ofJob = plan.getJobConfiguration();
    String own = cluster.get(CheckpointingOptions.CHECKPOINT_STORAGE);
    String chosen = ofJob.get(CheckpointingOptions.CHECKPOINT_STORAGE);
    if (own != null && chosen != null && !chosen.equals(own)) {
      LOG.warn("Job {} keeps its state in {}, not in {}, which its program has chosen.", plan.getJobID(), own, chosen);
      ofJob.set(CheckpointingOptions.CHECKPOINT_STORAGE, own);
    }
    super.putExecutionPlan(plan);
  }
}
