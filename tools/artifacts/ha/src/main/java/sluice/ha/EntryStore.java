package sluice.ha;

import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import org.apache.flink.api.java.tuple.Tuple2;
import org.apache.flink.core.fs.FSDataInputStream;
import org.apache.flink.core.fs.FSDataOutputStream;
import org.apache.flink.core.fs.FileStatus;
import org.apache.flink.core.fs.FileSystem;
import org.apache.flink.core.fs.Path;
import org.apache.flink.runtime.persistence.PossibleInconsistentStateException;
import org.apache.flink.runtime.persistence.ResourceVersion;
import org.apache.flink.runtime.persistence.StateHandleStore;
import org.apache.flink.runtime.state.RetrievableStateHandle;
import org.apache.flink.runtime.state.RetrievableStreamStateHandle;
import org.apache.flink.runtime.state.memory.ByteStreamStateHandle;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Named entries, a file each, in one directory of one writer. A file that is not whole, or whose content fails the check, is left where it is
 * and reported, and counts as not there. One that the storage does not give is not such a one ({@link Patience}).
 */
final class EntryStore<T extends Serializable> implements StateHandleStore<T, EntryStore.Presence> {
  private static final Logger LOG = LoggerFactory.getLogger(EntryStore.class);

  private final FileSystem files;
  private final Path directory;
  private final Fence fence;
  private final Check<T> check;
  private int broken;

  /** Looks at what an entry stands for. @see Damaged */
  interface Check<T> {
    void accept(T content) throws IOException;
  }

  EntryStore(FileSystem files, Path directory, Fence fence, Check<T> check) {
    this.files = files;
    this.directory = directory;
    this.fence = fence;
    this.check = check;
  }

  /** Entries that the last look at all of them could not use. */
  int broken() {
    return broken;
  }

  /** Nobody else adds entries: whether it is there already is not asked, as every answer has its price. */
  @Override
  public RetrievableStateHandle<T> addAndLock(String name, T content) throws Exception {
    return write(name, content);
  }

  @Override
  public void replace(String name, Presence expected, T content) throws Exception {
    if (!files.exists(path(name))) {
      throw new NotExistException(path(name) + " is not there");
    }
    write(name, content);
  }

  RetrievableStateHandle<T> write(String name, T content) throws Exception {
    byte[] serialized = Envelope.serialize(content);
    fence.check();
    try {
      writeWhole(path(name), Envelope.seal(serialized));
      // What took long may have been overtaken: then nobody is told that it is there.
      fence.check();
    } catch (IOException e) {
      // The answer of the storage may be all that was lost: what the entry stands for must not be deleted.
      throw new PossibleInconsistentStateException(e);
    }
    return handle(name, serialized);
  }

  @Override
  public Presence exists(String name) throws IOException {
    return files.exists(path(name)) ? Presence.THERE : Presence.NOT_THERE;
  }

  @Override
  public RetrievableStateHandle<T> getAndLock(String name) throws Exception {
    try {
      return read(name);
    } catch (FileNotFoundException e) {
      throw new NotExistException(path(name) + " is not there", e);
    }
  }

  @Override
  public List<Tuple2<RetrievableStateHandle<T>, String>> getAllAndLock() throws IOException {
    List<Tuple2<RetrievableStateHandle<T>, String>> whole = new ArrayList<>();
    broken = 0;
    for (String name : names()) {
      Optional<RetrievableStateHandle<T>> handle = usable(name);
      if (handle.isPresent()) {
        whole.add(Tuple2.of(handle.get(), name));
      }
    }
    return whole;
  }

  /** @throws IOException when the storage does not say what it has */
  private Optional<RetrievableStateHandle<T>> usable(String name) throws IOException {
    try {
      return Optional.of(
          Patience.with(
              path(name),
              () -> {
                RetrievableStateHandle<T> handle = read(name);
                check.accept(content(handle));
                return handle;
              }));
    } catch (FileNotFoundException e) {
      LOG.info("{} was deleted meanwhile.", path(name));
      return Optional.empty();
    } catch (Damaged | LinkageError e) {
      broken += 1;
      LOG.error("{} cannot be used and is left out: {}", path(name), e.toString());
      return Optional.empty();
    }
  }

  private static <T extends Serializable> T content(RetrievableStateHandle<T> handle) throws Damaged {
    try {
      return handle.retrieveState();
    } catch (IOException | ClassNotFoundException | RuntimeException e) {
      // Its bytes are in memory and are those that were written.
      throw new Damaged("it is of another version", e);
    }
  }

  @Override
  public Collection<String> getAllHandles() throws IOException {
    return getAllAndLock().stream().map(entry -> entry.f1).toList();
  }

  @Override
  public boolean releaseAndTryRemove(String name) throws IOException {
    fence.check();
    files.delete(path(name), false);
    return true;
  }

  @Override
  public void clearEntries() throws IOException {
    fence.check();
    files.delete(directory, true);
  }

  // There is one writer, so entries are not locked.
  @Override
  public void release(String name) {}

  @Override
  public void releaseAll() {}

  /** Of all entries, whole or not, in order. */
  List<String> names() throws IOException {
    return names(files, directory);
  }

  /** Of the files in a directory, in order. An object store has no directories: whether one is there is not asked. */
  static List<String> names(FileSystem files, Path directory) throws IOException {
    FileStatus[] found;
    try {
      found = files.listStatus(directory);
    } catch (FileNotFoundException e) {
      return List.of();
    }
    List<String> names = new ArrayList<>();
    for (FileStatus file : found == null ? new FileStatus[0] : found) {
      String name = file.getPath().getName();
      if (!file.isDir() && !name.startsWith(".")) {
        names.add(name);
      }
    }
    names.sort(null);
    return names;
  }

  @Override
  public String toString() {
    return directory.toString();
  }

  private Path path(String name) {
    return new Path(directory, name);
  }

  private RetrievableStateHandle<T> handle(String name, byte[] serialized) {
    return new RetrievableStreamStateHandle<>(new ByteStreamStateHandle(path(name).toString(), serialized));
  }

  /** @throws FileNotFoundException when it is not there */
  RetrievableStateHandle<T> read(String name) throws IOException {
    try (FSDataInputStream in = files.open(path(name))) {
      return handle(name, Envelope.open(in.readAllBytes()));
    }
  }

  /** An object store shows a file when it is complete. A disk does not, but renames at once. */
  private void writeWhole(Path path, byte[] bytes) throws IOException {
    Path first = files.isDistributedFS() ? path : new Path(directory, "." + path.getName() + "." + UUID.randomUUID());
    files.mkdirs(directory);
    try (FSDataOutputStream out = files.create(first, FileSystem.WriteMode.OVERWRITE)) {
      out.write(bytes);
    }
    if (first != path && !files.rename(first, path)) {
      throw new IOException(first + " cannot be renamed to " + path);
    }
  }

  /** Whether an entry is there: with one writer there are no other versions. */
  enum Presence implements ResourceVersion<Presence> {
    NOT_THERE,
    THERE;

    @Override
    public boolean isExisting() {
      return this == THERE;
    }
  }
}
