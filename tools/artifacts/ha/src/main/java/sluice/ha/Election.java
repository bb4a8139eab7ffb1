package sluice.ha;

import java.io.IOException;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.JobManagerOptions;
import org.apache.flink.core.fs.Path;
import org.apache.flink.runtime.leaderelection.LeaderElectionDriver;
import org.apache.flink.runtime.leaderelection.LeaderInformation;
import org.apache.flink.util.concurrent.ExecutorThreadFactory;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A JobManager's part in elections. It leads once in its life: what ends its term ends the process, and the next one stands anew. */
final class Election implements LeaderElectionDriver, LeaderWatch.Candidate {
  private static final Logger LOG = LoggerFactory.getLogger(Election.class);

  /** A leader that is cut off, or was stopped for a while, does not know it: it looks whether there is a higher term, 1.3 million times a month, for $0.52. */
  private static final long LOOK_MILLIS = 2_000;
  /** What a predecessor that is not known to have ended enters, it enters within this time after its last look, and a bit for differing clocks. */
  private static final long SETTLE_MILLIS = Fence.FRESH_NANOS / 1_000_000 + 500;
  /** More terms than can begin within LONG_NANOS, in which a leader may not have looked. */
  private static final long KEPT = 20;
  private static final long LONG_NANOS = 10_000_000_000L;
  private static final long AGAIN_MILLIS = 200;

  private final Listener listener;
  private final Terms terms;
  private final LeaderWatch watch;
  /** Its classes take a second to load: meanwhile Flink starts. */
  private final CompletableFuture<Claims> claims;
  private final String address;
  private final String instance;
  private final String process = UUID.randomUUID().toString();
  private final ExecutorService writer = Executors.newSingleThreadExecutor(new ExecutorThreadFactory("leader-writer"));

  private final Thread beside = new Thread(this::beside, "stand-by");
  private final Configuration configuration;
  private final Path storage;

  private volatile Term leading;
  private long lookedAt;

  Election(Configuration configuration, Path storage, Terms terms, LeaderWatch watch, Listener listener) {
    this.configuration = configuration;
    this.storage = storage;
    this.listener = listener;
    this.terms = terms;
    this.watch = watch;
    this.address = configuration.get(JobManagerOptions.ADDRESS);
    this.instance = configuration.getOptional(JobManagerOptions.JOB_MANAGER_RESOURCE_ID).orElse(address);
    this.claims = CompletableFuture.supplyAsync(() -> new Claims(configuration, storage));
    beside.setDaemon(true);
    watch.stand(this);
  }

  /** What is good to have done before it is needed, or what a later stand-by will need. */
  private void beside() {
    try {
      StandBy standBy = new StandBy(Storage.of(configuration, List.of()), storage);
      if (leading == null) {
        claims.join().isTaken(0);
        if (standBy.warm(this::hasLeadership)) {
          return;
        }
      }
      standBy.writeClasses();
    } catch (IOException | CompletionException e) {
      LOG.warn("This stand-by is not warm: {}", e.toString());
    } catch (InterruptedException e) {
      LOG.debug("Closed.");
    }
  }

  @Override
  public boolean claim(long number) throws IOException {
    return claims.join().claim(own(number));
  }

  @Override
  public Term own(long number) {
    return new Term(number, address, instance, process);
  }

  @Override
  public void standBy(Term term) {
    startBeside();
  }

  private void startBeside() {
    if (beside.getState() == Thread.State.NEW) {
      beside.start();
    }
  }

  @Override
  public void lead(Term term, boolean clean) throws InterruptedException {
    if (!clean) {
      Thread.sleep(SETTLE_MILLIS);
    }
    lookedAt = System.nanoTime();
    leading = term;
    listener.onGrantLeadership(term.sessionId());
    startBeside();
    for (int look = 1; ; look += 1) {
      Thread.sleep(LOOK_MILLIS);
      try {
        if (isOver()) {
          Fence.end("Term " + term.number() + " is over: another leads.");
        }
        if (look == LONG_NANOS / 1_000_000 / LOOK_MILLIS) {
          terms.forget(term.number() - KEPT);
        }
      } catch (IOException e) {
        LOG.warn("Whether another leads is not known now: {}", e.toString());
      }
    }
  }

  /** @throws IllegalStateException in a process that does not lead */
  synchronized boolean isOver() throws IOException {
    Term term = leading;
    if (term == null) {
      throw new IllegalStateException("Only the leader changes what is stored");
    }
    long now = System.nanoTime();
    // The next term may have been forgotten already when this process was stopped for long: then all that are there are listed.
    boolean over = now - lookedAt > LONG_NANOS ? terms.highest() > term.number() : claims.join().isTaken(term.number() + 1);
    lookedAt = now;
    return over;
  }

  @Override
  public boolean hasLeadership() {
    return leading != null;
  }

  @Override
  public void publishLeaderInformation(String component, LeaderInformation information) {
    watch.publish(component, information);
    write(component, () -> terms.publish(leading.number(), component, information.getLeaderAddress()));
  }

  @Override
  public void deleteLeaderInformation(String component) {
    watch.withdraw(component);
    write(component, () -> terms.withdraw(leading.number(), component));
  }

  @Override
  public void close() {
    beside.interrupt();
    writer.shutdownNow();
    claims.thenAccept(Claims::close);
  }

  private interface Change {
    void make() throws IOException;
  }

  /** In order, and until it is done: TaskManagers wait for it. */
  private void write(String component, Change change) {
    if (component.equals(ElectedServices.REST)) {
      return; // Nobody looks for it.
    }
    writer.execute(
        () -> {
          while (!Thread.currentThread().isInterrupted()) {
            try {
              change.make();
              return;
            } catch (IOException e) {
              LOG.warn("Where {} is cannot be written now, which is tried again: {}", component, e.toString());
              try {
                Thread.sleep(AGAIN_MILLIS);
              } catch (InterruptedException interrupted) {
                return;
              }
            }
          }
        });
  }
}
