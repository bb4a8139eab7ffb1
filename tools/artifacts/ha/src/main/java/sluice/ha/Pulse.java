package sluice.ha;

import java.io.IOException;
import java.net.ConnectException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.SocketTimeoutException;

/**
 * Whether a process lives, as its host's kernel and the process itself tell by TCP, without a word of its protocol. A connection to its
 * port is held, whose end is seen at once. After a second our side of it is closed, whereupon the process closes its own, and the next
 * one is opened: a process that is stopped does not do so, and a host that is gone accepts none.
 */
final class Pulse implements AutoCloseable {
  enum Seen {
    LIVES,
    /** The process closed the connection unasked: it may be ending, and another may soon have its port. */
    CLOSED,
    /** Nobody has the port: the process has ended. */
    GONE,
    /** Its host was not there, several times in a row. */
    UNREACHABLE,
    /** Its host is there, and it did not do anything for {@code patience}. */
    UNRESPONSIVE
  }

  private static final long HELD_NANOS = 1_000_000_000L;
  private static final int ANSWER_MILLIS = 500;
  private static final int UNREACHABLE_AFTER = 3;
  private static final int ONCE_MORE_MILLIS = 50;

  private final InetSocketAddress address;
  private final int unresponsiveAfter;
  private Socket connection;
  private long openedAt;
  private boolean half;
  // Counted, not timed: a pause of our own is no silence of the other's.
  private int unreached;
  private int unanswered;

  Pulse(String host, int port, long patienceMillis) {
    this.address = new InetSocketAddress(host, port);
    this.unresponsiveAfter = (int) Math.max(1, patienceMillis / ANSWER_MILLIS);
  }

  /** Returns after about {@code millis}, sooner when something happens, later while it waits for an answer. */
  Seen look(int millis) throws InterruptedException {
    if (connection == null) {
      Seen reached = open();
      if (reached != Seen.LIVES) {
        return reached;
      }
    }
    try {
      if (!half && (unanswered > 0 || System.nanoTime() - openedAt > HELD_NANOS)) {
        connection.shutdownOutput();
        half = true;
      }
      connection.setSoTimeout(half ? ANSWER_MILLIS : millis);
      return connection.getInputStream().read() < 0 ? ended() : Seen.LIVES;
    } catch (SocketTimeoutException e) {
      if (half) {
        close();
        unanswered += 1;
      }
      return unanswered >= unresponsiveAfter ? Seen.UNRESPONSIVE : Seen.LIVES;
    } catch (IOException e) {
      return ended();
    }
  }

  /** Nothing is held against it. */
  boolean isWell() {
    return unreached == 0 && unanswered == 0;
  }

  private Seen ended() {
    close();
    if (!half) {
      return Seen.CLOSED;
    }
    unanswered = 0;
    return Seen.LIVES;
  }

  private Seen open() throws InterruptedException {
    for (int refusals = 0; ; ) {
      Socket next = new Socket();
      try {
        next.connect(address, ANSWER_MILLIS);
        connection = next;
        half = false;
        unreached = 0;
        openedAt = System.nanoTime();
        return Seen.LIVES;
      } catch (IOException e) {
        closeQuietly(next);
        if (!isRefusal(e)) {
          unreached += 1;
          if (!(e instanceof SocketTimeoutException)) {
            Thread.sleep(ANSWER_MILLIS);
          }
          return unreached >= UNREACHABLE_AFTER ? Seen.UNREACHABLE : Seen.LIVES;
        }
        refusals += 1;
        if (refusals == 2) {
          return Seen.GONE;
        }
        Thread.sleep(ONCE_MORE_MILLIS);
      }
    }
  }

  /** Told from «Network is unreachable», which is our own host's trouble, by the kernel's words only. */
  private static boolean isRefusal(IOException e) {
    return e instanceof ConnectException && String.valueOf(e.getMessage()).contains("refused");
  }

  @Override
  public void close() {
    if (connection != null) {
      closeQuietly(connection);
      connection = null;
    }
  }

  private static void closeQuietly(Socket socket) {
    try {
      socket.close();
    } catch (IOException e) {
      // It is of no more use.
    }
  }
}
