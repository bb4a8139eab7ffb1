package sluice.ha;

import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.util.TreeSet;
import java.util.function.BooleanSupplier;
import java.util.regex.Pattern;
import javax.management.JMException;
import javax.management.ObjectName;
import org.apache.flink.api.common.JobID;
import org.apache.flink.core.fs.FSDataInputStream;
import org.apache.flink.core.fs.FSDataOutputStream;
import org.apache.flink.core.fs.FileSystem;
import org.apache.flink.core.fs.Path;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What makes a stand-by warm. Most of a takeover would be the loading of classes that only a leader uses: so the leader writes down, once,
 * which ones it has, and a stand-by loads the same. It also reads once what it would read, which makes its connections to S3.
 */
final class StandBy {
  private static final Logger LOG = LoggerFactory.getLogger(StandBy.class);

  /** By then a leader has its TaskManagers and jobs, and a new stand-by has come up. */
  private static final long STEADY_MILLIS = 30_000;
  private static final long FIRST_MILLIS = 2_000;
  private static final long LOOK_MILLIS = 10_000;
  /** Of Flink and of what comes with it in the same jars; neither a job's nor a plug-in's, and none that the JVM makes as it goes. */
  private static final Pattern CLASS = Pattern.compile("((?:org\\.apache\\.(?:flink|pekko)|scala|sluice\\.ha)\\.[\\w.$]+)/");

  private final Storage storage;
  private final Path classes;

  StandBy(Storage storage, Path root) {
    this.storage = storage;
    this.classes = new Path(root, "classes");
  }

  /** On a leader. */
  void writeClasses() throws InterruptedException {
    Thread.sleep(STEADY_MILLIS);
    try {
      ObjectName commands = new ObjectName("com.sun.management:type=DiagnosticCommand");
      Object told =
          ManagementFactory.getPlatformMBeanServer()
              .invoke(commands, "vmClassHierarchy", new Object[] {new String[0]}, new String[] {String[].class.getName()});
      TreeSet<String> names = new TreeSet<>();
      CLASS.matcher(told.toString()).results().map(found -> found.group(1)).filter(name -> !name.contains("$$Lambda")).forEach(names::add);
      try (FSDataOutputStream out = classes.getFileSystem().create(classes, FileSystem.WriteMode.OVERWRITE)) {
        out.write(String.join("\n", names).getBytes(StandardCharsets.UTF_8));
      }
      LOG.info("A stand-by can load the {} classes of this leader.", names.size());
    } catch (IOException | JMException e) {
      LOG.warn("The classes of this leader are not written down, a stand-by will be slower: {}", e.toString());
    }
  }

  /**
   * On a stand-by, until it is done or leads. Nothing of it is needed, so nothing of it fails.
   *
   * @return whether it is done
   */
  boolean warm(BooleanSupplier leads) throws InterruptedException {
    Thread.sleep(FIRST_MILLIS);
    try {
      for (String job : storage.plans().getAllHandles()) {
        storage.checkpoints(JobID.fromHexString(job), StoredCheckpoints::checkMetadata).getAllAndLock();
      }
    } catch (IOException | RuntimeException e) {
      LOG.warn("What a takeover would read cannot be read now: {}", e.toString());
    }
    while (!leads.getAsBoolean()) {
      if (loadClasses()) {
        return true;
      }
      Thread.sleep(LOOK_MILLIS);
    }
    return false;
  }

  private boolean loadClasses() {
    int loaded = 0;
    try (FSDataInputStream in = classes.getFileSystem().open(classes)) {
      for (String name : new String(in.readAllBytes(), StandardCharsets.UTF_8).split("\n")) {
        try {
          // The leader initialised them too, in the same program.
          Class.forName(name, true, StandBy.class.getClassLoader());
          loaded += 1;
        } catch (ClassNotFoundException | LinkageError e) {
          LOG.debug("{} is not loaded ahead: {}", name, e.toString());
        }
      }
    } catch (IOException e) {
      return false;
    }
    LOG.info("This stand-by is warm: it has loaded {} classes of a leader.", loaded);
    return true;
  }
}
