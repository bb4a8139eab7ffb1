package sluice.ha;

import java.io.FileNotFoundException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HashSet;
import java.util.Set;
import java.util.stream.LongStream;
import org.apache.flink.core.fs.FSDataInputStream;
import org.apache.flink.core.fs.FSDataOutputStream;
import org.apache.flink.core.fs.FileStatus;
import org.apache.flink.core.fs.FileSystem;
import org.apache.flink.core.fs.Path;

/**
 * What S3 says of who leads, below the storage of the cluster's epoch:
 *
 * <pre>
 * leaders/&lt;term&gt;/leader          who has won it; the first object of a term, made once (Claims)
 * leaders/&lt;term&gt;/&lt;component&gt;     where the leader's component is: resourcemanager, dispatcher, or a job's id
 * </pre>
 */
final class Terms {
  static final String LEADER = "leader";

  private final Path root;

  Terms(Path storage) {
    this.root = new Path(storage, "leaders");
  }

  /** 0 where there is none. */
  long highest() throws IOException {
    return numbers().max().orElse(0);
  }

  Term leader(long number) throws IOException {
    return Term.of(number, read(path(number, LEADER)));
  }

  /** What is there of a term. */
  Set<String> components(long number) throws IOException {
    Set<String> names = new HashSet<>();
    for (FileStatus file : list(directory(number))) {
      names.add(file.getPath().getName());
    }
    return names;
  }

  String address(long number, String component) throws IOException {
    return new String(read(path(number, component)), StandardCharsets.UTF_8);
  }

  void publish(long number, String component, String address) throws IOException {
    try (FSDataOutputStream out = files().create(path(number, component), FileSystem.WriteMode.OVERWRITE)) {
      out.write(address.getBytes(StandardCharsets.UTF_8));
    }
  }

  void withdraw(long number, String component) throws IOException {
    files().delete(path(number, component), false);
  }

  /** Deletes all up to and including a term. */
  void forget(long upTo) throws IOException {
    for (long number : numbers().filter(number -> number <= upTo).toArray()) {
      files().delete(directory(number), true);
    }
  }

  Path path(long number, String name) {
    return new Path(directory(number), name);
  }

  private Path directory(long number) {
    return new Path(root, String.format("%010d", number));
  }

  private LongStream numbers() throws IOException {
    return Arrays.stream(list(root)).map(file -> file.getPath().getName()).filter(name -> name.matches("\\d+")).mapToLong(Long::parseLong);
  }

  private FileStatus[] list(Path directory) throws IOException {
    try {
      FileStatus[] found = files().listStatus(directory);
      return found == null ? new FileStatus[0] : found;
    } catch (FileNotFoundException e) {
      return new FileStatus[0];
    }
  }

  private byte[] read(Path path) throws IOException {
    try (FSDataInputStream in = files().open(path)) {
      return in.readAllBytes();
    }
  }

  /** Not kept: the file system's plug-in is set up after the services are. */
  private FileSystem files() throws IOException {
    return root.getFileSystem();
  }
}
