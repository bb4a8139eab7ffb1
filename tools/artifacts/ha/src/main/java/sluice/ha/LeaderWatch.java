package sluice.ha;

import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import org.apache.flink.runtime.leaderelection.LeaderInformation;
import org.apache.flink.runtime.leaderretrieval.LeaderRetrievalDriver;
import org.apache.flink.runtime.leaderretrieval.LeaderRetrievalEventHandler;
import org.apache.flink.util.concurrent.ExecutorThreadFactory;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Knows who leads, and tells all of a process who asked, on one thread. In calm it holds a connection to the leader and asks S3 once a
 * minute. When the leader is lost, or nothing is known yet, it looks in S3 for a higher term, and then for where that term's components are.
 * In a JobManager it claims the next term instead of waiting for it.
 */
final class LeaderWatch implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(LeaderWatch.class);

  /** How long it takes at most to notice that somebody asks for one more component. */
  private static final int CALM_MILLIS = 250;
  /** So often S3 is asked, and later more seldom: a cluster whose JobManagers are all gone must not cost more than it did. */
  private static final int SEARCH_MILLIS = 150;
  private static final int LATER_MILLIS = 2_000;
  private static final int SEARCHES_AT_FIRST = 200;
  /**
   * Who has the leader's port need not be the process that won the term, but can be one that was started after it, whose term comes when it
   * is up. So S3 is asked again for a while after a term was learned of, or a connection ended; and in calm, in case all that was missed
   * ($0.22 a month and process).
   */
  private static final long DOUBT_NANOS = 60_000_000_000L;

  private static final long DOUBTFUL_LIST_NANOS = 1_000_000_000L;
  private static final long CALM_LIST_NANOS = 60_000_000_000L;

  /** A JobManager that would lead. */
  interface Candidate {
    /** @return whether the term is won. If not, or when that is not known, S3 says who has it. */
    boolean claim(long number) throws IOException;

    Term own(long number);

    /** Another leads. */
    void standBy(Term term);

    /**
     * Begins the term, and returns when it is over.
     *
     * @param clean whether the last leader's process is known to have ended
     */
    void lead(Term term, boolean clean) throws InterruptedException;
  }

  private enum Loss {
    NOT_LOST,
    /** Its process has ended. */
    ENDED,
    /** It does not answer; it may go on when it can be reached again. */
    SILENT
  }

  private final Terms terms;
  private final int port;
  private final long patienceMillis;
  private final Thread thread = new Thread(this::run, "leader-watch");
  /** Handlers take locks of their own, under which they also call us. */
  private final ExecutorService teller = Executors.newSingleThreadExecutor(new ExecutorThreadFactory("leader-teller"));
  private volatile Candidate candidate;

  private final Map<String, List<LeaderRetrievalEventHandler>> handlers = new HashMap<>();
  private final Map<String, LeaderInformation> known = new HashMap<>();
  /** Changed by the thread only. */
  private Term term;

  private Pulse pulse;
  private Loss loss = Loss.NOT_LOST;
  private long doubtUntil = System.nanoTime();
  private long listAt = doubtUntil;
  private int searches;

  /** @param patienceMillis for a leader whose host is there, and which does nothing */
  LeaderWatch(Terms terms, int port, long patienceMillis) {
    this.terms = terms;
    this.port = port;
    this.patienceMillis = patienceMillis;
    thread.setDaemon(true);
  }

  synchronized void stand(Candidate candidate) {
    this.candidate = candidate;
    start();
  }

  /** @param address where the component of the present term is said to be; null when nobody said so */
  synchronized LeaderRetrievalDriver follow(String component, String address, LeaderRetrievalEventHandler handler) {
    start();
    handlers.computeIfAbsent(component, any -> new ArrayList<>()).add(handler);
    if (!known.containsKey(component) && address != null && term != null && address.contains("@" + term.address() + ":")) {
      known.put(component, LeaderInformation.known(term.sessionId(), address));
    }
    if (known.containsKey(component)) {
      tell(List.of(handler), known.get(component));
    }
    return () -> leave(component, handler);
  }

  /** Of the term that this process leads. */
  synchronized void publish(String component, LeaderInformation information) {
    known.put(component, information);
    tell(handlers.getOrDefault(component, List.of()), information);
  }

  synchronized void withdraw(String component) {
    known.remove(component);
  }

  @Override
  public void close() {
    thread.interrupt();
    teller.shutdown();
  }

  private synchronized void leave(String component, LeaderRetrievalEventHandler handler) {
    List<LeaderRetrievalEventHandler> others = handlers.get(component);
    if (others != null && others.remove(handler) && others.isEmpty()) {
      handlers.remove(component);
      if (candidate == null) {
        known.remove(component);
      }
    }
  }

  private void tell(List<LeaderRetrievalEventHandler> some, LeaderInformation information) {
    List<LeaderRetrievalEventHandler> told = List.copyOf(some);
    if (!teller.isShutdown()) {
      teller.execute(() -> told.forEach(handler -> handler.notifyLeaderAddress(information)));
    }
  }

  private void start() {
    if (thread.getState() == Thread.State.NEW) {
      thread.start();
    }
  }

  private void run() {
    try {
      while (true) {
        try {
          step();
        } catch (IOException e) {
          LOG.warn("S3 does not say now who leads, and is asked again: {}", e.toString());
          Thread.sleep(pace());
        } catch (RuntimeException e) {
          LOG.error("Who leads cannot be looked after, which is tried again", e);
          Thread.sleep(LATER_MILLIS);
        }
      }
    } catch (InterruptedException e) {
      LOG.debug("Closed.");
    } finally {
      if (pulse != null) {
        pulse.close();
      }
    }
  }

  private void step() throws IOException, InterruptedException {
    boolean lost = term == null || loss != Loss.NOT_LOST;
    long now = System.nanoTime();
    if (lost || now - listAt >= 0) {
      if (isSucceeded(lost)) {
        return;
      }
      listAt = now + (now - doubtUntil < 0 ? DOUBTFUL_LIST_NANOS : CALM_LIST_NANOS);
    }
    if (term == null || loss == Loss.ENDED) {
      Thread.sleep(pace());
      return;
    }
    boolean missing = readMissing();
    switch (pulse.look(lost || missing ? pace() : CALM_MILLIS)) {
      case LIVES -> {
        if (loss == Loss.SILENT && pulse.isWell()) {
          LOG.info("The leader of term {} answers again.", term.number());
          loss = Loss.NOT_LOST;
        }
      }
      case CLOSED -> doubt();
      case GONE -> lose(Loss.ENDED, "has ended");
      case UNREACHABLE -> lose(Loss.SILENT, "cannot be reached");
      case UNRESPONSIVE -> lose(Loss.SILENT, "does not do anything");
    }
  }

  private boolean isSucceeded(boolean lost) throws IOException, InterruptedException {
    long number = term == null ? 0 : term.number();
    long highest = terms.highest();
    if (highest > number) {
      arrive(terms.leader(highest));
      return true;
    }
    // Looked for once more: a number of long ago, which was forgotten, can be had again, and is worth nothing.
    if (candidate != null && lost && candidate.claim(number + 1) && terms.highest() == number + 1) {
      arrive(candidate.own(number + 1));
      return true;
    }
    return false;
  }

  private void arrive(Term next) throws InterruptedException {
    LOG.info("The JobManager at {} ({}) leads, in term {}.", next.address(), next.instance(), next.number());
    boolean clean = loss != Loss.SILENT;
    synchronized (this) {
      term = next;
      known.clear();
    }
    searches = 0;
    doubt();
    loss = Loss.NOT_LOST;
    if (pulse != null) {
      pulse.close();
    }
    pulse = new Pulse(next.address(), port, patienceMillis);
    if (candidate == null) {
      return;
    }
    Term own = candidate.own(next.number());
    if (own.process().equals(next.process())) {
      candidate.lead(next, clean);
    } else if (own.address().equals(next.address())) {
      // We have its port, so it has ended, unless it was on a host that had our address before.
      lose(own.instance().equals(next.instance()) ? Loss.ENDED : Loss.SILENT, "was here before");
    } else {
      candidate.standBy(next);
    }
  }

  private void doubt() {
    listAt = System.nanoTime();
    doubtUntil = listAt + DOUBT_NANOS;
  }

  private synchronized void lose(Loss how, String why) {
    if (loss == how) {
      return;
    }
    LOG.info("The leader of term {} {}.", term.number(), why);
    searches = 0;
    loss = how;
    if (how == Loss.ENDED) {
      known.clear();
      handlers.values().forEach(some -> tell(some, LeaderInformation.empty()));
    }
  }

  /** @return whether something is still not there */
  private boolean readMissing() throws IOException {
    Set<String> missing;
    synchronized (this) {
      missing = new HashSet<>(handlers.keySet());
      missing.removeAll(known.keySet());
    }
    if (missing.isEmpty()) {
      return false;
    }
    Set<String> there = terms.components(term.number());
    for (String component : Set.copyOf(missing)) {
      if (there.contains(component)) {
        found(component, LeaderInformation.known(term.sessionId(), terms.address(term.number(), component)));
        missing.remove(component);
      }
    }
    return !missing.isEmpty();
  }

  private synchronized void found(String component, LeaderInformation information) {
    if (handlers.containsKey(component) && known.putIfAbsent(component, information) == null) {
      tell(handlers.get(component), information);
    }
  }

  private int pace() {
    searches += 1;
    return searches < SEARCHES_AT_FIRST ? SEARCH_MILLIS : LATER_MILLIS;
  }
}
