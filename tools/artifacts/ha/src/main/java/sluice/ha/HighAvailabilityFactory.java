package sluice.ha;

import java.util.List;
import java.util.concurrent.Executor;
import org.apache.flink.configuration.ConfigOption;
import org.apache.flink.configuration.ConfigOptions;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.JobManagerOptions;
import org.apache.flink.configuration.RestOptions;
import org.apache.flink.runtime.highavailability.ClientHighAvailabilityServices;
import org.apache.flink.runtime.highavailability.HighAvailabilityServices;
import org.apache.flink.runtime.highavailability.HighAvailabilityServicesFactory;
import org.apache.flink.runtime.highavailability.nonha.standalone.StandaloneClientHAServices;

/**
 * Named by {@code high-availability.type}. Every process of a cluster makes its services here; only the JobManager's go to the
 * storage, when it first asks for a store.
 */
public final class HighAvailabilityFactory implements HighAvailabilityServicesFactory {
  /** Addresses of the hosts that may lead. Only of a cluster with a stand-by; elsewhere who has the cluster's address leads. */
  private static final ConfigOption<List<String>> JOB_MANAGERS =
      ConfigOptions.key("high-availability.sluice.jobmanagers").stringType().asList().noDefaultValue();

  @Override
  public HighAvailabilityServices createHAServices(Configuration configuration, Executor executor) throws Exception {
    String host = configuration.get(JobManagerOptions.ADDRESS);
    int port = configuration.get(JobManagerOptions.PORT);
    if (configuration.contains(JOB_MANAGERS)) {
      return new ElectedServices(restUrl(configuration), port, configuration, executor);
    }
    return new StoredServices(
        rpcUrl(host, port, "resourcemanager"), rpcUrl(host, port, "dispatcher"), restUrl(configuration), configuration, executor);
  }

  @Override
  public ClientHighAvailabilityServices createClientHAServices(Configuration configuration) {
    return new StandaloneClientHAServices(restUrl(configuration));
  }

  /** The factory is not given Flink's RPC system, which would build the same. */
  private static String rpcUrl(String host, int port, String component) {
    return "pekko.tcp://flink@" + host + ":" + port + "/user/rpc/" + component + "_*";
  }

  private static String restUrl(Configuration configuration) {
    return "http://" + configuration.get(RestOptions.ADDRESS) + ":" + configuration.get(RestOptions.PORT);
  }
}
