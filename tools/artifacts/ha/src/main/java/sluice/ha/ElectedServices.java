package sluice.ha;

import java.io.IOException;
import java.util.List;
import java.util.concurrent.Executor;
import org.apache.flink.api.common.JobID;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.HeartbeatManagerOptions;
import org.apache.flink.configuration.HighAvailabilityOptions;
import org.apache.flink.core.fs.Path;
import org.apache.flink.runtime.leaderelection.DefaultLeaderElectionService;
import org.apache.flink.runtime.leaderelection.LeaderElection;
import org.apache.flink.runtime.leaderretrieval.DefaultLeaderRetrievalService;
import org.apache.flink.runtime.leaderretrieval.LeaderRetrievalService;

/** Of a cluster with a stand-by: who leads is decided in S3 (docs/adr/0022). */
final class ElectedServices extends StoredServices {
  static final String REST = "rest";
  private static final String RESOURCE_MANAGER = "resourcemanager";
  private static final String DISPATCHER = "dispatcher";
  /** A JobManager that stands still for so long has lost its TaskManagers anyway. */
  private static final long LEAST_PATIENCE_MILLIS = 5_000;

  private final LeaderWatch watch;
  private final DefaultLeaderElectionService elections;
  private volatile Election election;

  ElectedServices(String rest, int port, Configuration configuration, Executor executor) throws IOException {
    super("elected", "elected", rest, configuration, executor);
    Path storage = new Path(configuration.get(HighAvailabilityOptions.HA_STORAGE_PATH));
    Terms terms = new Terms(storage);
    long patience = Math.max(LEAST_PATIENCE_MILLIS, configuration.get(HeartbeatManagerOptions.HEARTBEAT_TIMEOUT).toMillis());
    this.watch = new LeaderWatch(terms, port, patience);
    this.elections =
        new DefaultLeaderElectionService(
            listener -> {
              election = new Election(configuration, storage, terms, watch, listener);
              return election;
            });
  }

  @Override
  List<Fence.Mark> marks() {
    return List.of(new Fence.Mark("Another JobManager leads.", () -> election.isOver()));
  }

  @Override
  public LeaderElection getResourceManagerLeaderElection() {
    return elections.createLeaderElection(RESOURCE_MANAGER);
  }

  @Override
  public LeaderElection getDispatcherLeaderElection() {
    return elections.createLeaderElection(DISPATCHER);
  }

  @Override
  public LeaderElection getJobManagerLeaderElection(JobID job) {
    return elections.createLeaderElection(job.toHexString());
  }

  @Override
  public LeaderElection getClusterRestEndpointLeaderElection() {
    return elections.createLeaderElection(REST);
  }

  @Override
  public LeaderRetrievalService getResourceManagerLeaderRetriever() {
    return retriever(RESOURCE_MANAGER, null);
  }

  @Override
  public LeaderRetrievalService getDispatcherLeaderRetriever() {
    return retriever(DISPATCHER, null);
  }

  @Override
  public LeaderRetrievalService getJobManagerLeaderRetriever(JobID job) {
    return retriever(job.toHexString(), null);
  }

  @Override
  public LeaderRetrievalService getJobManagerLeaderRetriever(JobID job, String address) {
    return retriever(job.toHexString(), address);
  }

  private LeaderRetrievalService retriever(String component, String address) {
    return new DefaultLeaderRetrievalService((handler, fatal) -> watch.follow(component, address, handler));
  }

  @Override
  public void close() throws Exception {
    try (LeaderWatch closing = watch) {
      elections.close();
    } finally {
      super.close();
    }
  }
}
